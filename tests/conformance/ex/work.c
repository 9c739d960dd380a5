/*
 * work.c - ExQueueWorkItem: routines that system threads run.
 */
#include "ex.h"

#define WAIT_MS 10000

typedef struct _WORK {
    WORK_QUEUE_ITEM Item;
    KEVENT Done;
    volatile LONG Runs;
    LONG Again;         /* how often the routine queues itself */
    struct _WORK *Next; /* what the routine queues, and waits for */
    WORK_QUEUE_TYPE Queue;
    KIRQL Irql;
    PKTHREAD Thread;
    KPRIORITY Priority;
    NTSTATUS Waited;
} WORK, *PWORK;

static VOID NTAPI Routine(PVOID Context)
{
    PWORK work = Context;

    work->Irql = KeGetCurrentIrql();
    work->Thread = KeGetCurrentThread();
    work->Priority = KeQueryPriorityThread(work->Thread);
    InterlockedIncrement(&work->Runs);
    if (work->Next != NULL) {
        ExQueueWorkItem(&work->Next->Item, work->Queue);
        work->Waited = TestWait(&work->Next->Done, WAIT_MS);
    }
    if (work->Again-- > 0)
        ExQueueWorkItem(&work->Item, work->Queue);
    else
        KeSetEvent(&work->Done, IO_NO_INCREMENT, FALSE);
}

static VOID Initialize(PWORK Work, WORK_QUEUE_TYPE Queue)
{
    RtlZeroMemory(Work, sizeof(*Work));
    KeInitializeEvent(&Work->Done, SynchronizationEvent, FALSE);
    Work->Queue = Queue;
    ExInitializeWorkItem(&Work->Item, Routine, Work);
}

static VOID CheckQueue(WORK_QUEUE_TYPE Queue, KPRIORITY Priority)
{
    static WORK first, second;
    KIRQL irql;

    Initialize(&first, Queue);
    ExQueueWorkItem(&first.Item, Queue);
    Expect(TestWait(&first.Done, WAIT_MS) == STATUS_SUCCESS && first.Runs == 1 &&
               first.Irql == PASSIVE_LEVEL && first.Thread != KeGetCurrentThread(),
           "a work item runs once, at PASSIVE_LEVEL, in a thread of the system's");
    ExpectEqual((ULONG)first.Priority, (ULONG)Priority, "of its queue's priority");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExQueueWorkItem(&first.Item, Queue);
    KeLowerIrql(irql);
    Expect(TestWait(&first.Done, WAIT_MS) == STATUS_SUCCESS && first.Runs == 2,
           "it can be queued again, from DISPATCH_LEVEL, too");
    Initialize(&first, Queue);
    first.Again = 9;
    ExQueueWorkItem(&first.Item, Queue);
    Expect(TestWait(&first.Done, WAIT_MS) == STATUS_SUCCESS && first.Runs == 10,
           "its routine may queue it");
    Initialize(&first, Queue);
    Initialize(&second, Queue);
    first.Next = &second;
    ExQueueWorkItem(&first.Item, Queue);
    Expect(TestWait(&first.Done, WAIT_MS) == STATUS_SUCCESS && first.Waited == STATUS_SUCCESS &&
               second.Runs == 1,
           "a routine may wait for an item that it queues");
}

typedef struct _FREED {
    WORK_QUEUE_ITEM Item;
    PKEVENT Done;
} FREED, *PFREED;

static VOID NTAPI FreeItem(PVOID Context)
{
    PKEVENT done = ((PFREED)Context)->Done;

    ExFreePoolWithTag(Context, TEST_TAG);
    KeSetEvent(done, IO_NO_INCREMENT, FALSE);
}

static VOID CheckFreed(VOID)
{
    PFREED freed = ExAllocatePoolWithTag(NonPagedPool, sizeof(*freed), TEST_TAG);
    KEVENT done;

    if (freed == NULL)
        return;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    freed->Done = &done;
    ExInitializeWorkItem(&freed->Item, FreeItem, freed);
    ExQueueWorkItem(&freed->Item, DelayedWorkQueue);
    ExpectStatus(TestWait(&done, WAIT_MS), STATUS_SUCCESS, "a routine may free its work item");
}

VOID CheckWork(VOID)
{
    CheckFreed();
    CheckQueue(DelayedWorkQueue, 12);
    CheckQueue(CriticalWorkQueue, 13);
    CheckQueue(HyperCriticalWorkQueue, 15);
}

/* ---- stops ---------------------------------------------------------------------------------- */

static VOID NTAPI Hold(PVOID Context)
{
    TestWait(Context, WAIT_MS);
}

static VOID NTAPI KeepLevel(PVOID Context)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Context);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
}

VOID StopWork(ULONG Number)
{
    static WORK_QUEUE_ITEM item;
    static KEVENT never;
    KIRQL irql;

    KeInitializeEvent(&never, NotificationEvent, FALSE);
    if (Number == 10) {
        ExInitializeWorkItem(&item, Hold, &never);
        ExpectStop(0xE4, 1, (ULONG64)(ULONG_PTR)&item, DelayedWorkQueue, 0,
                   "a work item that waits in a queue is queued again");
        KeRaiseIrql(DISPATCH_LEVEL, &irql); /* one processor: nobody takes it out meanwhile */
        ExQueueWorkItem(&item, DelayedWorkQueue);
        ExQueueWorkItem(&item, DelayedWorkQueue);
    } else {
        ExInitializeWorkItem(&item, KeepLevel, &never);
        ExpectStop(0xE1, (ULONG64)(ULONG_PTR)KeepLevel, DISPATCH_LEVEL, (ULONG64)(ULONG_PTR)&never,
                   TEST_ANY, "a work item's routine returns at a raised IRQL");
        ExQueueWorkItem(&item, DelayedWorkQueue);
        TestWait(&never, WAIT_MS);
    }
}
