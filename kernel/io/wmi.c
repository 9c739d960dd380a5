/*
 * io/wmi.c - registration with WMI.
 *
 * A driver that registers is asked, from a system thread, for its blocks: IRP_MN_REGINFO_EX to the
 * top of its stack, with a larger buffer when it says that it needs one. That there are such blocks
 * is all that is kept of the answer: WMI has no consumer here that could query them. Of blocks that
 * are traced the GUIDs are kept: IRP_MN_ENABLE_EVENTS brings the trace session's handle when they
 * are wanted, IRP_MN_DISABLE_EVENTS ends that (WDK: "WMI Event Tracing"). Events that the console
 * wants are enabled with every provider, by the same requests without a node; one that has no such
 * block says so.
 *
 * Owns: the list of providers, IoWMIRegistrationControl. Owns not: the WMI library (io/wmilib.c),
 * what comes of events (io/wmi_event.c).
 */
#include "io/wmi.h"

#include <lib/export.h>
#include <lib/string.h>
#include <nt/wmistr.h>

#include "ex/trace.h"

#include "io/alloc.h"
#include "io/device.h"
#include "io/irp.h"
#include "ke/ob.h"

enum { REGINFO_SIZE = 4096, REGINFO_SIZE_MAX = 1 << 20, TRACED_MAX = 8, EVENTS_MAX = 16 };

struct traced_block {
    GUID guid;
    uint64_t logger; /* the handle that its driver was told, 0: none */
};

/* Legend: (c) constant, (l) under provider_lock. */
struct wmi_provider {
    struct wmi_provider *next; /* (l) */
    PDEVICE_OBJECT device;     /* (c) referenced */
    WORK_QUEUE_ITEM item;
    KEVENT idle;                            /* set while no request is under way or due */
    bool busy;                              /* (l) the work item is queued or runs */
    bool due;                               /* (l) it has a registration request to send, */
    ULONG_PTR action;                       /* (l) WMIREGISTER or WMIUPDATE */
    bool trace_due;                         /* (l) tracing, or the events wanted, have changed */
    bool blocked;                           /* (l) no requests any more */
    struct traced_block traced[TRACED_MAX]; /* the work item's */
    uint32_t traced_count;
    uint32_t events_told; /* the work item's: those of wanted_events that it has enabled */
    ULONG id;             /* (c) as events name it */
};

/* An event block that is, or was, wanted. */
struct wanted_event {
    GUID guid;
    bool is_on;
};

static KSPIN_LOCK provider_lock;
static struct wmi_provider *provider_list;            /* (l) */
static struct wanted_event wanted_events[EVENTS_MAX]; /* (l) */
static uint32_t wanted_count;                         /* (l) */
static ULONG last_id;                                 /* (l) */

/* ---- Traced blocks -------------------------------------------------------------------------- */

/* Keep what the answer says of a block: it is traced now, or no block any more. */
static void block_note(struct wmi_provider *provider, const WMIREGGUID *block)
{
    struct traced_block *traced = provider->traced;
    bool is_traced = (block->Flags & WMIREG_FLAG_TRACED_GUID) != 0 &&
                     (block->Flags & WMIREG_FLAG_REMOVE_GUID) == 0;
    uint32_t i = 0;

    while (i < provider->traced_count && !IsEqualGUID(&traced[i].guid, &block->Guid))
        i++;
    if (i < provider->traced_count && !is_traced)
        traced[i] = traced[--provider->traced_count];
    else if (i == provider->traced_count && is_traced && i < TRACED_MAX)
        traced[provider->traced_count++] = (struct traced_block){.guid = block->Guid};
}

/* The session's handle with what is wanted (TRACE_ENABLE_CONTEXT); 0: nothing. */
static uint64_t logger_for(const GUID *guid)
{
    struct ex_trace_enabling wanted;

    if (!ex_trace_wanted(guid, &wanted))
        return 0;
    return EX_TRACE_LOGGER | (uint64_t)wanted.level << 16 | wanted.any << 32;
}

