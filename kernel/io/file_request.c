/*
 * io/file_request.c - requests to a file: built, then waited for, or left to end by themselves.
 *
 * The IRP goes to the top of the stack, which stays referenced until the request has ended. One
 * that is waited for is cancelled when it takes too long. One that is not is the thread's that sent
 * it, as those of IoBuildDeviceIoControlRequest are.
 *
 * Owns: building and sending. Owns not: files (io/file.c), how an IRP ends (io/irp.c).
 */
#include <nt/ntifs.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/file.h"
#include "io/irp.h"
#include "ke/ob.h"

/* ---- Building ------------------------------------------------------------------------------- */

PIRP io_file_build(PFILE_OBJECT file, UCHAR major)
{
    PDEVICE_OBJECT top = io_device_top_reference(file->DeviceObject);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    PIO_STACK_LOCATION next;

    if (irp == NULL) {
        ob_dereference(top);
        return NULL;
    }
    io_irp_tail(irp)->top = top;
    irp->Tail.Overlay.Thread = PsGetCurrentThread();
    irp->Tail.Overlay.OriginalFileObject = file;
    IoSetIoPriorityHint(irp, *io_file_priority_hint(file));
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = major;
    next->FileObject = file;
    return irp;
}

static void request_free(PIRP irp, bool copy_out)
{
    PDEVICE_OBJECT top = io_irp_tail(irp)->top;

    io_irp_release_buffers(irp, copy_out);
    IoFreeIrp(irp);
    ob_dereference(top);
}

/* The IRP if its buffers could be attached, else nothing is left of it. */
static PIRP request_built(PIRP irp, bool attached)
{
    if (attached)
        return irp;
    request_free(irp, false);
    return NULL;
}

PIRP io_file_build_transfer(PFILE_OBJECT file, UCHAR major, uint64_t offset, const void *buffer,
                            uint32_t length)
{
    PIRP irp = io_file_build(file, major);
    PIO_STACK_LOCATION next;

    if (irp == NULL)
        return NULL;
    irp->Flags |= major == IRP_MJ_READ ? IRP_READ_OPERATION : IRP_WRITE_OPERATION;
    next = IoGetNextIrpStackLocation(irp);
    next->Parameters.Read.Length = length; /* Write has the same layout */
    next->Parameters.Read.ByteOffset.QuadPart = (LONGLONG)offset;
    return request_built(irp, io_irp_attach_transfer(irp, io_irp_tail(irp)->top, major,
                                                     (void *)(uintptr_t)buffer, length));
}

PIRP io_file_build_control(PFILE_OBJECT file, uint32_t code, const struct io_file_buffers *buffers)
{
    PIRP irp = io_file_build(file, IRP_MJ_DEVICE_CONTROL);
    PIO_STACK_LOCATION next;

    if (irp == NULL)
        return NULL;
    next = IoGetNextIrpStackLocation(irp);
    next->Parameters.DeviceIoControl.IoControlCode = code;
    next->Parameters.DeviceIoControl.InputBufferLength = buffers->input_length;
    next->Parameters.DeviceIoControl.OutputBufferLength = buffers->output_length;
    return request_built(irp, io_irp_attach_control(irp, code, (void *)(uintptr_t)buffers->input,
                                                    buffers->input_length, buffers->output,
                                                    buffers->output_length));
}

/* ---- Sending -------------------------------------------------------------------------------- */

static NTSTATUS request_wait(PIRP irp, uint32_t timeout_ms, bool alertable, uint32_t *done)
{
    NTSTATUS status;

    *done = 0;
    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = io_irp_call_and_wait(io_irp_tail(irp)->top, irp, timeout_ms, alertable);
    if (!NT_ERROR(status))
        *done = (uint32_t)irp->IoStatus.Information;
    request_free(irp, !NT_ERROR(status));
    return status;
}

NTSTATUS io_file_wait(PIRP irp, uint32_t timeout_ms, uint32_t *done)
{
    return request_wait(irp, timeout_ms, false, done);
}

NTSTATUS io_file_wait_as_opened(PIRP irp, uint32_t *done)
{
    bool alertable = (irp->Tail.Overlay.OriginalFileObject->Flags & FO_ALERTABLE_IO) != 0;

    return request_wait(irp, 0, alertable, done);
}

NTSTATUS io_file_send(PIRP irp, PIO_STATUS_BLOCK status_block, PKEVENT event, PKAPC apc)
{
    struct io_irp_tail *tail = io_irp_tail(irp);

    tail->file = irp->Tail.Overlay.OriginalFileObject;
    tail->apc = apc;
    irp->UserIosb = status_block;
    irp->UserEvent = event;
    irp->AllocationFlags |= IO_IRP_THREADED;
    return IofCallDriver(tail->top, irp);
}

NTSTATUS io_file_read(PFILE_OBJECT file, uint64_t offset, void *buffer, uint32_t length,
                      uint32_t timeout_ms, uint32_t *done)
{
    return io_file_wait(io_file_build_transfer(file, IRP_MJ_READ, offset, buffer, length),
                        timeout_ms, done);
}

