/*
 * isr.h - the cases of this group, by file.
 */
#pragma once

#include "suite.h"

#define LINE_DEVICES 4

/* Line-based connections of devices that share a line, connected in this order. */
extern TEST_CONNECTION Shared[LINE_DEVICES];

/* routine.c: what surrounds a routine that is called, what it may call */
VOID CheckRegisters(PTEST_DEVICE Device);
VOID CheckStack(PTEST_DEVICE Device);
VOID CheckCalls(PTEST_DEVICE Device);
VOID CheckNesting(PTEST_DEVICE Line, PTEST_DEVICE Higher);
/* message.c: several messages of one device */
VOID CheckMessages(PTEST_DEVICE Device);
/* chain.c: several routines of one line */
VOID CheckChain(ULONG Devices);
VOID CheckEdgeChain(PTEST_DEVICE Edge);
/* storm.c: lines that nobody quiets, devices whose driver has gone */
VOID CheckStorm(PTEST_DEVICE Device, PTEST_DEVICE Neighbour);
VOID CheckGone(PTEST_DEVICE Device);
VOID Stop(ULONG Number);
