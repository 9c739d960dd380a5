/*
 * linux/kmemleak.h - the one header of Linux that ACPICA's Linux edition includes (utobject.c).
 * There is no leak detector here to tell.
 */
#ifndef LINUX_KMEMLEAK_H
#define LINUX_KMEMLEAK_H

#define kmemleak_not_leak(object) ((void)(object))

#endif
