/*
 * io/irp_build.c - IRPs made from a request: IoBuild...Request, associated IRPs, completion
 * routines that keep a driver loaded.
 *
 * How a buffer travels: a device with DO_BUFFERED_IO gets a copy, one with DO_DIRECT_IO an MDL,
 * any other the address itself; for device controls the two low bits of the code say it.
 *
 * Owns: building. Owns not: sending and completing (io/irp.c).
 */
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/irp.h"
#include "ke/ob.h"

/* Copy in (and out, when input is set), freed by whoever finishes the IRP. */
static bool irp_attach_copy(PIRP irp, const void *source, ULONG size, ULONG room)
{
    irp->AssociatedIrp.SystemBuffer = io_allocate(room, IO_TAG_IO);
    if (irp->AssociatedIrp.SystemBuffer == NULL)
        return false;
    if (source != NULL)
        memcpy(irp->AssociatedIrp.SystemBuffer, source, size);
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    return true;
}

static bool irp_attach_mdl(PIRP irp, PVOID buffer, ULONG length, LOCK_OPERATION operation)
{
    PMDL mdl = IoAllocateMdl(buffer, length, FALSE, FALSE, irp);

    if (mdl == NULL)
        return false;
    MmProbeAndLockPages(mdl, KernelMode, operation);
    return true;
}

/* The buffer of a read or write, as the device wants it. */
bool io_irp_attach_transfer(PIRP irp, PDEVICE_OBJECT device, ULONG major, PVOID buffer,
                            ULONG length)
{
    bool read = major == IRP_MJ_READ;

    irp->UserBuffer = buffer;
    if (length == 0)
        return true;
    if ((device->Flags & DO_BUFFERED_IO) != 0) {
        if (read)
            irp->Flags |= IRP_INPUT_OPERATION;
        return irp_attach_copy(irp, read ? NULL : buffer, length, length);
    }
    if ((device->Flags & DO_DIRECT_IO) != 0)
        return irp_attach_mdl(irp, buffer, length, read ? IoWriteAccess : IoReadAccess);
    return true;
}

bool io_irp_attach_control(PIRP irp, ULONG code, PVOID input, ULONG input_length, PVOID output,
                           ULONG output_length)
{
    ULONG room = input_length > output_length ? input_length : output_length;

    switch (METHOD_FROM_CTL_CODE(code)) {
    case METHOD_BUFFERED:
        irp->UserBuffer = output;
        if (output_length != 0)
            irp->Flags |= IRP_INPUT_OPERATION;
        return room == 0 || irp_attach_copy(irp, input, input_length, room);
    case METHOD_IN_DIRECT:
    case METHOD_OUT_DIRECT:
        if (input_length != 0 && !irp_attach_copy(irp, input, input_length, input_length))
            return false;
        return output_length == 0 ||
               irp_attach_mdl(irp, output, output_length,
                              METHOD_FROM_CTL_CODE(code) == METHOD_IN_DIRECT ? IoReadAccess
                                                                             : IoWriteAccess);
    default: /* METHOD_NEITHER */
        irp->UserBuffer = output;
        IoGetNextIrpStackLocation(irp)->Parameters.DeviceIoControl.Type3InputBuffer = input;
        return true;
    }
}

void io_irp_release_buffers(PIRP irp, bool copy_out)
{
    PMDL mdl = irp->MdlAddress;

    if ((irp->Flags & IRP_BUFFERED_IO) != 0) {
        if (copy_out && (irp->Flags & IRP_INPUT_OPERATION) != 0 && irp->UserBuffer != NULL)
            memcpy(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer, irp->IoStatus.Information);
        io_free(irp->AssociatedIrp.SystemBuffer);
        irp->AssociatedIrp.SystemBuffer = NULL;
        irp->Flags &= ~(ULONG)IRP_BUFFERED_IO;
    }
    while (mdl != NULL) {
        PMDL next = mdl->Next;

        if ((mdl->MdlFlags & MDL_PAGES_LOCKED) != 0)
            MmUnlockPages(mdl);
        IoFreeMdl(mdl);
        mdl = next;
    }
    irp->MdlAddress = NULL;
}

/* ---- Completion routines that hold a reference ---------------------------------------------- */

struct completion_context {
    PDEVICE_OBJECT device;
    PIO_COMPLETION_ROUTINE routine;
    PVOID context;
    UCHAR control; /* when the driver wants to be called: SL_INVOKE_ON_... */
};

