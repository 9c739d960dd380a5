/*
 * ex/misc.c - bug check callbacks, and routines that are nearly nothing on x64.
 */
#include <hal/hal.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <nt/ntddk.h>

#include "ke/lock.h"

static LIST_ENTRY callback_list = {&callback_list, &callback_list};
static ke_lock_t callback_lock;

/* The machine has stopped: no lock; a damaged list ends the walk. */
static void run_callbacks(void)
{
    PLIST_ENTRY link;

    for (link = callback_list.Flink; link != NULL && link != &callback_list; link = link->Flink) {
        PKBUGCHECK_CALLBACK_RECORD record =
            CONTAINING_RECORD(link, KBUGCHECK_CALLBACK_RECORD, Entry);

        if (record->State != BufferInserted || link->Flink == NULL || link->Flink->Blink != link)
            break;
        record->State = BufferStarted;
        record->CallbackRoutine(record->Buffer, record->Length);
        record->State = BufferFinished;
    }
}

/* DMA is coherent; drivers that do not use the header's empty macro import this. */
static VOID NTAPI flush_io_buffers(PMDL Mdl, BOOLEAN ReadOperation, BOOLEAN DmaOperation)
{
    UNREFERENCED_PARAMETER(Mdl);
    UNREFERENCED_PARAMETER(ReadOperation);
    UNREFERENCED_PARAMETER(DmaOperation);
}
LDR_EXPORT_AS("KeFlushIoBuffers", flush_io_buffers);

/* WDK surface */

BOOLEAN NTAPI KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                         PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer,
                                         ULONG Length, PUCHAR Component)
{
    uint64_t flags = ke_lock_acquire_irqoff(&callback_lock);
    BOOLEAN added = CallbackRecord->State == BufferEmpty;

    if (added) {
        CallbackRecord->CallbackRoutine = CallbackRoutine;
        CallbackRecord->Buffer = Buffer;
        CallbackRecord->Length = Length;
        CallbackRecord->Component = Component;
        CallbackRecord->Checksum = (ULONG_PTR)CallbackRoutine + (ULONG_PTR)Buffer + Length +
                                   (ULONG_PTR)Component;
        CallbackRecord->State = BufferInserted;
        InsertTailList(&callback_list, &CallbackRecord->Entry);
        lib_bugcheck_set_callbacks(run_callbacks);
    }
    ke_lock_release_irqoff(&callback_lock, flags);
    return added;
}
LDR_EXPORT(KeRegisterBugCheckCallback);

BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord)
{
    uint64_t flags = ke_lock_acquire_irqoff(&callback_lock);
    BOOLEAN removed = CallbackRecord->State == BufferInserted;

    if (removed) {
        RemoveEntryList(&CallbackRecord->Entry);
        CallbackRecord->State = BufferEmpty;
    }
    ke_lock_release_irqoff(&callback_lock, flags);
    return removed;
}
LDR_EXPORT(KeDeregisterBugCheckCallback);

/* The interrupt and thread switch paths keep what these would save on x86 (ISR-FP). */
NTSTATUS NTAPI KeSaveFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    UNREFERENCED_PARAMETER(FloatSave);
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeSaveFloatingPointState);

NTSTATUS NTAPI KeRestoreFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    UNREFERENCED_PARAMETER(FloatSave);
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeRestoreFloatingPointState);

/* No user mode: every caller was the kernel. */
KPROCESSOR_MODE NTAPI ExGetPreviousMode(VOID)
{
    return KernelMode;
}
LDR_EXPORT(ExGetPreviousMode);

/* Timers are not bound to a tick; what is reported is the unit that KeQueryTickCount counts in. */
ULONG NTAPI ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution)
{
    UNREFERENCED_PARAMETER(DesiredTime);
    UNREFERENCED_PARAMETER(SetResolution);
    return KeQueryTimeIncrement();
}
LDR_EXPORT(ExSetTimerResolution);
