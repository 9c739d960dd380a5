/*
 * queue.c - cancel-safe queues: the driver's callbacks, contexts that name one IRP, insertions
 * that the driver refuses.
 */
#include "requests.h"

#define REQUESTS 3

static IO_CSQ Queue;
static KSPIN_LOCK Lock;
static LIST_ENTRY Head;
static PDEVICE_OBJECT Device;
static REQUEST Requests[REQUESTS];
static PVOID InsertContext; /* the last InsertEx got this */
static NTSTATUS InsertStatus;
static ULONG Locked; /* callbacks that were called with the lock held */
static ULONG Unlocked;
static BOOLEAN LockHeld;

static VOID NTAPI LockQueue(PIO_CSQ Csq, PKIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeAcquireSpinLock(&Lock, Irql);
    LockHeld = TRUE;
}

static VOID NTAPI UnlockQueue(PIO_CSQ Csq, KIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    LockHeld = FALSE;
    KeReleaseSpinLock(&Lock, Irql);
}

static VOID NoteLock(VOID)
{
    if (LockHeld)
        Locked++;
    else
        Unlocked++;
}

static VOID NTAPI Insert(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    NoteLock();
    InsertTailList(&Head, &Irp->Tail.Overlay.ListEntry);
}

/* To the head if there is a context, else to the tail. */
static NTSTATUS NTAPI InsertEx(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Csq);
    NoteLock();
    InsertContext = Context;
    if (!NT_SUCCESS(InsertStatus))
        return InsertStatus;
    if (Context != NULL)
        InsertHeadList(&Head, &Irp->Tail.Overlay.ListEntry);
    else
        InsertTailList(&Head, &Irp->Tail.Overlay.ListEntry);
    return InsertStatus;
}

static VOID NTAPI Remove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    NoteLock();
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The first IRP after Irp; with a context only that one. */
static PIRP NTAPI Peek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY entry = Irp == NULL ? Head.Flink : Irp->Tail.Overlay.ListEntry.Flink;

    UNREFERENCED_PARAMETER(Csq);
    NoteLock();
    for (; entry != &Head; entry = entry->Flink) {
        PIRP found = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (Context == NULL || found == Context)
            return found;
    }
    return NULL;
}

static VOID NTAPI CompleteCanceled(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    if (LockHeld)
        Unlocked++; /* wrong: this one is called without the lock */
    Complete(Irp, STATUS_CANCELLED);
}

static BOOLEAN Begin(VOID)
{
    BOOLEAN complete = TRUE;
    ULONG i;

    InitializeListHead(&Head);
    Locked = Unlocked = 0;
    InsertStatus = STATUS_SUCCESS;
    for (i = 0; i < REQUESTS; i++)
        complete = RequestBegin(&Requests[i], Device) && complete;
    return complete;
}

static BOOLEAN IsPending(PIRP Irp)
{
    return (IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED) != 0;
}

static VOID CheckAtDispatch(VOID)
{
    IO_CSQ_IRP_CONTEXT context;
    PIRP first, next;
    KIRQL irql;

    RequestBegin(&Requests[0], Device);
    RequestBegin(&Requests[1], Device);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoCsqInsertIrp(&Queue, Requests[0].Irp, &context);
    IoCsqInsertIrpEx(&Queue, Requests[1].Irp, NULL, NULL);
    first = IoCsqRemoveIrp(&Queue, &context);
    next = IoCsqRemoveNextIrp(&Queue, NULL);
    KeLowerIrql(irql);
    Expect(first == Requests[0].Irp && next == Requests[1].Irp,
           "IRPs are queued and taken at DISPATCH_LEVEL");
    Complete(Requests[0].Irp, STATUS_SUCCESS);
    Complete(Requests[1].Irp, STATUS_SUCCESS);
}

