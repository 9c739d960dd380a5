/*
 * io/irp.c - the life of an IRP: allocate, send down, complete upward, cancel.
 *
 * Completion walks the stack from the location that completed it. Each completion routine sees
 * Irp->CurrentLocation already moved to its own driver's location; STATUS_MORE_PROCESSING_REQUIRED
 * stops the walk and gives the IRP to that driver. Past the last location the I/O manager's part
 * comes (irp_finish): results to the requester, buffers and the IRP freed. There are no
 * user buffers here, so that part needs no APC in the requesting thread.
 *
 * Owns: stack walking, cancellation, sending from the kernel, what threads that end leave behind.
 * Owns not: IRPs built from a request (io/irp_build.c). (l): under irp_list_lock.
 */
#include "io/irp.h"

#include <lib/assert.h>
#include <lib/export.h>
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/file.h"
#include "ke/ob.h"
#include "ke/thread.h"
#include "ke/verifier.h"

enum { THREAD_END_SECONDS = 300 };

static KSPIN_LOCK cancel_lock;
static KSPIN_LOCK irp_list_lock;
static LIST_ENTRY irp_list = {&irp_list, &irp_list}; /* under its lock: every IRP from here */

struct io_irp_tail *io_irp_tail(PIRP irp)
{
    return (struct io_irp_tail *)(void *)((PIO_STACK_LOCATION)(irp + 1) + irp->StackCount);
}

static void irp_list_add(PIRP irp)
{
    KIRQL irql;

    KeAcquireSpinLock(&irp_list_lock, &irql);
    InsertTailList(&irp_list, &io_irp_tail(irp)->entry);
    KeReleaseSpinLock(&irp_list_lock, irql);
}

/* Frees the IRP, or returns the event by which a thread waits to do so, for the caller to set. */
static PKEVENT irp_release(PIRP irp)
{
    PKEVENT awaited;
    KIRQL irql;

    if (irp->Type != IO_TYPE_IRP)
        KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)irp, 0, 0, 0);
    irp->Type = 0;
    KeAcquireSpinLock(&irp_list_lock, &irql);
    RemoveEntryList(&io_irp_tail(irp)->entry);
    awaited = io_irp_tail(irp)->awaited;
    io_irp_tail(irp)->ended = true;
    KeReleaseSpinLock(&irp_list_lock, irql);
    if (awaited == NULL)
        ExFreePoolWithTag(irp, IO_TAG_IRP);
    return awaited;
}

void io_irp_for_each(void (*visit)(PIRP irp, void *context), void *context)
{
    KIRQL irql;

    KeAcquireSpinLock(&irp_list_lock, &irql);
    for (PLIST_ENTRY entry = irp_list.Flink; entry != &irp_list; entry = entry->Flink)
        visit(CONTAINING_RECORD(entry, struct io_irp_tail, entry)->irp, context);
    KeReleaseSpinLock(&irp_list_lock, irql);
}

/* ---- Completion ----------------------------------------------------------------------------- */

/* One part of a master IRP is done: the last one completes the master. */
static void irp_finish_associated(PIRP irp, CCHAR boost)
{
    PIRP master = irp->AssociatedIrp.MasterIrp;
    LONG left = InterlockedDecrement(&master->AssociatedIrp.IrpCount);

    io_irp_release_buffers(irp, false);
    IoFreeIrp(irp);
    if (left == 0)
        IofCompleteRequest(master, boost);
}

/*
 * A request to a file has ended, and nobody waits for it in the kernel. The last close of the file
 * is not sent from here: a driver is completing something, and may hold a mutex.
 */
static void irp_finish_file(const struct io_irp_tail *held, PKEVENT event,
                            PIO_STATUS_BLOCK status_block, CCHAR boost)
{
    KeSetEvent(event != NULL ? event : &held->file->Event, boost, FALSE);
    if (event != NULL)
        ob_dereference(event);
    if (held->apc != NULL)
        io_file_apc_queue(held->apc, status_block, boost);
    ObDereferenceObjectDeferDelete(held->file);
    ObDereferenceObjectDeferDelete(held->top);
}

/*
 * All locations are done. Only IRPs that the I/O manager keeps for the requester end here
 * (IO_IRP_THREADED); one from IoAllocateIrp belongs to a driver, whose completion routine should
 * have kept it: it stays as it is.
 */
