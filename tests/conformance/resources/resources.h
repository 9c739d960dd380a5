/*
 * resources.h - the cases of this group, by file, and how they have a device ask for something
 * else.
 */
#pragma once

#include "suite.h"

#define KINDS (TestKindKeyboard + 1)

/* The requirements as each kind of device last saw them, before it changed them; or NULL. */
extern PIO_RESOURCE_REQUIREMENTS_LIST Asked[KINDS];

/* Some device had no requirements at all. */
extern BOOLEAN AskedNothing;

/* Changes a list that is to be filtered, in place or for another. */
typedef VOID (*CHANGE)(PIO_RESOURCE_REQUIREMENTS_LIST *List);
/* Restarts the device with its requirements changed in this way, or as they are if it is NULL. */
BOOLEAN RestartWith(PTEST_DEVICE Device, CHANGE Change);

static inline KAFFINITY ActiveProcessors(VOID)
{
    return ((KAFFINITY)1 << TestProcessors()) - 1;
}

PIO_RESOURCE_LIST NextList(PIO_RESOURCE_LIST List);
/* The Index-th interrupt descriptor of a list, or NULL. */
PLAG_INTERRUPT_REQUIREMENT InterruptOf(PIO_RESOURCE_LIST List, ULONG Index);
ULONG InterruptsOf(PIO_RESOURCE_LIST List);
/* A new list for the old: its first alternative with so many copies of its first interrupt. */
VOID Replace(PIO_RESOURCE_REQUIREMENTS_LIST *List, PIO_RESOURCE_LIST Alternative, ULONG Interrupts);

/* descriptors.c: lists as devices get them */
VOID CheckLayouts(VOID);
VOID CheckLists(PTEST_DEVICE Device);
VOID CheckKinds(VOID);
VOID CheckWithout(PTEST_DEVICE Device);
/* asked.c: requirements as the bus makes them */
VOID CheckAsked(VOID);
VOID CheckRequests(PTEST_DEVICE Device);
/* changed.c: requirements that the driver changes */
VOID CheckCounts(VOID);
VOID CheckMove(PTEST_DEVICE Device);
VOID MovedStops(PTEST_DEVICE Device);
VOID MovedStarts(PTEST_DEVICE Device);
VOID CheckPolicies(PTEST_DEVICE Device);
/* registry.c: what the device's hardware key says */
VOID CheckRegistry(PTEST_DEVICE Device);
