/*
 * csq.h - cancel-safe queues. They are part of wdm.h; this name is for sources
 * that include it as older kits required.
 */
#ifndef NT_CSQ_H
#define NT_CSQ_H
#include "wdm.h"
#endif
