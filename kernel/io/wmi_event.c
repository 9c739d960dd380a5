/*
 * io/wmi_event.c - events that data providers send to WMI.
 *
 * Whoever writes an event gives its node away: it is queued, and a system thread notes it for the
 * console, the one consumer, and frees it. Of a node that refers to a data block the block is asked
 * for and noted instead (WDK: "Sending an Event"). A node that is to be traced goes to the trace
 * session, and stays its driver's (WDK: "WMI Event Tracing").
 *
 * Owns: IoWMIWriteEvent, WmiFireEvent. Owns not: enabling events, providers (io/wmi.c).
 */
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wmilib.h>
#include <nt/wmistr.h>

#include "ex/trace.h"
#include "io/alloc.h"
#include "io/device.h"
#include "io/driver.h"
#include "io/irp.h"
#include "io/wmi.h"
#include "ke/ke.h"
#include "ke/ob.h"

enum {
    EVENT_SIZE_MAX = 64 * 1024, /* of a node; which it is, the page leaves open */
    EVENTS_KEPT = 32,
    LOGGER_MASK = 0xFFFF,
};

/* An event on its way. */
struct queued_event {
    WORK_QUEUE_ITEM item;
    PWNODE_HEADER node;
};

static FAST_MUTEX kept_mutex = KE_FAST_MUTEX_FREE(kept_mutex);
static struct io_wmi_event_info kept[EVENTS_KEPT]; /* under the mutex; a ring */
static uint64_t kept_count;                        /* under the mutex: since boot */

bool io_wmi_event_at(uint32_t index, struct io_wmi_event_info *info)
{
    uint64_t first, number;
    bool found;

    ExAcquireFastMutex(&kept_mutex);
    first = kept_count > EVENTS_KEPT ? kept_count - EVENTS_KEPT : 0;
    number = first + index;
    found = number < kept_count;
    if (found)
        *info = kept[number % EVENTS_KEPT];
    ExReleaseFastMutex(&kept_mutex);
    return found;
}

/* ---- Notes ---------------------------------------------------------------------------------- */

static void note_keep(struct io_wmi_event_info *note)
{
    ExAcquireFastMutex(&kept_mutex);
    note->number = kept_count + 1;
    kept[kept_count++ % EVENTS_KEPT] = *note;
    ExReleaseFastMutex(&kept_mutex);
}

static void note_data(struct io_wmi_event_info *note, const WNODE_HEADER *node, ULONG offset,
                      ULONG size)
{
    if (offset > node->BufferSize || size > node->BufferSize - offset)
        size = 0;
    note->size = size;
    memcpy(note->data, (const uint8_t *)node + offset,
           size < IO_WMI_EVENT_DATA_SHOWN ? size : IO_WMI_EVENT_DATA_SHOWN);
}

/* The parts of SINGLE_INSTANCE, which both an event and the answer to a query may be. */
static void note_instance(struct io_wmi_event_info *note, const WNODE_HEADER *node)
{
    const WNODE_SINGLE_INSTANCE *single = (const WNODE_SINGLE_INSTANCE *)(const void *)node;

    if ((node->Flags & WNODE_FLAG_SINGLE_INSTANCE) == 0 ||
        node->BufferSize < FIELD_OFFSET(WNODE_SINGLE_INSTANCE, VariableData))
        return;
    note->instance = single->InstanceIndex;
    note_data(note, node, single->DataBlockOffset, single->SizeDataBlock);
}

/* The provider has the data: ask it. */
static void note_reference(struct io_wmi_event_info *note, PDEVICE_OBJECT device,
                           const WNODE_HEADER *node)
{
    const WNODE_EVENT_REFERENCE *reference = (const WNODE_EVENT_REFERENCE *)(const void *)node;
    const ULONG fixed = (ULONG)FIELD_OFFSET(WNODE_SINGLE_INSTANCE, VariableData);
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_SYSTEM_CONTROL,
                                  .MinorFunction = IRP_MN_QUERY_SINGLE_INSTANCE};
    PWNODE_SINGLE_INSTANCE query;
    ULONG size;

    if (device == NULL || node->BufferSize < sizeof(*reference) ||
        (node->Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES) == 0 ||
        reference->TargetDataBlockSize > EVENT_SIZE_MAX)
        return;
    size = fixed + reference->TargetDataBlockSize + sizeof(uint64_t);
    query = io_allocate(size, IO_TAG_IO);
    if (query == NULL)
        return;
    query->WnodeHeader.BufferSize = size;
    query->WnodeHeader.Guid = reference->TargetGuid;
    query->WnodeHeader.Flags = WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    query->InstanceIndex = reference->TargetInstanceIndex;
    query->DataBlockOffset = (fixed + 7) & ~7u;
    location.Parameters.WMI.ProviderId = (ULONG_PTR)device;
    location.Parameters.WMI.DataPath = &query->WnodeHeader.Guid;
    location.Parameters.WMI.Buffer = query;
    location.Parameters.WMI.BufferSize = size;
    if (NT_SUCCESS(io_request_send(device, &location, STATUS_NOT_SUPPORTED, NULL)) &&
        query->WnodeHeader.BufferSize <= size)
        note_instance(note, &query->WnodeHeader);
    io_free(query);
}

