/*
 * disk.h - the requests of a read-only disk.
 *
 *   IRP_MJ_READ            whole blocks at a byte offset, into memory of whole dwords
 *   IOCTL_DISK_KIND        what the disk is
 *
 * Writes are refused. A read longer than ReadMax is refused, too; one longer than PieceMax the
 * driver cuts up.
 */
#pragma once

#include "function.h"

typedef struct _DISK {
    ULONGLONG Blocks; /* 0: not started, and no read reaches the driver */
    ULONG BlockShift; /* blocks of 2^n bytes */
    ULONG ReadMax;    /* bytes */
    ULONG QueueCount; /* for reads */
    ULONG PieceMax;   /* bytes that the device moves at once */
} DISK, *PDISK;

/* out: DISK */
#define IOCTL_DISK_KIND CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* IRP_MJ_READ's parameters, checked. STATUS_SUCCESS: nothing to read. STATUS_PENDING: read. */
static inline NTSTATUS DiskCheckRead(PDISK Disk, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONGLONG offset = (ULONGLONG)stack->Parameters.Read.ByteOffset.QuadPart;
    ULONGLONG size = Disk->Blocks << Disk->BlockShift;
    ULONG length = stack->Parameters.Read.Length;

    if (size == 0)
        return STATUS_DEVICE_NOT_READY;
    if (((offset | length) & ((1u << Disk->BlockShift) - 1)) != 0)
        return STATUS_INVALID_PARAMETER; /* whole blocks only */
    if (offset > size || length > size - offset)
        return STATUS_INVALID_PARAMETER;
    if (length == 0)
        return STATUS_SUCCESS;
    if (length > Disk->ReadMax)
        return STATUS_INVALID_BUFFER_SIZE;
    if ((MmGetMdlByteOffset(Irp->MdlAddress) & (sizeof(ULONG) - 1)) != 0)
        return STATUS_DATATYPE_MISALIGNMENT; /* disks take addresses of whole dwords */
    return STATUS_PENDING;
}

static inline NTSTATUS DiskRequest(PDISK Disk, PIRP Irp, PULONG Information)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (stack->MajorFunction == IRP_MJ_WRITE)
        return STATUS_MEDIA_WRITE_PROTECTED;
    if (stack->MajorFunction == IRP_MJ_READ)
        return DiskCheckRead(Disk, Irp);
    if (stack->Parameters.DeviceIoControl.IoControlCode != (ULONG)IOCTL_DISK_KIND)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*Disk))
        return STATUS_BUFFER_TOO_SMALL;
    *Information = sizeof(*Disk);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Disk, sizeof(*Disk));
    return STATUS_SUCCESS;
}

/* Tell that the disk has started. */
static inline VOID DiskPrint(PCSTR Name, PFUNCTION Function, PDISK Disk)
{
    DbgPrint("%s%u: connected by %s: %u message(s), %u queue(s) for reads\n", Name, Function->Index,
             FunctionConnectionText(Function), Function->MessageCount, Disk->QueueCount);
    DbgPrint("%s%u: %I64u blocks of %u bytes\n", Name, Function->Index, Disk->Blocks,
             1u << Disk->BlockShift);
}
