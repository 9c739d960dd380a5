/*
 * passive.h - conformance of routines that run at PASSIVE_LEVEL.
 *
 *   passive.c   the group: fully specified passive connects, Versions 1 and 4
 *   version5.c  CONNECT_MESSAGE_BASED_PASSIVE, as CIE-VER-8 chooses it to be
 */
#pragma once

#include "suite.h"

/* Version 1, Irql and SynchronizeIrql PASSIVE_LEVEL, no lock. */
VOID PreparePassive(PTEST_CONNECTION Connection, PTEST_DEVICE Device);
/* Raises a message, or the line: the routine is called once, at PASSIVE_LEVEL, in a thread. */
VOID ExpectPassiveCall(PTEST_CONNECTION Connection, ULONG Message, PCSTR Name);
/* KeSynchronizeExecution with a passive object. */
VOID CheckSynchronize(PTEST_CONNECTION Connection, PKINTERRUPT Object, ULONG Message);

VOID CheckVersion5(PTEST_DEVICE Device);