static void traced_tell(PDEVICE_OBJECT device, struct traced_block *block)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_SYSTEM_CONTROL};
    WNODE_HEADER node = {.BufferSize = sizeof(node), .Flags = WNODE_FLAG_TRACED_GUID};
    uint64_t logger = logger_for(&block->guid);

    if (logger == block->logger)
        return;
    block->logger = logger;
    node.Guid = block->guid;
    node.HistoricalContext = logger;
    location.MinorFunction = logger != 0 ? IRP_MN_ENABLE_EVENTS : IRP_MN_DISABLE_EVENTS;
    location.Parameters.WMI.ProviderId = (ULONG_PTR)device;
    location.Parameters.WMI.DataPath = &block->guid;
    location.Parameters.WMI.Buffer = &node;
    location.Parameters.WMI.BufferSize = sizeof(node);
    io_request_send(device, &location, STATUS_NOT_SUPPORTED, NULL);
}

/* ---- Events --------------------------------------------------------------------------------- */

static void event_tell(PDEVICE_OBJECT device, GUID *guid, bool enable)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_SYSTEM_CONTROL};
    WNODE_HEADER node = {.BufferSize = sizeof(node), .Guid = *guid};

    location.MinorFunction = enable ? IRP_MN_ENABLE_EVENTS : IRP_MN_DISABLE_EVENTS;
    location.Parameters.WMI.ProviderId = (ULONG_PTR)device;
    location.Parameters.WMI.DataPath = guid;
    location.Parameters.WMI.Buffer = &node;
    location.Parameters.WMI.BufferSize = sizeof(node);
    io_request_send(device, &location, STATUS_NOT_SUPPORTED, NULL);
}

static void events_tell(struct wmi_provider *provider)
{
    for (uint32_t i = 0; i < EVENTS_MAX; i++) {
        uint32_t bit = 1u << i;
        struct wanted_event event;
        KIRQL irql;

        KeAcquireSpinLock(&provider_lock, &irql);
        event = wanted_events[i];
        KeReleaseSpinLock(&provider_lock, irql);
        if (event.is_on == ((provider->events_told & bit) != 0))
            continue;
        provider->events_told ^= bit;
        event_tell(provider->device, &event.guid, event.is_on);
    }
}

/* ---- Registration --------------------------------------------------------------------------- */

/* Who answered gave us a reference for each PDO that it names (WDK "WMI Registration Flags"). */
static void blocks_take(struct wmi_provider *provider, const WMIREGGUID *blocks, ULONG count)
{
    for (ULONG i = 0; i < count; i++) {
        block_note(provider, &blocks[i]);
        if ((blocks[i].Flags & WMIREG_FLAG_INSTANCE_PDO) != 0 && blocks[i].Pdo != 0)
            ob_dereference((PVOID)blocks[i].Pdo);
    }
}

/* One WMIREGINFO for each driver that the answer is for; each says where the next one is. */
static void reginfo_take(struct wmi_provider *provider, const unsigned char *buffer, ULONG size)
{
    const ULONG fixed = FIELD_OFFSET(WMIREGINFO, WmiRegGuid);

    while (size >= fixed) {
        const WMIREGINFO *info = (const WMIREGINFO *)(const void *)buffer;
        ULONG room = (size - fixed) / sizeof(WMIREGGUID);
        ULONG next = info->NextWmiRegInfo;

        blocks_take(provider, &info->WmiRegGuid[0],
                    info->GuidCount < room ? info->GuidCount : room);
        if (next < fixed || next > size || next % sizeof(ULONG_PTR) != 0)
            return;
        buffer += next;
        size -= next;
    }
}

