/*
 * Private to the INF reader: which TargetOSVersion decorations admit this system.
 */
#ifndef PARSE_INF_DECORATION_H
#define PARSE_INF_DECORATION_H

#include "parse/parse.h"

/* How specific a decoration is, the higher the better; 0: it does not admit x64 Windows 10.0. */
uint64_t inf_decoration_score(const char *decoration);

#endif
