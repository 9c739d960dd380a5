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

static NTSTATUS AllocateMemory(PDEVICE Device)
{
    DEVICE_DESCRIPTION description;
    ULONG mapRegisters;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION;
    description.Master = TRUE;
    description.ScatterGather = TRUE;
    description.Dma32BitAddresses = TRUE;
    description.Dma64BitAddresses = (Device->Capabilities & AHCI_CAP_64BIT) != 0;
    description.InterfaceType = PCIBus;
    description.MaximumLength = TRANSFER_MAX;
    Device->Adapter = IoGetDmaAdapter(Device->Function.Physical, &description, &mapRegisters);
    Device->Recovery = IoAllocateWorkItem(Device->Function.Self);
    if (Device->Adapter == NULL || Device->Recovery == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Device->Memory = Device->Adapter->DmaOperations->AllocateCommonBuffer(
        Device->Adapter, MEMORY_SIZE, &Device->MemoryAddress, TRUE);
    if (Device->Memory == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(Device->Memory, MEMORY_SIZE);
    return STATUS_SUCCESS;
}

static VOID FreeMemory(PDEVICE Device)
{
    if (Device->Memory != NULL)
        Device->Adapter->DmaOperations->FreeCommonBuffer(
            Device->Adapter, MEMORY_SIZE, Device->MemoryAddress, Device->Memory, TRUE);
    if (Device->Recovery != NULL)
        IoFreeWorkItem(Device->Recovery);
    if (Device->Adapter != NULL)
        Device->Adapter->DmaOperations->PutDmaAdapter(Device->Adapter);
    Device->Memory = NULL;
    Device->Recovery = NULL;
    Device->Adapter = NULL;
}

static NTSTATUS DiskStart(PDEVICE Device)
{
    NTSTATUS status = CommandsConnect(Device);

    if (!NT_SUCCESS(status))
        return status;
    PortRun(Device);
    status = PortIdentify(Device);
    if (!NT_SUCCESS(status))
        return status;
    Device->HasDisk = TRUE;
    CommandsOpen(Device, TRUE);
    DbgPrint("ahci%u: connected by %s, port %u: %s, serial %s, %I64u sectors, queue of %u\n",
             Device->Function.Index, FunctionConnectionText(&Device->Function), Device->Port,
             Device->Model, Device->Serial, Device->Sectors, Device->Queued ? Device->Depth : 0);
    return STATUS_SUCCESS;
}

NTSTATUS FunctionStart(PDEVICE Device)
{
    NTSTATUS status;

    Device->Registers = FunctionMap(&Device->Function, 0, &Device->Length);
    if (Device->Registers == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    if (Device->Length < AHCI_PORTS + AHCI_PORT_STRIDE)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    status = ControllerReset(Device);
    if (NT_SUCCESS(status))
        status = AllocateMemory(Device);
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
    Device->HasDisk = FALSE;
    if (Device->Registers != NULL && Device->Adapter != NULL) {
        PortHalt(Device);
        ControllerReset(Device);
    }
    FunctionDisconnect(&Device->Function);
    CommandsAbandon(Device, STATUS_DEVICE_NOT_CONNECTED);
    FreeMemory(Device);
    if (Device->Registers != NULL)
        MmUnmapIoSpace(Device->Registers, Device->Length);
    Device->Registers = NULL;
}

VOID FunctionInitialize(PDEVICE Device)
{
    CommandsInitialize(Device);
}

/* ---- Requests ----------------------------------------------------------------------------- */

/* Whole sectors that the disk has, into memory the controller can address (4.2.3.3: words). */
static NTSTATUS CheckRange(PDEVICE Device, ULONGLONG Sector, ULONG Length, PMDL Mdl)
{
    if (!Device->HasDisk)
        return STATUS_NO_MEDIA_IN_DEVICE;
    if ((Length & ((1u << SECTOR_SHIFT) - 1)) != 0 || Sector > Device->Sectors ||
        Length >> SECTOR_SHIFT > Device->Sectors - Sector)
        return STATUS_INVALID_PARAMETER;
    if (Length > TRANSFER_MAX)
        return STATUS_INVALID_BUFFER_SIZE; /* whoever wants more asks in pieces */
    if (Length != 0 && (MmGetMdlByteOffset(Mdl) & 1) != 0)
        return STATUS_DATATYPE_MISALIGNMENT;
    return STATUS_SUCCESS;
}

static NTSTATUS RequestRead(PDEVICE Device, PIRP Irp, ULONGLONG Sector, ULONG Length)
{
    NTSTATUS status = CheckRange(Device, Sector, Length, Irp->MdlAddress);

    if (!NT_SUCCESS(status) || Length == 0)
        return status;
    return CommandRead(Device, Irp, Irp->MdlAddress, Length);
}

static NTSTATUS RequestInformation(PDEVICE Device, PIRP Irp, ULONG Length, PULONG Information)
{
    AHCI_INFORMATION *information = Irp->AssociatedIrp.SystemBuffer;

    if (Length < sizeof(*information))
        return STATUS_BUFFER_TOO_SMALL;
    RtlZeroMemory(information, sizeof(*information));
    information->Sectors = Device->HasDisk ? Device->Sectors : 0;
    information->Depth = Device->Queued ? Device->Depth : 0;
    information->MessageCount = Device->Function.MessageCount;
    information->Interrupts = (ULONG)Device->Interrupts;
    information->ReadsQueued = Device->ReadsQueued;
    information->ReadsAlone = Device->ReadsAlone;
    RtlCopyMemory(information->Model, Device->Model, sizeof(Device->Model));
    RtlCopyMemory(information->Serial, Device->Serial, sizeof(Device->Serial));
    *Information = sizeof(*information);
    return STATUS_SUCCESS;
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
        return RequestInformation(Device, Irp, length, Information);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}