static void irp_finish(PIRP irp, CCHAR boost)
{
    PIO_STATUS_BLOCK status_block = irp->UserIosb;
    PKEVENT event = irp->UserEvent;
    struct io_irp_tail held;
    PKEVENT awaited;

    if ((irp->Flags & IRP_ASSOCIATED_IRP) != 0) {
        irp_finish_associated(irp, boost);
        return;
    }
    if ((irp->AllocationFlags & IO_IRP_THREADED) == 0)
        return;
    held = *io_irp_tail(irp);
    /* The sender of what fails at once knows it by the result of its call. */
    if (held.apc != NULL && NT_ERROR(irp->IoStatus.Status) && !irp->PendingReturned) {
        io_file_apc_free(held.apc);
        held.apc = NULL;
    }
    io_irp_release_buffers(irp, !NT_ERROR(irp->IoStatus.Status));
    if (status_block != NULL) {
        status_block->Information = irp->IoStatus.Information;
        __atomic_store_n(&status_block->Status, irp->IoStatus.Status, __ATOMIC_RELEASE);
    }
    awaited = irp_release(irp);
    if (held.file != NULL)
        irp_finish_file(&held, event, status_block, boost);
    else if (event != NULL)
        KeSetEvent(event, boost, FALSE);
    if (awaited != NULL) /* last: the other event may be on that thread's stack */
        KeSetEvent(awaited, boost, FALSE);
}

bool io_irp_wants_routine(PIRP irp, UCHAR control)
{
    if (NT_SUCCESS(irp->IoStatus.Status) ? (control & SL_INVOKE_ON_SUCCESS) != 0
                                         : (control & SL_INVOKE_ON_ERROR) != 0)
        return true;
    return irp->Cancel && (control & SL_INVOKE_ON_CANCEL) != 0;
}

/* Routines find the locations below their own zeroed (WDK: IofCallDriver). */
static void irp_complete(PIRP irp, CCHAR boost)
{
    PIO_STACK_LOCATION location = irp->Tail.Overlay.CurrentStackLocation;

    for (;;) {
        PIO_COMPLETION_ROUTINE routine = location->CompletionRoutine;
        PVOID context = location->Context;
        UCHAR control = location->Control;
        bool past_last;

        irp->CurrentLocation++;
        irp->Tail.Overlay.CurrentStackLocation++;
        past_last = irp->CurrentLocation > irp->StackCount;
        irp->PendingReturned = (control & SL_PENDING_RETURNED) != 0;
        if (past_last && (irp->AllocationFlags & IO_IRP_THREADED) != 0)
            __atomic_store_n(&io_irp_tail(irp)->ending, true, __ATOMIC_RELEASE);
        memset(location, 0, sizeof(*location));
        if (io_irp_wants_routine(irp, control)) {
            PDEVICE_OBJECT device =
                past_last ? NULL : irp->Tail.Overlay.CurrentStackLocation->DeviceObject;

            NTSTATUS status = ke_verifier ? ke_verifier->completion(routine, device, irp, context)
                                          : routine(device, irp, context);

            if (status == STATUS_MORE_PROCESSING_REQUIRED)
                return;
        } else if (irp->PendingReturned && !past_last) {
            /* No routine to hand it on: the driver above returned what the lower one did. */
            IoMarkIrpPending(irp);
        }
        if (past_last)
            break;
        location++;
    }
    irp_finish(irp, boost);
}

/* ---- Requests of the kernel itself ---------------------------------------------------------- */