static VOID NTAPI event_deliver(PVOID parameter)
{
    struct queued_event *event = parameter;
    PWNODE_HEADER node = event->node;
    PDEVICE_OBJECT device = io_wmi_provider_device(node->ProviderId);
    struct io_wmi_event_info note = {.guid = node->Guid};

    if (device != NULL)
        lib_strlcpy(note.driver, io_driver_of(device->DriverObject)->name, sizeof(note.driver));
    if ((node->Flags & WNODE_FLAG_EVENT_REFERENCE) != 0)
        note_reference(&note, device, node);
    else
        note_instance(&note, node);
    note_keep(&note);
    if (device != NULL)
        ob_dereference(device);
    io_free(node);
    io_free(event);
}

/* ---- Traced events -------------------------------------------------------------------------- */

static void trace_copy(unsigned char *to, void *context)
{
    const WNODE_HEADER *node = context;

    memcpy(to, node + 1, node->BufferSize - sizeof(*node));
}

/* EVENT_TRACE_HEADER lies over WNODE_HEADER: type, level and version over ProviderId. */
static NTSTATUS event_trace(PWNODE_HEADER node)
{
    struct ex_trace_record record = {.kind = EX_TRACE_EVENT, .id = node->Guid};

    if ((node->HistoricalContext & LOGGER_MASK) != EX_TRACE_LOGGER)
        return STATUS_UNSUCCESSFUL;
    if ((node->Flags & WNODE_FLAG_USE_GUID_PTR) != 0)
        record.id = **(const GUID *const *)(const void *)&node->Guid;
    record.descriptor.Opcode = (UCHAR)node->ProviderId;
    record.descriptor.Level = (UCHAR)(node->ProviderId >> 8);
    record.descriptor.Version = (UCHAR)(node->ProviderId >> 16);
    record.data_size = node->BufferSize - (ULONG)sizeof(*node);
    return ex_trace_put(&record, trace_copy, node) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* WDK surface */

/*
 * IRQL <= DISPATCH_LEVEL, which is more than the page allows; any IRQL with WNODE_FLAG_TRACED_GUID.
 * On success the node is WMI's to free, if it is not for the trace session alone.
 * STATUS_UNSUCCESSFUL: there is no such session, or no room in it. STATUS_BUFFER_OVERFLOW: too
 * large a node. STATUS_INVALID_PARAMETER, which the page does not have: one that is no whole
 * header. STATUS_INSUFFICIENT_RESOURCES. WDK "IoWMIWriteEvent".
 */
NTSTATUS NTAPI IoWMIWriteEvent(PVOID WnodeEventItem)
{
    PWNODE_HEADER node = WnodeEventItem;
    struct queued_event *event;

    if (node->BufferSize < sizeof(*node))
        return STATUS_INVALID_PARAMETER;
    if (node->BufferSize > EVENT_SIZE_MAX)
        return STATUS_BUFFER_OVERFLOW;
    if ((node->Flags & WNODE_FLAG_TRACED_GUID) != 0)
        return event_trace(node);
    event = io_allocate(sizeof(*event), IO_TAG_IO);
    if (event == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if ((node->Flags & WNODE_FLAG_LOG_WNODE) != 0)
        event_trace(node); /* its consumers get it whether or not the session had room */
    event->node = node;
    ExInitializeWorkItem(&event->item, event_deliver, event);
    ExQueueWorkItem(&event->item, DelayedWorkQueue);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoWMIWriteEvent);

/* 0: the device is not registered. Any driver's. WDK "IoWMIDeviceObjectToProviderId". */
ULONG NTAPI IoWMIDeviceObjectToProviderId(PDEVICE_OBJECT DeviceObject)
{
    return io_wmi_provider_id(DeviceObject);
}
LDR_EXPORT(IoWMIDeviceObjectToProviderId);

/*
 * IRQL <= DISPATCH_LEVEL. EventData, from nonpaged pool, is freed in any case.
 * STATUS_INSUFFICIENT_RESOURCES; else as IoWMIWriteEvent. WDK "WmiFireEvent".
 */
NTSTATUS NTAPI WmiFireEvent(PDEVICE_OBJECT DeviceObject, LPCGUID Guid, ULONG InstanceIndex,
                            ULONG EventDataSize, PVOID EventData)
{
    const ULONG fixed = (ULONG)FIELD_OFFSET(WNODE_SINGLE_INSTANCE, VariableData);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    PWNODE_SINGLE_INSTANCE node = NULL;

    if (EventData == NULL)
        EventDataSize = 0;
    if (EventDataSize <= MAXULONG - fixed)
        node = io_allocate(fixed + EventDataSize, IO_TAG_IO);
    if (node != NULL) {
        node->WnodeHeader.BufferSize = fixed + EventDataSize;
        node->WnodeHeader.ProviderId = IoWMIDeviceObjectToProviderId(DeviceObject);
        node->WnodeHeader.Version = 1;
        KeQuerySystemTime(&node->WnodeHeader.TimeStamp);
        node->WnodeHeader.Guid = *Guid;
        node->WnodeHeader.Flags =
            WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_EVENT_ITEM | WNODE_FLAG_STATIC_INSTANCE_NAMES;
        node->InstanceIndex = InstanceIndex;
        node->DataBlockOffset = fixed;
        node->SizeDataBlock = EventDataSize;
        if (EventData != NULL)
            memcpy(node->VariableData, EventData, EventDataSize);
        status = IoWMIWriteEvent(node);
    }
    if (!NT_SUCCESS(status))
        io_free(node);
    io_free(EventData);
    return status;
}
LDR_EXPORT(WmiFireEvent);