static NTSTATUS NTAPI irp_complete_referenced(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct completion_context held = *(struct completion_context *)context;
    NTSTATUS status = STATUS_CONTINUE_COMPLETION;

    io_free(context);
    if (io_irp_wants_routine(irp, held.control))
        status = held.routine(device, irp, held.context);
    else if (irp->PendingReturned && irp->CurrentLocation <= irp->StackCount)
        IoMarkIrpPending(irp);
    ob_dereference(held.device);
    return status;
}

/* WDK surface */

PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                         PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    PIO_STACK_LOCATION next;

    if (irp == NULL)
        return NULL;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = (UCHAR)MajorFunction;
    irp->UserIosb = IoStatusBlock;
    irp->Tail.Overlay.Thread = PsGetCurrentThread();
    if (MajorFunction != IRP_MJ_READ && MajorFunction != IRP_MJ_WRITE)
        return irp;
    /* Read and Write have one layout. */
    next->Parameters.Read.Length = Length;
    if (StartingOffset != NULL)
        next->Parameters.Read.ByteOffset = *StartingOffset;
    if (!io_irp_attach_transfer(irp, DeviceObject, MajorFunction, Buffer, Length)) {
        io_irp_release_buffers(irp, false);
        IoFreeIrp(irp);
        return NULL;
    }
    return irp;
}
LDR_EXPORT(IoBuildAsynchronousFsdRequest);

PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                        PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                        PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP irp = IoBuildAsynchronousFsdRequest(MajorFunction, DeviceObject, Buffer, Length,
                                             StartingOffset, IoStatusBlock);

    if (irp != NULL) {
        irp->UserEvent = Event;
        irp->AllocationFlags |= IO_IRP_THREADED;
    }
    return irp;
}
LDR_EXPORT(IoBuildSynchronousFsdRequest);

PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                         PVOID InputBuffer, ULONG InputBufferLength,
                                         PVOID OutputBuffer, ULONG OutputBufferLength,
                                         BOOLEAN InternalDeviceIoControl, PKEVENT Event,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    PIO_STACK_LOCATION next;

    if (irp == NULL)
        return NULL;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction =
        InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    next->Parameters.DeviceIoControl.OutputBufferLength = OutputBufferLength;
    next->Parameters.DeviceIoControl.InputBufferLength = InputBufferLength;
    next->Parameters.DeviceIoControl.IoControlCode = IoControlCode;
    irp->UserIosb = IoStatusBlock;
    irp->UserEvent = Event;
    irp->AllocationFlags |= IO_IRP_THREADED;
    irp->Tail.Overlay.Thread = PsGetCurrentThread();
    if (!io_irp_attach_control(irp, IoControlCode, InputBuffer, InputBufferLength, OutputBuffer,
                               OutputBufferLength)) {
        io_irp_release_buffers(irp, false);
        IoFreeIrp(irp);
        return NULL;
    }
    return irp;
}
LDR_EXPORT(IoBuildDeviceIoControlRequest);

PIRP NTAPI IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize)
{
    PIRP associated = IoAllocateIrp(StackSize, FALSE);

    if (associated == NULL)
        return NULL;
    associated->Flags |= IRP_ASSOCIATED_IRP;
    associated->AssociatedIrp.MasterIrp = Irp;
    associated->Tail.Overlay.Thread = Irp->Tail.Overlay.Thread;
    return associated;
}
LDR_EXPORT(IoMakeAssociatedIrp);

/* <= DISPATCH_LEVEL. STATUS_INSUFFICIENT_RESOURCES. G-IO-22, WDK: IoSetCompletionRoutineEx. */
NTSTATUS NTAPI IoSetCompletionRoutineEx(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                        PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                        BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                        BOOLEAN InvokeOnCancel)
{
    struct completion_context *held = io_allocate(sizeof(*held), IO_TAG_IO);

    if (held == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    held->device = DeviceObject;
    held->routine = CompletionRoutine;
    held->context = Context;
    ob_reference(DeviceObject);
    held->control = (InvokeOnSuccess ? SL_INVOKE_ON_SUCCESS : 0) |
                    (InvokeOnError ? SL_INVOKE_ON_ERROR : 0) |
                    (InvokeOnCancel ? SL_INVOKE_ON_CANCEL : 0);
    IoSetCompletionRoutine(Irp, irp_complete_referenced, held, TRUE, TRUE, TRUE);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoSetCompletionRoutineEx);
