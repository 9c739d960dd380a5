/*
 * wait.c - dispatcher objects, threads and time.
 */
#include "kernel.h"

VOID CheckEvents(PKTAP Report)
{
    PVOID objects[2];
    KEVENT first, second;
    LARGE_INTEGER zero = {.QuadPart = 0};

    KeInitializeEvent(&first, NotificationEvent, FALSE);
    KtapStatus(Report, WaitFor(&first, 0), STATUS_TIMEOUT, "an event that is not set times out");
    KtapEqual(Report, (ULONG)KeSetEvent(&first, IO_NO_INCREMENT, FALSE), 0,
              "setting an event returns its state before");
    KtapStatus(Report, WaitFor(&first, 0), STATUS_SUCCESS, "a set event satisfies a wait");
    KtapStatus(Report, WaitFor(&first, 0), STATUS_SUCCESS, "a notification event stays set");
    KeClearEvent(&first);
    KtapEqual(Report, (ULONG)KeReadStateEvent(&first), 0, "clearing an event clears it");

    KeInitializeEvent(&second, SynchronizationEvent, TRUE);
    KtapStatus(Report, WaitFor(&second, 0), STATUS_SUCCESS, "an event may be made set");
    KtapStatus(Report, WaitFor(&second, 0), STATUS_TIMEOUT,
               "a synchronization event lets one wait through");

    objects[0] = &first;
    objects[1] = &second;
    KeSetEvent(&second, IO_NO_INCREMENT, FALSE);
    KtapStatus(
        Report,
        KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, &zero, NULL),
        STATUS_TIMEOUT, "waiting for all needs all");
    KtapEqual(Report, (ULONG)KeReadStateEvent(&second), 1, "a wait for all takes none on time-out");
    KtapStatus(
        Report,
        KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, &zero, NULL),
        STATUS_WAIT_1, "waiting for any tells which");
    KeSetEvent(&first, IO_NO_INCREMENT, FALSE);
    KeSetEvent(&second, IO_NO_INCREMENT, FALSE);
    KtapStatus(
        Report,
        KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, &zero, NULL),
        STATUS_SUCCESS, "waiting for all is satisfied by all");
}

VOID CheckSemaphores(PKTAP Report)
{
    KSEMAPHORE semaphore;

    KeInitializeSemaphore(&semaphore, 1, 3);
    KtapStatus(Report, WaitFor(&semaphore, 0), STATUS_SUCCESS, "a semaphore counts down");
    KtapStatus(Report, WaitFor(&semaphore, 0), STATUS_TIMEOUT, "a semaphore at 0 is not signaled");
    KtapEqual(Report, (ULONG)KeReleaseSemaphore(&semaphore, IO_NO_INCREMENT, 2, FALSE), 0,
              "releasing returns the count before");
    KtapEqual(Report, (ULONG)KeReadStateSemaphore(&semaphore), 2, "releasing adds to the count");
}

VOID CheckMutexes(PKTAP Report)
{
    FAST_MUTEX fast;
    KMUTEX mutex;

    KeInitializeMutex(&mutex, 0);
    KtapEqual(Report, (ULONG)KeReadStateMutex(&mutex), 1, "a free mutex is signaled");
    KtapStatus(Report, WaitFor(&mutex, 0), STATUS_SUCCESS, "a mutex can be taken");
    KtapStatus(Report, WaitFor(&mutex, 0), STATUS_SUCCESS, "its owner may take it again");
    KtapCheck(Report, KeAreApcsDisabled(), "APC-5 a held mutex disables APCs");
    KeReleaseMutex(&mutex, FALSE);
    KtapEqual(Report, (ULONG)KeReadStateMutex(&mutex), 0, "a mutex taken twice is held still");
    KeReleaseMutex(&mutex, FALSE);
    KtapEqual(Report, (ULONG)KeReadStateMutex(&mutex), 1, "released as often it is free");
    KtapCheck(Report, !KeAreApcsDisabled(), "APC-5 a released mutex enables APCs");

    ExInitializeFastMutex(&fast);
    ExAcquireFastMutex(&fast);
    KtapEqual(Report, KeGetCurrentIrql(), APC_LEVEL, "APC-5 a fast mutex is held at APC_LEVEL");
    KtapCheck(Report, !ExTryToAcquireFastMutex(&fast), "a held fast mutex cannot be taken");
    ExReleaseFastMutex(&fast);
    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL, "releasing it restores the IRQL");
}

static VOID NTAPI TimerRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(Context);
}

