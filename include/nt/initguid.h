/*
 * initguid.h - turns the DEFINE_GUID lines that follow into definitions.
 *
 * A driver includes it in one source file, before the headers that list the
 * GUIDs it uses (wdmguid.h, its own interface header).
 */
#ifndef INITGUID
#define INITGUID
#endif
#include "guiddef.h"
