/*
 * full.h - conformance of the fully specified connect, Versions 1 and 4.
 *
 *   connect-full.c  the group, Versions, calls that succeed and what their ISRs see
 *   refuse.c        every call that must be refused, and the order of the checks
 */
#pragma once

#include "suite.h"

/* Refused calls for one device with at least one interrupt. */
VOID RefuseArguments(PTEST_DEVICE Device);
VOID RefuseLevels(PTEST_DEVICE Device);
VOID RefuseProcessors(PTEST_DEVICE Device);
VOID RefuseVectors(PTEST_DEVICE Device);
VOID RefuseSharing(PTEST_DEVICE Device);
VOID RefuseInOrder(PTEST_DEVICE Device);
VOID RefuseWithoutTrace(PTEST_DEVICE Device);