static VOID CheckContexts(VOID)
{
    IO_CSQ_IRP_CONTEXT first, second;
    PIRP irp;

    Begin();
    ExpectStatus(
        IoCsqInitialize(&Queue, Insert, Remove, Peek, LockQueue, UnlockQueue, CompleteCanceled),
        STATUS_SUCCESS, "IoCsqInitialize succeeds");
    IoCsqInsertIrp(&Queue, Requests[0].Irp, &first);
    IoCsqInsertIrp(&Queue, Requests[1].Irp, &second);
    IoCsqInsertIrp(&Queue, Requests[2].Irp, NULL);
    Expect(IsPending(Requests[0].Irp) && Requests[0].Irp->CancelRoutine != NULL,
           "IoCsqInsertIrp marks an IRP pending and makes it cancelable");
    Expect(first.Irp == Requests[0].Irp && first.Csq == &Queue, "its context knows IRP and queue");
    irp = IoCsqRemoveIrp(&Queue, &second);
    Expect(irp == Requests[1].Irp, "IoCsqRemoveIrp removes the IRP of a context");
    Expect(irp != NULL && irp->CancelRoutine == NULL, "which is then not cancelable");
    Expect(IoCsqRemoveIrp(&Queue, &second) == NULL, "once");
    if (irp != NULL)
        Complete(irp, STATUS_SUCCESS);
    Expect(IoCancelIrp(Requests[0].Irp) && Requests[0].Completions == 1 &&
               Requests[0].Status == STATUS_CANCELLED,
           "canceling a queued IRP completes it by CsqCompleteCanceledIrp");
    Expect(IoCsqRemoveIrp(&Queue, &first) == NULL, "the context of a canceled IRP has none");
    irp = IoCsqRemoveNextIrp(&Queue, Requests[0].Irp);
    Expect(irp == NULL, "IoCsqRemoveNextIrp gives its PeekContext to CsqPeekNextIrp");
    irp = IoCsqRemoveNextIrp(&Queue, NULL);
    Expect(irp == Requests[2].Irp, "and removes what that finds");
    if (irp != NULL)
        Complete(irp, STATUS_SUCCESS);
    RequestBegin(&Requests[0], Device);
    IoCsqInsertIrp(&Queue, Requests[0].Irp, &first);
    irp = IoCsqRemoveNextIrp(&Queue, NULL);
    Expect(irp == Requests[0].Irp && IoCsqRemoveIrp(&Queue, &first) == NULL,
           "an IRP that IoCsqRemoveNextIrp took is gone from its context, too");
    if (irp != NULL)
        Complete(irp, STATUS_SUCCESS);
    RequestBegin(&Requests[0], Device);
    ExpectStatus(IoCsqInsertIrpEx(&Queue, Requests[0].Irp, &first, &Lock), STATUS_SUCCESS,
                 "IoCsqInsertIrpEx on a queue of IoCsqInitialize always succeeds");
    Expect(IoCsqRemoveIrp(&Queue, &first) == Requests[0].Irp, "and inserts by CsqInsertIrp");
    Complete(Requests[0].Irp, STATUS_SUCCESS);
    CheckAtDispatch();
    RequestBegin(&Requests[0], Device);
    IoCancelIrp(Requests[0].Irp);
    IoCsqInsertIrp(&Queue, Requests[0].Irp, &first);
    Expect(Requests[0].Completions == 1 && Requests[0].Status == STATUS_CANCELLED &&
               IsListEmpty(&Head),
           "an IRP that was canceled before is completed as canceled when it is inserted");
    Expect(IoCsqRemoveIrp(&Queue, &first) == NULL, "and its context has none");
    Expect(Unlocked == 0 && Locked > 0,
           "the queue's callbacks are called with its lock held, completion without");
}

static VOID CheckInsertions(VOID)
{
    IO_CSQ_IRP_CONTEXT context;
    UCHAR mark;
    PIRP irp;

    Begin();
    ExpectStatus(
        IoCsqInitializeEx(&Queue, InsertEx, Remove, Peek, LockQueue, UnlockQueue, CompleteCanceled),
        STATUS_SUCCESS, "IoCsqInitializeEx succeeds");
    ExpectStatus(IoCsqInsertIrpEx(&Queue, Requests[0].Irp, NULL, NULL), STATUS_SUCCESS,
                 "IoCsqInsertIrpEx inserts");
    InsertStatus = STATUS_PENDING;
    ExpectStatus(IoCsqInsertIrpEx(&Queue, Requests[1].Irp, &context, &mark), STATUS_PENDING,
                 "and returns what CsqInsertIrpEx says");
    Expect(InsertContext == &mark && Head.Flink == &Requests[1].Irp->Tail.Overlay.ListEntry,
           "CsqInsertIrpEx gets the InsertContext");
    InsertStatus = STATUS_DEVICE_BUSY;
    ExpectStatus(IoCsqInsertIrpEx(&Queue, Requests[2].Irp, NULL, &mark), STATUS_DEVICE_BUSY,
                 "a driver may refuse an IRP");
    Expect(Requests[2].Irp->CancelRoutine == NULL && Requests[2].Completions == 0,
           "which is then not cancelable, and the driver's to complete");
    Expect(IsPending(Requests[2].Irp), "marked pending all the same");
    IoCsqInsertIrp(&Queue, Requests[2].Irp, NULL);
    Expect(InsertContext == NULL && Requests[2].Irp->CancelRoutine == NULL,
           "IoCsqInsertIrp on such a queue inserts without a context, and can be refused, too");
    Expect(IoCsqRemoveIrp(&Queue, &context) == Requests[1].Irp,
           "IoCsqRemoveIrp removes what IoCsqInsertIrpEx inserted");
    Complete(Requests[1].Irp, STATUS_SUCCESS);
    irp = IoCsqRemoveNextIrp(&Queue, NULL);
    Expect(irp == Requests[0].Irp && IoCsqRemoveNextIrp(&Queue, NULL) == NULL,
           "IoCsqRemoveNextIrp empties the queue");
    if (irp != NULL)
        Complete(irp, STATUS_SUCCESS);
    Complete(Requests[2].Irp, STATUS_DEVICE_BUSY);
    Expect(Unlocked == 0, "the lock is held for these callbacks as well");
}

VOID CheckQueues(VOID)
{
    ULONG i;

    KeInitializeSpinLock(&Lock);
    Device = TestDevices->Self;
    if (Begin()) {
        CheckContexts();
        CheckInsertions();
    } else {
        Expect(FALSE, "there is memory for requests");
    }
    for (i = 0; i < REQUESTS; i++)
        RequestFree(&Requests[i]);
}