/* One IRP_MN_REGINFO_EX; how large a buffer it should have had, 0 if it was large enough. */
static ULONG reginfo_ask(struct wmi_provider *provider, ULONG_PTR action, ULONG size)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_SYSTEM_CONTROL,
                                  .MinorFunction = IRP_MN_REGINFO_EX};
    unsigned char *buffer = io_allocate(size, IO_TAG_IO);
    ULONG_PTR information = 0;
    ULONG needed = 0;
    NTSTATUS status;

    if (buffer == NULL)
        return 0;
    location.Parameters.WMI.ProviderId = (ULONG_PTR)provider->device;
    location.Parameters.WMI.DataPath = (PVOID)action;
    location.Parameters.WMI.Buffer = buffer;
    location.Parameters.WMI.BufferSize = size;
    status = io_request_send(provider->device, &location, STATUS_NOT_SUPPORTED, &information);
    if (NT_SUCCESS(status))
        reginfo_take(provider, buffer, information < size ? (ULONG)information : size);
    else if (status == STATUS_BUFFER_TOO_SMALL && information == sizeof(ULONG))
        needed = *(const ULONG *)(const void *)buffer;
    io_free(buffer);
    return needed;
}

static VOID NTAPI provider_run(PVOID parameter)
{
    struct wmi_provider *provider = parameter;
    KIRQL irql;

    KeAcquireSpinLock(&provider_lock, &irql);
    while ((provider->due || provider->trace_due) && !provider->blocked) {
        ULONG_PTR action = provider->action;
        bool is_registration = provider->due;
        ULONG needed;

        provider->due = provider->trace_due = false;
        KeReleaseSpinLock(&provider_lock, irql);
        needed = is_registration ? reginfo_ask(provider, action, REGINFO_SIZE) : 0;
        if (needed > REGINFO_SIZE && needed <= REGINFO_SIZE_MAX)
            reginfo_ask(provider, action, needed);
        for (uint32_t i = 0; i < provider->traced_count; i++)
            traced_tell(provider->device, &provider->traced[i]);
        events_tell(provider);
        KeAcquireSpinLock(&provider_lock, &irql);
    }
    provider->busy = false;
    KeSetEvent(&provider->idle, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&provider_lock, irql);
}

/* Under the lock. */
static struct wmi_provider **provider_find(PDEVICE_OBJECT device)
{
    struct wmi_provider **link = &provider_list;

    while (*link != NULL && (*link)->device != device)
        link = &(*link)->next;
    return link;
}

static struct wmi_provider *provider_create(PDEVICE_OBJECT device)
{
    struct wmi_provider *provider = io_allocate(sizeof(*provider), IO_TAG_IO);

    if (provider == NULL)
        return NULL;
    provider->device = device;
    ob_reference(device);
    KeInitializeEvent(&provider->idle, NotificationEvent, TRUE);
    ExInitializeWorkItem(&provider->item, provider_run, provider);
    return provider;
}

static void provider_free(struct wmi_provider *provider)
{
    ob_dereference(provider->device);
    io_free(provider);
}

/* Under the lock. True: the caller queues the work item. */
static bool provider_wake(struct wmi_provider *provider)
{
    bool queue = !provider->busy;

    provider->busy = true;
    KeClearEvent(&provider->idle);
    return queue;
}

void io_wmi_trace_changed(void)
{
    KIRQL irql;

    KeAcquireSpinLock(&provider_lock, &irql);
    for (struct wmi_provider *at = provider_list; at != NULL; at = at->next) {
        if (at->blocked)
            continue;
        at->trace_due = true;
        if (provider_wake(at))
            ExQueueWorkItem(&at->item, DelayedWorkQueue);
    }
    KeReleaseSpinLock(&provider_lock, irql);
}

bool io_wmi_event_want(const GUID *guid, bool enable)
{
    uint32_t i = 0;
    KIRQL irql;

    KeAcquireSpinLock(&provider_lock, &irql);
    while (i < wanted_count && !IsEqualGUID(&wanted_events[i].guid, guid))
        i++;
    if (i == wanted_count && enable && wanted_count < EVENTS_MAX)
        wanted_events[wanted_count++].guid = *guid;
    if (i < wanted_count)
        wanted_events[i].is_on = enable;
    KeReleaseSpinLock(&provider_lock, irql);
    io_wmi_trace_changed();
    return i < EVENTS_MAX;
}