static NTSTATUS NTAPI irp_signal(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(irp);
    KeSetEvent(context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS io_irp_call_and_wait(PDEVICE_OBJECT device, PIRP irp, uint32_t timeout_ms, bool alertable)
{
    LARGE_INTEGER timeout = {.QuadPart = -10000ll * timeout_ms};
    NTSTATUS status;
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoSetCompletionRoutine(irp, irp_signal, &event, TRUE, TRUE, TRUE);
    IofCallDriver(device, irp);
    /* The event and not the result decides: a driver may return one thing and do the other. */
    status = KeWaitForSingleObject(&event, Executive, KernelMode, alertable,
                                   timeout_ms == 0 ? NULL : &timeout);
    if (status != STATUS_SUCCESS) {
        IoCancelIrp(irp);
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        if (status == STATUS_TIMEOUT && irp->IoStatus.Status == STATUS_CANCELLED)
            return STATUS_IO_TIMEOUT;
    }
    return irp->IoStatus.Status;
}

NTSTATUS io_request_send(PDEVICE_OBJECT device, const IO_STACK_LOCATION *location,
                         NTSTATUS status_in, ULONG_PTR *information)
{
    PDEVICE_OBJECT top;
    PIO_STACK_LOCATION next;
    NTSTATUS status;
    PIRP irp;

    ASSERT_IRQL(PASSIVE_LEVEL);
    top = io_device_top_reference(device);
    irp = IoAllocateIrp(top->StackSize, FALSE);
    if (irp == NULL) {
        ob_dereference(top);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    next = IoGetNextIrpStackLocation(irp);
    *next = *location;
    next->Control = 0;
    irp->IoStatus.Status = status_in;
    irp->IoStatus.Information = information == NULL ? 0 : *information;
    irp->RequestorMode = KernelMode;
    irp->Tail.Overlay.Thread = PsGetCurrentThread();
    status = io_irp_call_and_wait(top, irp, 0, false);
    if (information != NULL)
        *information = irp->IoStatus.Information;
    IoFreeIrp(irp);
    ob_dereference(top);
    return status;
}

/* ---- Requests of a thread that ends --------------------------------------------------------- */

static bool irp_was_sent(PIRP irp)
{
    const volatile IO_STACK_LOCATION *first = (PIO_STACK_LOCATION)(irp + 1) + irp->StackCount - 1;

    return first->DeviceObject != NULL ||
           __atomic_load_n(&io_irp_tail(irp)->ending, __ATOMIC_ACQUIRE);
}

/* A request that the thread has built and sent, and that has not ended; *done will be set then. */
static PIRP irp_await_one(const void *thread, PKEVENT done)
{
    PIRP found = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&irp_list_lock, &irql);
    for (PLIST_ENTRY entry = irp_list.Flink; entry != &irp_list && found == NULL;
         entry = entry->Flink) {
        struct io_irp_tail *tail = CONTAINING_RECORD(entry, struct io_irp_tail, entry);

        if (tail->irp->Tail.Overlay.Thread != thread ||
            (tail->irp->AllocationFlags & IO_IRP_THREADED) == 0 || !irp_was_sent(tail->irp))
            continue;
        KeInitializeEvent(done, NotificationEvent, FALSE);
        tail->awaited = done;
        found = tail->irp;
    }
    KeReleaseSpinLock(&irp_list_lock, irql);
    return found;
}

/* Returns whether it has ended; if not, it is no thread's from now on. */
static bool irp_disown(PIRP irp, PKEVENT done)
{
    bool ended;
    KIRQL irql;

    KeAcquireSpinLock(&irp_list_lock, &irql);
    ended = io_irp_tail(irp)->ended;
    if (!ended) {
        io_irp_tail(irp)->awaited = NULL;
        irp->Tail.Overlay.Thread = NULL;
    }
    KeReleaseSpinLock(&irp_list_lock, irql);
    if (ended)
        KeWaitForSingleObject(done, Executive, KernelMode, FALSE, NULL);
    return ended;
}

/*
 * The event and the status block of a request may be on the thread's stack: it is cancelled, and
 * waited for. WDK: IoBuildDeviceIoControlRequest.
 */
static void irp_thread_ended(PKTHREAD thread)
{
    LARGE_INTEGER patience = {.QuadPart = -10000000ll * THREAD_END_SECONDS};
    KEVENT done;
    PIRP irp;

    while ((irp = irp_await_one(thread, &done)) != NULL) {
        IoCancelIrp(irp);
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, &patience);
        if (irp_disown(irp, &done))
            ExFreePoolWithTag(irp, IO_TAG_IRP);
        else
            log_warn("io: a thread ended without its request, which nobody cancels");
    }
}

void io_irp_init(void)
{
    static struct ke_thread_end end = {.routine = irp_thread_ended};

    ke_thread_end_add(&end);
}

void io_irp_call_cancel(PDRIVER_CANCEL routine, PDEVICE_OBJECT device, PIRP irp)
{
    if (ke_verifier)
        ke_verifier->cancel(routine, device, irp);
    else
        routine(device, irp);
}

/* WDK surface */

VOID NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    memset(Irp, 0, PacketSize);
    Irp->Type = IO_TYPE_IRP;
    Irp->Size = PacketSize;
    Irp->StackCount = StackSize;
    Irp->CurrentLocation = StackSize + 1;
    InitializeListHead(&Irp->ThreadListEntry);
    Irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(Irp + 1) + StackSize;
}
LDR_EXPORT(IoInitializeIrp);

PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    PIRP irp;

    UNREFERENCED_PARAMETER(ChargeQuota);
    if (StackSize <= 0)
        return NULL;
    irp = ExAllocatePoolWithTag(NonPagedPoolNx, IoSizeOfIrp(StackSize) + sizeof(struct io_irp_tail),
                                IO_TAG_IRP);
    if (irp == NULL)
        return NULL;
    IoInitializeIrp(irp, IoSizeOfIrp(StackSize), StackSize);
    *io_irp_tail(irp) = (struct io_irp_tail){.irp = irp};
    irp_list_add(irp);
    return irp;
}
LDR_EXPORT(IoAllocateIrp);

VOID NTAPI IoFreeIrp(PIRP Irp)
{
    PKEVENT awaited = irp_release(Irp);

    if (awaited != NULL)
        KeSetEvent(awaited, IO_NO_INCREMENT, FALSE);
}
LDR_EXPORT(IoFreeIrp);

VOID NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Status)
{
    UCHAR flags = Irp->AllocationFlags;

    IoInitializeIrp(Irp, Irp->Size, Irp->StackCount);
    Irp->AllocationFlags = flags;
    Irp->IoStatus.Status = Status;
}
LDR_EXPORT(IoReuseIrp);

NTSTATUS FASTCALL IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location;
    PDRIVER_DISPATCH routine;

    Irp->CurrentLocation--;
    if (Irp->CurrentLocation <= 0)
        KeBugCheckEx(NO_MORE_IRP_STACK_LOCATIONS, (ULONG_PTR)Irp, 0, 0, 0);
    location = --Irp->Tail.Overlay.CurrentStackLocation;
    location->DeviceObject = DeviceObject;
    routine = DeviceObject->DriverObject->MajorFunction[location->MajorFunction];
    if (ke_verifier)
        return ke_verifier->dispatch(routine, DeviceObject, Irp);
    return routine(DeviceObject, Irp);
}
LDR_EXPORT(IofCallDriver);

/*
 * <= DISPATCH_LEVEL, without a spin lock. The boost is that of the thread which waits for the
 * request. WDK: IoCompleteRequest.
 */
VOID FASTCALL IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    /* By the completion routine of whoever built it; nobody but the I/O manager is left above. */
    bool kept = Irp->CurrentLocation == Irp->StackCount + 1 &&
                (Irp->AllocationFlags & IO_IRP_THREADED) != 0;

    if (Irp->Type != IO_TYPE_IRP || (Irp->CurrentLocation > Irp->StackCount && !kept))
        KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)Irp, 0, 0, 0);
    if (Irp->CancelRoutine != NULL)
        KeBugCheckEx(CANCEL_STATE_IN_COMPLETED_IRP, (ULONG_PTR)Irp, (ULONG_PTR)Irp->CancelRoutine,
                     0, 0);
    if (kept)
        irp_finish(Irp, PriorityBoost);
    else
        irp_complete(Irp, PriorityBoost);
}
LDR_EXPORT(IofCompleteRequest);

VOID NTAPI IoAcquireCancelSpinLock(PKIRQL Irql)
{
    KeAcquireSpinLock(&cancel_lock, Irql);
}
LDR_EXPORT(IoAcquireCancelSpinLock);

VOID NTAPI IoReleaseCancelSpinLock(KIRQL Irql)
{
    KeReleaseSpinLock(&cancel_lock, Irql);
}
LDR_EXPORT(IoReleaseCancelSpinLock);

BOOLEAN NTAPI IoCancelIrp(PIRP Irp)
{
    PDRIVER_CANCEL routine;
    KIRQL irql;

    IoAcquireCancelSpinLock(&irql);
    Irp->Cancel = TRUE;
    routine = IoSetCancelRoutine(Irp, NULL);
    if (routine == NULL) {
        IoReleaseCancelSpinLock(irql);
        return FALSE;
    }
    if (Irp->CurrentLocation > Irp->StackCount)
        KeBugCheckEx(CANCEL_STATE_IN_COMPLETED_IRP, (ULONG_PTR)Irp, (ULONG_PTR)routine, 0, 0);
    Irp->CancelIrql = irql;
    io_irp_call_cancel(routine, IoGetCurrentIrpStackLocation(Irp)->DeviceObject, Irp);
    return TRUE;
}
LDR_EXPORT(IoCancelIrp);

BOOLEAN NTAPI IoForwardIrpSynchronously(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (Irp->CurrentLocation <= 1)
        return FALSE;
    IoCopyCurrentIrpStackLocationToNext(Irp);
    io_irp_call_and_wait(DeviceObject, Irp, 0, false);
    return TRUE;
}
LDR_EXPORT(IoForwardIrpSynchronously);
