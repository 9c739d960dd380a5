/*
 * io/error_log.c - error log entries: there is no event log service, so an entry becomes one line
 * of the kernel log.
 */
#include <lib/export.h>
#include <lib/log.h>

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

    log_warn("io: %s logs error 0x%08x, unique value 0x%x, status 0x%08x, first data 0x%x",
             object_driver_name(entry->object), (unsigned)packet->ErrorCode,
             (unsigned)packet->UniqueErrorValue, (unsigned)packet->FinalStatus,
             packet->DumpDataSize == 0 ? 0u : (unsigned)packet->DumpData[0]);
    io_free(entry);
}
LDR_EXPORT(IoWriteErrorLogEntry);
