/*
 * io/error_log.c - error log entries: there is no event log service, so an entry becomes one line
 * of the kernel log, with the dump data and the insertion strings as far as the line holds them.
 *
 * The driver says how much data and how many strings there are; the entry's size bounds both.
 */
#include <lib/export.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/driver.h"

struct error_entry {
    PVOID object; /* device or driver object */
    ULONG size;
    ULONG reserved;
    IO_ERROR_LOG_PACKET packet; /* what the driver gets */
};

static const char *object_driver_name(PVOID object)
{
    CSHORT type = *(CSHORT *)object;

    if (type == IO_TYPE_DEVICE)
        return io_driver_of(((PDEVICE_OBJECT)object)->DriverObject)->name;
    return type == IO_TYPE_DRIVER ? io_driver_of(object)->name : "?";
}

/* ---- The text of an entry ------------------------------------------------------------------- */

enum { ENTRY_TEXT_MAX = 320 };

struct entry_text {
    char text[ENTRY_TEXT_MAX];
    size_t used;
};

static void entry_text_put(struct entry_text *out, const char *text)
{
    out->used += lib_strlcpy(out->text + out->used, text, sizeof(out->text) - out->used);
    if (out->used >= sizeof(out->text))
        out->used = sizeof(out->text) - 1;
}

static void entry_put_data(struct entry_text *out, const struct error_entry *entry)
{
    const size_t start = FIELD_OFFSET(IO_ERROR_LOG_PACKET, DumpData);
    size_t size = entry->packet.DumpDataSize;
    const ULONG *data = &entry->packet.DumpData[0];
    char word[16];

    if (size > entry->size - start)
        size = entry->size - start;
    for (size_t i = 0; i < size / sizeof(ULONG); i++) {
        lib_snprintf(word, sizeof(word), "%s %08x", i == 0 ? ", data" : "", (unsigned)data[i]);
        entry_text_put(out, word);
    }
}

static void entry_put_strings(struct entry_text *out, const struct error_entry *entry)
{
    const WCHAR *at = (const WCHAR *)((const char *)&entry->packet + entry->packet.StringOffset);
    const WCHAR *end = (const WCHAR *)((const char *)&entry->packet + entry->size);
    char text[ENTRY_TEXT_MAX];

    if (entry->packet.StringOffset % sizeof(WCHAR) != 0)
        return;
    for (USHORT i = 0; i < entry->packet.NumberOfStrings && at < end; i++, at++) {
        const WCHAR *first = at;

        while (at < end && *at != 0)
            at++;
        lib_utf8_cut(text, sizeof(text), first, (size_t)(at - first));
        entry_text_put(out, ", \"");
        entry_text_put(out, text);
        entry_text_put(out, "\"");
    }
}

/* WDK surface */

PVOID NTAPI IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize)
{
    struct error_entry *entry;

    if (IoObject == NULL || EntrySize < sizeof(IO_ERROR_LOG_PACKET) ||
        EntrySize > ERROR_LOG_MAXIMUM_SIZE)
        return NULL;
    entry = io_allocate(sizeof(*entry) + EntrySize, IO_TAG_IO);
    if (entry == NULL)
        return NULL;
    entry->object = IoObject;
    entry->size = EntrySize;
    return &entry->packet;
}
LDR_EXPORT(IoAllocateErrorLogEntry);

VOID NTAPI IoFreeErrorLogEntry(PVOID ElEntry)
{
    io_free(CONTAINING_RECORD(ElEntry, struct error_entry, packet));
}
LDR_EXPORT(IoFreeErrorLogEntry);

VOID NTAPI IoWriteErrorLogEntry(PVOID ElEntry)
{
    struct error_entry *entry = CONTAINING_RECORD(ElEntry, struct error_entry, packet);
    const IO_ERROR_LOG_PACKET *packet = &entry->packet;
    struct entry_text rest = {.used = 0};

    entry_put_data(&rest, entry);
    entry_put_strings(&rest, entry);
    log_warn("io: %s logs error 0x%08x, unique value 0x%x, status 0x%08x%s",
             object_driver_name(entry->object), (unsigned)packet->ErrorCode,
             (unsigned)packet->UniqueErrorValue, (unsigned)packet->FinalStatus, rest.text);
    io_free(entry);
}
LDR_EXPORT(IoWriteErrorLogEntry);