NTSTATUS io_file_write(PFILE_OBJECT file, uint64_t offset, const void *buffer, uint32_t length,
                       uint32_t timeout_ms, uint32_t *done)
{
    return io_file_wait(io_file_build_transfer(file, IRP_MJ_WRITE, offset, buffer, length),
                        timeout_ms, done);
}

/* Of IRP_MJ_QUERY_INFORMATION or IRP_MJ_SET_INFORMATION; length: what the driver is told. */
static PIRP build_information(PFILE_OBJECT file, UCHAR major, FILE_INFORMATION_CLASS class,
                              uint32_t length, const struct io_file_buffers *buffers)
{
    PIRP irp = io_file_build(file, major);
    PIO_STACK_LOCATION next;

    if (irp == NULL)
        return NULL;
    next = IoGetNextIrpStackLocation(irp);
    next->Parameters.QueryFile.Length = length; /* SetFile has the same layout */
    next->Parameters.QueryFile.FileInformationClass = class;
    return request_built(
        irp, io_irp_attach_control(irp, METHOD_BUFFERED, (void *)(uintptr_t)buffers->input,
                                   buffers->input_length, buffers->output, buffers->output_length));
}

NTSTATUS io_file_query(PFILE_OBJECT file, FILE_INFORMATION_CLASS class, uint32_t told, void *buffer,
                       uint32_t length, uint32_t *done)
{
    const struct io_file_buffers buffers = {buffer, told, buffer, length};

    return io_file_wait(build_information(file, IRP_MJ_QUERY_INFORMATION, class, length, &buffers),
                        0, done);
}

NTSTATUS io_file_set(PFILE_OBJECT file, FILE_INFORMATION_CLASS class, const void *buffer,
                     uint32_t length, uint32_t *done)
{
    const struct io_file_buffers buffers = {buffer, length, NULL, 0};

    return io_file_wait(build_information(file, IRP_MJ_SET_INFORMATION, class, length, &buffers), 0,
                        done);
}

NTSTATUS io_file_ioctl(PFILE_OBJECT file, uint32_t code, const void *input, uint32_t input_length,
                       void *output, uint32_t output_length, uint32_t timeout_ms, uint32_t *done)
{
    const struct io_file_buffers buffers = {input, input_length, output, output_length};

    return io_file_wait(io_file_build_control(file, code, &buffers), timeout_ms, done);
}

/* ---- By handle ------------------------------------------------------------------------------ */

void io_file_lock(PFILE_OBJECT file)
{
    if ((file->Flags & FO_SYNCHRONOUS_IO) == 0)
        return;
    KeEnterCriticalRegion(); /* an APC may want the same file */
    KeWaitForSingleObject(&file->Lock, Executive, KernelMode, FALSE, NULL);
}

void io_file_unlock(PFILE_OBJECT file)
{
    if ((file->Flags & FO_SYNCHRONOUS_IO) == 0)
        return;
    KeSetEvent(&file->Lock, IO_NO_INCREMENT, FALSE);
    KeLeaveCriticalRegion();
}

void io_file_tell(PFILE_OBJECT file, PKEVENT event, PIO_STATUS_BLOCK status_block, NTSTATUS status,
                  uint32_t done)
{
    status_block->Status = status;
    status_block->Information = done;
    KeSetEvent(event != NULL ? event : &file->Event, IO_NO_INCREMENT, FALSE);
}

/* ---- APC routines --------------------------------------------------------------------------- */

void io_file_apc_free(PKAPC apc)
{
    ObDereferenceObjectDeferDelete(apc->Thread);
    io_free(apc);
}

/* Before the routine, which gets copies. */
static VOID NTAPI apc_begins(PRKAPC apc, PKNORMAL_ROUTINE *routine, PVOID *context,
                             PVOID *status_block, PVOID *reserved)
{
    UNREFERENCED_PARAMETER(routine);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(status_block);
    UNREFERENCED_PARAMETER(reserved);
    io_file_apc_free(apc);
}

PKAPC io_file_apc_make(PIO_APC_ROUTINE routine, PVOID context)
{
    PKAPC apc = io_allocate(sizeof(*apc), IO_TAG_IO);

    if (apc == NULL)
        return NULL;
    /* Of three parameters, the last one a pointer's place: what normal routines have. */
    KeInitializeApc(apc, KeGetCurrentThread(), OriginalApcEnvironment, apc_begins, NULL,
                    (PKNORMAL_ROUTINE)(void *)routine, KernelMode, context);
    ob_reference(apc->Thread);
    return apc;
}

void io_file_apc_queue(PKAPC apc, PIO_STATUS_BLOCK status_block, KPRIORITY boost)
{
    if (!KeInsertQueueApc(apc, status_block, NULL, boost))
        io_file_apc_free(apc);
}
