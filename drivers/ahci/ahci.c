/*
 * ahci.c - an AHCI disk, read only: start, stop, and the requests.
 *
 *   IRP_MJ_READ               whole sectors at a byte offset, by queued commands where the disk has
 *                             them (NCQ)
 *   IOCTL_AHCI_READ_DMA       whole sectors from a sector on, by a plain DMA command
 *   IOCTL_AHCI_INFORMATION    what the disk is, and what was done
 *
 * A controller without a disk starts, and answers reads with STATUS_NO_MEDIA_IN_DEVICE.
 */
#define FUNCTION_NAME "ahci"
#define FUNCTION_TYPE FILE_DEVICE_DISK
#define FUNCTION_FLAGS DO_DIRECT_IO

#include "ahci.h"

#include "../function/dispatch.h"

static NTSTATUS DiskStart(PDEVICE Device)
{
    NTSTATUS status = CommandsConnect(Device);

    if (!NT_SUCCESS(status))
        return status;
    PortRun(Device);
    status = PortIdentify(Device);
    if (!NT_SUCCESS(status))
        return status;
    Device->Information.MessageCount = Device->Function.MessageCount;
    CommandsOpen(Device, TRUE);
    DbgPrint("ahci%u: connected by %s, port %u, %I64u sectors, queue of %u\n",
             Device->Function.Index, FunctionConnectionText(&Device->Function), Device->Port,
             Device->Information.Sectors, Device->Information.Depth);
    return STATUS_SUCCESS;
}

NTSTATUS FunctionStart(PDEVICE Device)
{
    NTSTATUS status = FunctionMapRegisters(&Device->Function, AHCI_PORTS + AHCI_PORT_STRIDE);

    if (NT_SUCCESS(status))
        status = ControllerReset(Device);
    if (NT_SUCCESS(status))
        status = FunctionAllocate(&Device->Function, MEMORY_SIZE, TRANSFER_MAX,
                                  (Device->Capabilities & AHCI_CAP_64BIT) != 0);
    if (NT_SUCCESS(status))
        status = PortFindDisk(Device);
    if (status == STATUS_NO_SUCH_DEVICE) {
        DbgPrint("ahci%u: no disk\n", Device->Function.Index);
        return STATUS_SUCCESS;
    }
    return NT_SUCCESS(status) ? DiskStart(Device) : status;
}

/* The reset of the controller also stops the port's receiver: no memory is touched after it. */
VOID FunctionStop(PDEVICE Device)
{
    CommandsOpen(Device, FALSE);
    Device->Information.Sectors = 0;
    if (Device->Function.Registers != NULL && Device->Function.Adapter != NULL) {
        PortHalt(Device);
        ControllerReset(Device);
    }
    FunctionDisconnect(&Device->Function);
    CommandsAbandon(Device, STATUS_DEVICE_NOT_CONNECTED);
    FunctionFree(&Device->Function);
    FunctionUnmapRegisters(&Device->Function);
}

/* ---- Requests ----------------------------------------------------------------------------- */

/* Whole sectors that the disk has, into memory the controller can address (4.2.3.3: words). */
static NTSTATUS RequestRead(PDEVICE Device, PIRP Irp, ULONGLONG Sector, ULONG Length)
{
    if (Device->Information.Sectors == 0)
        return STATUS_NO_MEDIA_IN_DEVICE;
    if ((Length & ((1u << SECTOR_SHIFT) - 1)) != 0 || Sector > Device->Information.Sectors ||
        Length >> SECTOR_SHIFT > Device->Information.Sectors - Sector)
        return STATUS_INVALID_PARAMETER;
    if (Length > TRANSFER_MAX)
        return STATUS_INVALID_BUFFER_SIZE; /* whoever wants more asks in pieces */
    if (Length == 0)
        return STATUS_SUCCESS;
    if (MmGetMdlByteOffset(Irp->MdlAddress) & 1)
        return STATUS_DATATYPE_MISALIGNMENT;
    return CommandRead(Device, Irp, Length);
}

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG length = stack->Parameters.DeviceIoControl.OutputBufferLength;

    if (stack->MajorFunction == IRP_MJ_WRITE)
        return STATUS_MEDIA_WRITE_PROTECTED;
    if (stack->MajorFunction == IRP_MJ_READ) {
        ULONGLONG offset = (ULONGLONG)stack->Parameters.Read.ByteOffset.QuadPart;

        if ((offset & ((1u << SECTOR_SHIFT) - 1)) != 0)
            return STATUS_INVALID_PARAMETER;
        return RequestRead(Device, Irp, offset >> SECTOR_SHIFT, stack->Parameters.Read.Length);
    }
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_AHCI_READ_DMA:
        if (stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONGLONG))
            return STATUS_BUFFER_TOO_SMALL;
        return RequestRead(Device, Irp, *(PULONGLONG)Irp->AssociatedIrp.SystemBuffer, length);
    case IOCTL_AHCI_INFORMATION:
        if (length < sizeof(Device->Information))
            return STATUS_BUFFER_TOO_SMALL;
        *Information = sizeof(Device->Information);
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &Device->Information, *Information);
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}