ULONG io_wmi_provider_id(PDEVICE_OBJECT device)
{
    ULONG id = 0;
    KIRQL irql;

    KeAcquireSpinLock(&provider_lock, &irql);
    if (*provider_find(device) != NULL)
        id = (*provider_find(device))->id;
    KeReleaseSpinLock(&provider_lock, irql);
    return id;
}

PDEVICE_OBJECT io_wmi_provider_device(ULONG id)
{
    const struct wmi_provider *provider;
    PDEVICE_OBJECT device = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&provider_lock, &irql);
    for (provider = provider_list; provider != NULL && provider->id != id;)
        provider = provider->next;
    if (provider != NULL && !provider->blocked) {
        device = provider->device;
        ob_reference(device);
    }
    KeReleaseSpinLock(&provider_lock, irql);
    return device;
}

/* Ask a provider that is there, or the new one. STATUS_INVALID_PARAMETER: there is none. */
static NTSTATUS provider_ask(PDEVICE_OBJECT device, struct wmi_provider *new, ULONG_PTR action)
{
    struct wmi_provider **link;
    struct wmi_provider *provider;
    bool queue = false;
    KIRQL irql;

    KeAcquireSpinLock(&provider_lock, &irql);
    link = provider_find(device);
    if (*link == NULL) {
        *link = new;
        if (new != NULL)
            new->id = ++last_id;
        new = NULL;
    }
    provider = *link;
    if (provider != NULL && !provider->blocked) {
        provider->action = action;
        provider->due = true;
        queue = provider_wake(provider);
    }
    KeReleaseSpinLock(&provider_lock, irql);
    if (new != NULL)
        provider_free(new);
    if (queue)
        ExQueueWorkItem(&provider->item, DelayedWorkQueue);
    return provider == NULL ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* No more requests, and none under way on return; with `remove` the provider is gone, too. */
static NTSTATUS provider_end(PDEVICE_OBJECT device, bool remove)
{
    struct wmi_provider **link;
    struct wmi_provider *provider;
    KIRQL irql;

    KeAcquireSpinLock(&provider_lock, &irql);
    link = provider_find(device);
    provider = *link;
    if (provider != NULL) {
        provider->blocked = true;
        if (remove)
            *link = provider->next;
    }
    KeReleaseSpinLock(&provider_lock, irql);
    if (provider == NULL)
        return STATUS_INVALID_PARAMETER;
    KeWaitForSingleObject(&provider->idle, Executive, KernelMode, FALSE, NULL);
    /* provider_run() may be inside KeSetEvent still, but not without the lock. */
    KeAcquireSpinLock(&provider_lock, &irql);
    KeReleaseSpinLock(&provider_lock, irql);
    if (remove)
        provider_free(provider);
    return STATUS_SUCCESS;
}

void io_wmi_delete(PDEVICE_OBJECT device)
{
    provider_end(device, true);
}

/* WDK surface */

/*
 * PASSIVE_LEVEL. STATUS_INVALID_PARAMETER: no device, an action that there is not, or one for a
 * device that is not registered. STATUS_INSUFFICIENT_RESOURCES. WDK "IoWMIRegistrationControl".
 */
NTSTATUS NTAPI IoWMIRegistrationControl(PDEVICE_OBJECT DeviceObject, ULONG Action)
{
    struct wmi_provider *provider;

    if (!io_device_is_device(DeviceObject))
        return STATUS_INVALID_PARAMETER;
    switch (Action) {
    case WMIREG_ACTION_REGISTER:
        provider = provider_create(DeviceObject);
        return provider == NULL ? STATUS_INSUFFICIENT_RESOURCES
                                : provider_ask(DeviceObject, provider, WMIREGISTER);
    case WMIREG_ACTION_REREGISTER:
        return provider_ask(DeviceObject, NULL, WMIREGISTER);
    case WMIREG_ACTION_UPDATE_GUIDS:
        return provider_ask(DeviceObject, NULL, WMIUPDATE);
    case WMIREG_ACTION_DEREGISTER:
        return provider_end(DeviceObject, true);
    case WMIREG_ACTION_BLOCK_IRPS:
        return provider_end(DeviceObject, false);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}
LDR_EXPORT(IoWMIRegistrationControl);
