/*
 * io/remove_lock.c - IO_REMOVE_LOCK: how a driver keeps REMOVE_DEVICE waiting for its I/O.
 *
 * IoCount starts at 1, the lock's own; each acquire adds one. IoReleaseRemoveLockAndWait sets
 * Removed, drops the caller's and the lock's count and waits for the last holder. The checked
 * build's tracking of tags lies behind the common block and is not kept: RemlockSize says only how
 * much memory the driver has set aside.
 */
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"

/* WDK surface */

VOID NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                    ULONG HighWatermark, ULONG RemlockSize)
{
    UNREFERENCED_PARAMETER(AllocateTag);
    UNREFERENCED_PARAMETER(MaxLockedMinutes);
    UNREFERENCED_PARAMETER(HighWatermark);
    if (Lock == NULL)
        return;
    memset(Lock, 0, RemlockSize < sizeof(*Lock) ? sizeof(*Lock) : RemlockSize);
    Lock->Common.IoCount = 1;
    KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}
LDR_EXPORT(IoInitializeRemoveLockEx);

NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                                     ULONG RemlockSize)
{
    UNREFERENCED_PARAMETER(Tag);
    UNREFERENCED_PARAMETER(File);
    UNREFERENCED_PARAMETER(Line);
    UNREFERENCED_PARAMETER(RemlockSize);
    InterlockedIncrement(&RemoveLock->Common.IoCount);
    if (!RemoveLock->Common.Removed)
        return STATUS_SUCCESS;
    if (InterlockedDecrement(&RemoveLock->Common.IoCount) == 0)
        KeSetEvent(&RemoveLock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    return STATUS_DELETE_PENDING;
}
LDR_EXPORT(IoAcquireRemoveLockEx);

VOID NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    UNREFERENCED_PARAMETER(Tag);
    UNREFERENCED_PARAMETER(RemlockSize);
    if (InterlockedDecrement(&RemoveLock->Common.IoCount) == 0)
        KeSetEvent(&RemoveLock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
}
LDR_EXPORT(IoReleaseRemoveLockEx);

VOID NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    RemoveLock->Common.Removed = TRUE;
    KeMemoryBarrier();
    IoReleaseRemoveLockEx(RemoveLock, Tag, RemlockSize);
    if (InterlockedDecrement(&RemoveLock->Common.IoCount) > 0)
        KeWaitForSingleObject(&RemoveLock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
LDR_EXPORT(IoReleaseRemoveLockAndWaitEx);
