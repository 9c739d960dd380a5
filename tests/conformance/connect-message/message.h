/*
 * message.h - conformance of the message-based connect, Version 3.
 *
 *   connect-message.c  the group: calls that succeed, the fallback, calls that are refused
 *   table.c            IO_INTERRUPT_MESSAGE_INFO, and IoGetAffinityInterrupt beside it
 *   held.c             address and data, beside those that the device holds
 *   deliver.c          which call comes for which message, under which lock
 */
#pragma once

#include "suite.h"

/* A connected Version 3 connection: its table is as the resources say. */
VOID TableCheck(PTEST_CONNECTION Connection);
/* Its addresses and data are in the device's capability, or its table. */
VOID HeldCheck(PTEST_CONNECTION Connection);
/* A device with one MSI descriptor for several messages. */
VOID TableCheckBlock(PTEST_DEVICE Device);
/* The routine reads the table while it runs. */
VOID TableCheckFromRoutine(PTEST_DEVICE Device);
/*
 * MessageAddress and MessageData, written by another device, send the message, or are blocked where
 * a remapping unit knows whose it is.
 */
VOID TableCheckByWrite(PTEST_DEVICE Device, PTEST_DEVICE Writer);
VOID AffinityCheck(PTEST_CONNECTION Connection);

VOID DeliverEach(PTEST_DEVICE Device);
VOID DeliverAtFloor(PTEST_DEVICE Device);
VOID DeliverUnderOwnLocks(PTEST_DEVICE Device);
VOID DeliverUnderOneLock(PTEST_DEVICE Device);
VOID DeliverBurst(PTEST_DEVICE Device);
