/*
 * queue.h - requests that wait: a cancel-safe queue (IO_CSQ), first come, first served.
 *
 * The system's IoCsq routines take care of the races between a cancel, a removal and a stop; the
 * driver gives them the six routines below. A request is in the queue or with the driver, never
 * both: what QueueRemove returned can no longer be cancelled.
 */
#pragma once

#include "function.h"

typedef struct _QUEUE {
    IO_CSQ Csq;
    PFUNCTION Function;
    KSPIN_LOCK Lock;
    LIST_ENTRY List; /* under Lock */
} QUEUE, *PQUEUE;

static VOID NTAPI QueueCsqInsert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&CONTAINING_RECORD(Csq, QUEUE, Csq)->List, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI QueueCsqRemove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI QueueCsqPeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY head = &CONTAINING_RECORD(Csq, QUEUE, Csq)->List;
    PLIST_ENTRY next = Irp == NULL ? head->Flink : Irp->Tail.Overlay.ListEntry.Flink;

    UNREFERENCED_PARAMETER(Context);
    return next == head ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI QueueCsqAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, QUEUE, Csq)->Lock, Irql);
}

static VOID NTAPI QueueCsqRelease(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, QUEUE, Csq)->Lock, Irql);
}

static VOID NTAPI QueueCsqCancelled(PIO_CSQ Csq, PIRP Irp)
{
    FunctionFinish(CONTAINING_RECORD(Csq, QUEUE, Csq)->Function, Irp, STATUS_CANCELLED, 0);
}

static inline VOID QueueInitialize(PQUEUE Queue, PFUNCTION Function)
{
    Queue->Function = Function;
    KeInitializeSpinLock(&Queue->Lock);
    InitializeListHead(&Queue->List);
    IoCsqInitialize(&Queue->Csq, QueueCsqInsert, QueueCsqRemove, QueueCsqPeek, QueueCsqAcquire,
                    QueueCsqRelease, QueueCsqCancelled);
}

/* Marks the IRP pending. IRQL <= DISPATCH_LEVEL, as the next. */
static inline VOID QueueInsert(PQUEUE Queue, PIRP Irp)
{
    IoCsqInsertIrp(&Queue->Csq, Irp, NULL);
}

/* NULL: none waits. */
static inline PIRP QueueRemove(PQUEUE Queue)
{
    return IoCsqRemoveNextIrp(&Queue->Csq, NULL);
}
