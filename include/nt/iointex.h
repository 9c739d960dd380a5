/*
 * iointex.h - for sources that also target Windows before Vista.
 *
 * There the names map to a static library that falls back to
 * IoConnectInterrupt. This kernel has the routines themselves, so nothing is
 * mapped and no library is linked.
 */
#ifndef NT_IOINTEX_H
#define NT_IOINTEX_H
#include "wdm.h"
#endif
