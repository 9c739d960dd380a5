/*
 * ex/bugcheck_callback.c - what drivers want called when the machine stops.
 *
 * Plain callbacks put their device into a quiet state. Reason callbacks serve a crash dump, which
 * this kernel does not write: those that offer data of their own (KbCallbackSecondaryDumpData) are
 * asked for it, and the start of it is printed; the other reasons are registered and do not occur.
 *
 * At the stop there are no locks, and lists may be damaged: a record whose links or state are
 * wrong ends the walk.
 */
#include <hal/hal.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>
#include <nt/ntddk.h>

#include "ke/lock.h"

enum {
    DUMP_DATA_MAX = 4096, /* a driver may give that much */
    DUMP_PRINT_MAX = 256, /* bytes of it shown */
    DUMP_PRINT_LINE = 32,
};

static LIST_ENTRY callback_list = {&callback_list, &callback_list};
static LIST_ENTRY reason_list = {&reason_list, &reason_list};
static ke_lock_t list_lock;

static bool link_is_sound(const LIST_ENTRY *link)
{
    return link->Flink != NULL && link->Flink->Blink == link;
}

static void print_data(const char *component, const UCHAR *data, ULONG length)
{
    char line[2 * DUMP_PRINT_LINE + 1];

    log_info("*** %s: %u bytes of its own", component, length);
    for (ULONG at = 0; at < length && at < DUMP_PRINT_MAX; at += DUMP_PRINT_LINE) {
        for (ULONG i = 0; i < DUMP_PRINT_LINE && at + i < length; i++)
            lib_snprintf(line + 2 * i, 3, "%02x", data[at + i]);
        log_info("***   %s", line);
    }
}

static void run_secondary(PKBUGCHECK_REASON_CALLBACK_RECORD record)
{
    static UCHAR buffer[DUMP_DATA_MAX];
    KBUGCHECK_SECONDARY_DUMP_DATA data = {
        .InBuffer = buffer, .InBufferLength = sizeof buffer, .MaximumAllowed = sizeof buffer};

    memset(buffer, 0, sizeof buffer);
    record->CallbackRoutine(KbCallbackSecondaryDumpData, record, &data, sizeof data);
    if (!data.OutBufferLength)
        return;
    data.OutBuffer = buffer; /* the first call was for the size only */
    data.OutBufferLength = 0;
    record->CallbackRoutine(KbCallbackSecondaryDumpData, record, &data, sizeof data);
    if (data.OutBuffer != NULL && data.OutBufferLength && data.OutBufferLength <= DUMP_DATA_MAX)
        print_data(record->Component != NULL ? (const char *)record->Component : "a driver",
                   data.OutBuffer, data.OutBufferLength);
}

/* At HIGH_LEVEL (WDK: "Writing a Bug Check Callback Routine"), whatever the level at the stop. */
static void run_callbacks(void)
{
    hal_irql_write(HIGH_LEVEL);
    for (LIST_ENTRY *link = callback_list.Flink; link != &callback_list; link = link->Flink) {
        PKBUGCHECK_CALLBACK_RECORD record =
            CONTAINING_RECORD(link, KBUGCHECK_CALLBACK_RECORD, Entry);

        if (!link_is_sound(link) || record->State != BufferInserted)
            break;
        record->State = BufferStarted;
        record->CallbackRoutine(record->Buffer, record->Length);
        record->State = BufferFinished;
    }
    for (LIST_ENTRY *link = reason_list.Flink; link != &reason_list; link = link->Flink) {
        PKBUGCHECK_REASON_CALLBACK_RECORD record =
            CONTAINING_RECORD(link, KBUGCHECK_REASON_CALLBACK_RECORD, Entry);

        if (!link_is_sound(link) || record->State != BufferInserted)
            break;
        record->State = BufferStarted;
        if (record->Reason == KbCallbackSecondaryDumpData)
            run_secondary(record);
        record->State = BufferFinished;
    }
}

/* Into the list, if the record is not in one. */
static bool record_insert(LIST_ENTRY *list, LIST_ENTRY *entry, volatile UCHAR *state)
{
    uint64_t flags = ke_lock_acquire_irqoff(&list_lock);
    bool inserted = *state == BufferEmpty;

    if (inserted) {
        InsertTailList(list, entry);
        *state = BufferInserted;
        lib_bugcheck_set_callbacks(run_callbacks);
    }
    ke_lock_release_irqoff(&list_lock, flags);
    return inserted;
}

static bool record_remove(LIST_ENTRY *entry, volatile UCHAR *state)
{
    uint64_t flags = ke_lock_acquire_irqoff(&list_lock);
    bool removed = *state == BufferInserted;

    if (removed) {
        RemoveEntryList(entry);
        *state = BufferEmpty;
    }
    ke_lock_release_irqoff(&list_lock, flags);
    return removed;
}

/* WDK surface */

BOOLEAN NTAPI KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                         PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer,
                                         ULONG Length, PUCHAR Component)
{
    if (CallbackRecord->State != BufferEmpty)
        return FALSE;
    CallbackRecord->CallbackRoutine = CallbackRoutine;
    CallbackRecord->Buffer = Buffer;
    CallbackRecord->Length = Length;
    CallbackRecord->Component = Component;
    CallbackRecord->Checksum =
        (ULONG_PTR)CallbackRoutine + (ULONG_PTR)Buffer + Length + (ULONG_PTR)Component;
    return record_insert(&callback_list, &CallbackRecord->Entry, &CallbackRecord->State);
}
LDR_EXPORT(KeRegisterBugCheckCallback);

BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord)
{
    return record_remove(&CallbackRecord->Entry, &CallbackRecord->State);
}
LDR_EXPORT(KeDeregisterBugCheckCallback);

BOOLEAN NTAPI KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                               PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine,
                                               KBUGCHECK_CALLBACK_REASON Reason, PUCHAR Component)
{
    if (CallbackRecord->State != BufferEmpty || Reason <= KbCallbackReserved1 ||
        Reason > KbCallbackTriageDumpData)
        return FALSE;
    CallbackRecord->CallbackRoutine = CallbackRoutine;
    CallbackRecord->Component = Component;
    CallbackRecord->Reason = Reason;
    CallbackRecord->Checksum = (ULONG_PTR)CallbackRoutine + Reason + (ULONG_PTR)Component;
    return record_insert(&reason_list, &CallbackRecord->Entry, &CallbackRecord->State);
}
LDR_EXPORT(KeRegisterBugCheckReasonCallback);

BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord)
{
    return record_remove(&CallbackRecord->Entry, &CallbackRecord->State);
}
LDR_EXPORT(KeDeregisterBugCheckReasonCallback);
