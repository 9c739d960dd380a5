/*
 * kernel.h - the kernel conformance driver: what drivers use beside interrupts.
 *
 *   kernel.c   the driver; runs the groups in order
 *   irql.c     IRQL, spin locks
 *   wait.c     events, semaphores, mutexes, timers, threads, waits
 *   memory.c   pool, contiguous memory, lists, strings
 */
#pragma once

#include <ntddk.h>

#include "../../common/ktap.h"

#define TEST_TAG 0x74736554 /* "Test" */

VOID CheckIrql(PKTAP Report);
VOID CheckSpinLocks(PKTAP Report);
VOID CheckEvents(PKTAP Report);
VOID CheckSemaphores(PKTAP Report);
VOID CheckMutexes(PKTAP Report);
VOID CheckTimers(PKTAP Report);
VOID CheckThreads(PKTAP Report);
VOID CheckWorkItems(PKTAP Report, PDEVICE_OBJECT DeviceObject);
VOID CheckPool(PKTAP Report);
VOID CheckContiguous(PKTAP Report);
VOID CheckClock(PKTAP Report);

/* A wait that is over at once or after so many milliseconds. */
static inline NTSTATUS WaitFor(PVOID Object, LONG Milliseconds)
{
    LARGE_INTEGER timeout;

    timeout.QuadPart = -(LONGLONG)Milliseconds * 10000;
    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &timeout);
}