VOID CheckTimers(PKTAP Report)
{
    volatile LONG runs = 0;
    LARGE_INTEGER due;
    KTIMER timer;
    KDPC dpc;

    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, TimerRoutine, (PVOID)&runs);
    due.QuadPart = -60 * 10000000LL;
    KtapCheck(Report, !KeSetTimer(&timer, due, &dpc), "a timer that is not queued returns FALSE");
    due.QuadPart = -10 * 10000LL;
    KtapCheck(Report, KeSetTimer(&timer, due, &dpc), "DPC-42 one that is queued returns TRUE");
    KtapStatus(Report, WaitFor(&timer, 5000), STATUS_SUCCESS, "a timer expires");
    KeFlushQueuedDpcs();
    KtapEqual(Report, (ULONG)runs, 1, "DPC-36 its DPC runs once");
    KtapCheck(Report, !KeCancelTimer(&timer), "cancelling an expired timer returns FALSE");
    due.QuadPart = -60 * 10000000LL;
    KeSetTimer(&timer, due, &dpc);
    KtapCheck(Report, KeCancelTimer(&timer), "cancelling a queued timer returns TRUE");
    KtapStatus(Report, WaitFor(&timer, 20), STATUS_TIMEOUT, "a cancelled timer is not signaled");

    runs = 0;
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    due.QuadPart = -10 * 10000LL;
    KeSetTimerEx(&timer, due, 10, &dpc);
    KtapStatus(Report, WaitFor(&timer, 5000), STATUS_SUCCESS, "a periodic timer expires");
    KtapStatus(Report, WaitFor(&timer, 5000), STATUS_SUCCESS, "and again");
    /* A late clock may find two periods over at once: they make one run of the DPC. */
    while (runs < 2 && WaitFor(&timer, 5000) == STATUS_SUCCESS)
        continue;
    KeCancelTimer(&timer);
    KeFlushQueuedDpcs();
    KtapCheck(Report, runs >= 2, "a periodic timer queues its DPC again and again");
}

typedef struct _THREAD_TEST {
    KEVENT Ready;
    KEVENT Go;
    volatile LONG Steps;
} THREAD_TEST;

static VOID NTAPI ThreadRoutine(PVOID Context)
{
    THREAD_TEST *test = Context;

    test->Steps = 1;
    KeSetEvent(&test->Ready, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(&test->Go, Executive, KernelMode, FALSE, NULL);
    test->Steps = 2;
    PsTerminateSystemThread(STATUS_SUCCESS);
}

VOID CheckThreads(PKTAP Report)
{
    THREAD_TEST test;
    HANDLE handle;
    PVOID thread;
    NTSTATUS status;

    KeInitializeEvent(&test.Ready, NotificationEvent, FALSE);
    KeInitializeEvent(&test.Go, NotificationEvent, FALSE);
    test.Steps = 0;
    status =
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, ThreadRoutine, &test);
    KtapStatus(Report, status, STATUS_SUCCESS, "a system thread can be made");
    if (!NT_SUCCESS(status))
        return;
    status = ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL);
    KtapStatus(Report, status, STATUS_SUCCESS, "its handle gives the thread object");
    KtapStatus(Report, ZwClose(handle), STATUS_SUCCESS, "its handle can be closed");
    KtapStatus(Report, WaitFor(&test.Ready, 5000), STATUS_SUCCESS, "the thread runs");
    KtapStatus(Report, WaitFor(thread, 20), STATUS_TIMEOUT, "a thread that waits is not signaled");
    KeSetEvent(&test.Go, IO_NO_INCREMENT, FALSE);
    KtapStatus(Report, WaitFor(thread, 5000), STATUS_SUCCESS, "a thread that ended is signaled");
    KtapEqual(Report, (ULONG)test.Steps, 2, "it went on when its event was set");
    ObDereferenceObject(thread);
}

typedef struct _WORK_TEST {
    KEVENT Done;
    volatile KIRQL Irql;
    PDEVICE_OBJECT Device;
} WORK_TEST;

static VOID NTAPI WorkRoutine(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    WORK_TEST *test = Context;

    test->Irql = KeGetCurrentIrql();
    test->Device = DeviceObject;
    KeSetEvent(&test->Done, IO_NO_INCREMENT, FALSE);
}

VOID CheckWorkItems(PKTAP Report, PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM item = IoAllocateWorkItem(DeviceObject);
    WORK_TEST test;
    KIRQL irql;

    KtapCheck(Report, item != NULL, "a work item can be had");
    if (item == NULL)
        return;
    KeInitializeEvent(&test.Done, NotificationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoQueueWorkItem(item, WorkRoutine, DelayedWorkQueue, &test);
    KeLowerIrql(irql);
    KtapStatus(Report, WaitFor(&test.Done, 5000), STATUS_SUCCESS, "a work item runs");
    KtapEqual(Report, test.Irql, PASSIVE_LEVEL, "IRQ-4 a work item runs at PASSIVE_LEVEL");
    KtapCheck(Report, test.Device == DeviceObject, "it is given its device object");
    IoFreeWorkItem(item);
}

VOID CheckClock(PKTAP Report)
{
    LARGE_INTEGER frequency, before, after, pause;
    LONGLONG milliseconds;

    before = KeQueryPerformanceCounter(&frequency);
    pause.QuadPart = -50 * 10000LL;
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    after = KeQueryPerformanceCounter(NULL);
    milliseconds = (after.QuadPart - before.QuadPart) * 1000 / frequency.QuadPart;
    KtapCheck(Report, milliseconds >= 49, "a delay of 50 ms takes no less");
    before = KeQueryPerformanceCounter(NULL);
    KeStallExecutionProcessor(40);
    after = KeQueryPerformanceCounter(NULL);
    KtapCheck(Report, (after.QuadPart - before.QuadPart) * 1000000 / frequency.QuadPart >= 39,
              "a stall of 40 us takes no less");
}
