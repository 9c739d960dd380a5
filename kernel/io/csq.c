/*
 * io/csq.c - cancel-safe IRP queues.
 *
 * The driver brings list and lock as six callbacks; here is the protocol between queueing, removal
 * and cancellation. Tail.Overlay.DriverContext[3] of a queued IRP points to the IO_CSQ, or to the
 * caller's IO_CSQ_IRP_CONTEXT, which points to the queue and the IRP; both begin with a Type that
 * tells which it is. Whoever takes the cancel routine away owns the IRP.
 */
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"

static PVOID *csq_slot(PIRP irp)
{
    return &irp->Tail.Overlay.DriverContext[3];
}

static void csq_forget_context(PIRP irp)
{
    PIO_CSQ_IRP_CONTEXT context = *csq_slot(irp);

    if (context->Type == IO_TYPE_CSQ_IRP_CONTEXT)
        context->Irp = NULL;
}

static VOID NTAPI csq_cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_CSQ csq = *csq_slot(Irp);
    KIRQL irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    if (csq->Type == IO_TYPE_CSQ_IRP_CONTEXT)
        csq = ((PIO_CSQ_IRP_CONTEXT)(PVOID)csq)->Csq;
    csq->ReservePointer = NULL;
    csq->CsqAcquireLock(csq, &irql);
    csq->CsqRemoveIrp(csq, Irp);
    csq_forget_context(Irp);
    csq->CsqReleaseLock(csq, irql);
    csq->CsqCompleteCanceledIrp(csq, Irp);
}

static NTSTATUS csq_insert(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT context, PVOID insert)
{
    NTSTATUS status = STATUS_SUCCESS;
    KIRQL irql;

    csq->ReservePointer = NULL;
    if (context != NULL) {
        context->Type = IO_TYPE_CSQ_IRP_CONTEXT;
        context->Irp = irp;
        context->Csq = csq;
        *csq_slot(irp) = context;
    } else {
        *csq_slot(irp) = csq;
    }
    csq->CsqAcquireLock(csq, &irql);
    IoMarkIrpPending(irp);
    if (csq->Type == IO_TYPE_CSQ_EX)
        status = ((PIO_CSQ_INSERT_IRP_EX)(PVOID)csq->CsqInsertIrp)(csq, irp, insert);
    else
        csq->CsqInsertIrp(csq, irp);
    if (!NT_SUCCESS(status)) {
        csq->CsqReleaseLock(csq, irql);
        return status;
    }
    IoSetCancelRoutine(irp, csq_cancel);
    /* Cancelled before the routine was set, and IoCancelIrp has not taken it since: ours. */
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL) {
        csq->CsqRemoveIrp(csq, irp);
        csq_forget_context(irp);
        csq->CsqReleaseLock(csq, irql);
        csq->CsqCompleteCanceledIrp(csq, irp);
        return status;
    }
    csq->CsqReleaseLock(csq, irql);
    return status;
}

static NTSTATUS csq_fill(PIO_CSQ csq, ULONG type, PVOID insert, PIO_CSQ_REMOVE_IRP remove,
                         PIO_CSQ_PEEK_NEXT_IRP peek)
{
    memset(csq, 0, sizeof(*csq));
    csq->Type = type;
    csq->CsqInsertIrp = (PIO_CSQ_INSERT_IRP)insert;
    csq->CsqRemoveIrp = remove;
    csq->CsqPeekNextIrp = peek;
    return STATUS_SUCCESS;
}

/* WDK surface */

NTSTATUS NTAPI IoCsqInitialize(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP CsqInsertIrp,
                               PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                               PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                               PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                               PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                               PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    csq_fill(Csq, IO_TYPE_CSQ, (PVOID)CsqInsertIrp, CsqRemoveIrp, CsqPeekNextIrp);
    Csq->CsqAcquireLock = CsqAcquireLock;
    Csq->CsqReleaseLock = CsqReleaseLock;
    Csq->CsqCompleteCanceledIrp = CsqCompleteCanceledIrp;
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoCsqInitialize);

NTSTATUS NTAPI IoCsqInitializeEx(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP_EX CsqInsertIrp,
                                 PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                                 PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                                 PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                                 PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                                 PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    csq_fill(Csq, IO_TYPE_CSQ_EX, (PVOID)CsqInsertIrp, CsqRemoveIrp, CsqPeekNextIrp);
    Csq->CsqAcquireLock = CsqAcquireLock;
    Csq->CsqReleaseLock = CsqReleaseLock;
    Csq->CsqCompleteCanceledIrp = CsqCompleteCanceledIrp;
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoCsqInitializeEx);

VOID NTAPI IoCsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context)
{
    csq_insert(Csq, Irp, Context, NULL);
}
LDR_EXPORT(IoCsqInsertIrp);

NTSTATUS NTAPI IoCsqInsertIrpEx(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context,
                                PVOID InsertContext)
{
    return csq_insert(Csq, Irp, Context, InsertContext);
}
LDR_EXPORT(IoCsqInsertIrpEx);

PIRP NTAPI IoCsqRemoveIrp(PIO_CSQ Csq, PIO_CSQ_IRP_CONTEXT Context)
{
    PIRP irp;
    KIRQL irql;

    Csq->ReservePointer = NULL;
    Csq->CsqAcquireLock(Csq, &irql);
    irp = Context->Irp;
    if (irp != NULL && IoSetCancelRoutine(irp, NULL) != NULL) {
        Csq->CsqRemoveIrp(Csq, irp);
        Context->Irp = NULL;
        *csq_slot(irp) = NULL;
    } else {
        irp = NULL; /* it was cancelled, or is being cancelled */
    }
    Csq->CsqReleaseLock(Csq, irql);
    return irp;
}
LDR_EXPORT(IoCsqRemoveIrp);

PIRP NTAPI IoCsqRemoveNextIrp(PIO_CSQ Csq, PVOID PeekContext)
{
    PIRP irp = NULL;
    KIRQL irql;

    Csq->ReservePointer = NULL;
    Csq->CsqAcquireLock(Csq, &irql);
    while ((irp = Csq->CsqPeekNextIrp(Csq, irp, PeekContext)) != NULL) {
        if (IoSetCancelRoutine(irp, NULL) == NULL)
            continue; /* its cancel routine will remove it */
        Csq->CsqRemoveIrp(Csq, irp);
        csq_forget_context(irp);
        *csq_slot(irp) = NULL;
        break;
    }
    Csq->CsqReleaseLock(Csq, irql);
    return irp;
}
LDR_EXPORT(IoCsqRemoveNextIrp);
