/*
 * ex/trace.c - providers of event tracing: who is registered, what is wanted of each, the events
 * that they write.
 *
 * What is wanted comes from the console (ex_trace_enable). A provider is told of it by its callback
 * at PASSIVE_LEVEL, one at a time, under a mutex which registering takes, too: when EtwUnregister
 * returns its callback does not run. Events are written at any IRQL.
 *
 * Owns: providers and enablings. Owns not: where events go (ex/trace_session.c).
 */
#include "ex/trace.h"

#include <lib/export.h>
#include <lib/string.h>

#include "ke/lock.h"
#include "mm/pool.h"

#define PROVIDER_TAG MM_TAG("Etwr")

enum { DATA_DESCRIPTORS_MAX = 128, CONTROL_DISABLE = 0, CONTROL_ENABLE = 1 };

/* Legend: (c) constant, (l) providers lock, written under the control mutex. */
struct provider {
    LIST_ENTRY entry;                /* (l) */
    GUID id;                         /* (c) */
    PETWENABLECALLBACK callback;     /* (c) may be NULL */
    PVOID context;                   /* (c) */
    bool is_enabled;                 /* (l) */
    struct ex_trace_enabling wanted; /* (l) */
};

static LIST_ENTRY providers = {&providers, &providers};
static ke_lock_t providers_lock; /* interrupts off */
static KMUTEX control;
static struct ex_trace_enabling enablings[EX_TRACE_ENABLINGS_MAX]; /* under the mutex */
static uint32_t enabling_count;

void ex_trace_init(void)
{
    KeInitializeMutex(&control, 0);
}

static void control_acquire(void)
{
    KeWaitForSingleObject(&control, Executive, KernelMode, FALSE, NULL);
}

static void control_release(void)
{
    KeReleaseMutex(&control, FALSE);
}

/* A provider by its handle, under the lock; NULL: no such handle. */
static struct provider *provider_find(REGHANDLE handle)
{
    for (PLIST_ENTRY at = providers.Flink; at != &providers; at = at->Flink)
        if ((REGHANDLE)at == handle)
            return CONTAINING_RECORD(at, struct provider, entry);
    return NULL;
}

/* ---- What is wanted ------------------------------------------------------------------------- */

static bool enabling_is(const struct ex_trace_enabling *one, const struct ex_trace_enabling *other)
{
    return one->is_every == other->is_every && (one->is_every || IsEqualGUID(&one->id, &other->id));
}

/* The one that names the provider, or the one for every; NULL: it is not wanted. Mutex held. */
static const struct ex_trace_enabling *enabling_for(const GUID *id)
{
    const struct ex_trace_enabling *every = NULL;

    for (uint32_t i = 0; i < enabling_count; i++) {
        if (enablings[i].is_every)
            every = &enablings[i];
        else if (IsEqualGUID(&enablings[i].id, id))
            return &enablings[i];
    }
    return every;
}

static bool is_up_to_date(const struct provider *provider)
{
    const struct ex_trace_enabling *wanted = enabling_for(&provider->id);

    if (wanted == NULL || !provider->is_enabled)
        return provider->is_enabled == (wanted != NULL);
    return wanted->level == provider->wanted.level && wanted->any == provider->wanted.any &&
           wanted->all == provider->wanted.all;
}

/* The callback may end the provider. Mutex held. */
static void provider_tell(struct provider *provider)
{
    static const GUID source; /* nobody's: the system itself */
    const struct ex_trace_enabling *wanted = enabling_for(&provider->id);
    struct ex_trace_enabling told = {0};
    uint64_t flags;

    if (wanted != NULL)
        told = *wanted;
    flags = ke_lock_acquire_irqoff(&providers_lock);
    provider->is_enabled = wanted != NULL;
    provider->wanted = told;
    ke_lock_release_irqoff(&providers_lock, flags);
    if (provider->callback != NULL)
        provider->callback(&source, wanted != NULL ? CONTROL_ENABLE : CONTROL_DISABLE, told.level,
                           told.any, told.all, NULL, provider->context);
}

/* Tell each that has to know; from the start again, since a callback may change the list. */
static void providers_tell(void)
{
    PLIST_ENTRY at = providers.Flink;

    while (at != &providers) {
        struct provider *provider = CONTAINING_RECORD(at, struct provider, entry);

        if (is_up_to_date(provider)) {
            at = at->Flink;
        } else {
            provider_tell(provider);
            at = providers.Flink;
        }
    }
}

NTSTATUS ex_trace_enable(const struct ex_trace_enabling *enabling)
{
    NTSTATUS status;
    uint32_t i = 0;

    control_acquire();
    while (i < enabling_count && !enabling_is(&enablings[i], enabling))
        i++;
    status = i == EX_TRACE_ENABLINGS_MAX ? STATUS_INSUFFICIENT_RESOURCES : ex_trace_session_begin();
    if (NT_SUCCESS(status)) {
        enablings[i] = *enabling;
        if (i == enabling_count)
            enabling_count++;
        providers_tell();
    }
    control_release();
    return status;
}

bool ex_trace_disable(const struct ex_trace_enabling *enabling)
{
    uint32_t left = 0;
    bool found;

    control_acquire();
    for (uint32_t i = 0; i < enabling_count; i++)
        if (enabling != NULL && !enabling_is(&enablings[i], enabling))
            enablings[left++] = enablings[i];
    found = left != enabling_count;
    enabling_count = left;
    providers_tell();
    if (enabling_count == 0)
        ex_trace_session_end();
    control_release();
    return found;
}

bool ex_trace_wanted(const GUID *id, struct ex_trace_enabling *enabling)
{
    const struct ex_trace_enabling *wanted;

    control_acquire();
    wanted = enabling_for(id);
    if (wanted != NULL)
        *enabling = *wanted;
    control_release();
    return wanted != NULL;
}

/* ---- Events --------------------------------------------------------------------------------- */

static bool wants(const struct provider *provider, UCHAR level, ULONGLONG keyword)
{
    const struct ex_trace_enabling *wanted = &provider->wanted;

    if (!provider->is_enabled || (wanted->level != 0 && level > wanted->level))
        return false;
    return keyword == 0 || ((wanted->any == 0 || (keyword & wanted->any) != 0) &&
                            (keyword & wanted->all) == wanted->all);
}

static bool is_wanted(REGHANDLE handle, UCHAR level, ULONGLONG keyword)
{
    uint64_t flags = ke_lock_acquire_irqoff(&providers_lock);
    struct provider *provider = provider_find(handle);
    bool wanted = provider != NULL && wants(provider, level, keyword);

    ke_lock_release_irqoff(&providers_lock, flags);
    return wanted;
}

struct event_data {
    const EVENT_DATA_DESCRIPTOR *descriptors;
    uint32_t count;
};

static void data_copy(unsigned char *to, void *context)
{
    const struct event_data *data = context;

    for (uint32_t i = 0; i < data->count; i++) {
        memcpy(to, (const void *)(uintptr_t)data->descriptors[i].Ptr, data->descriptors[i].Size);
        to += data->descriptors[i].Size;
    }
}

static void record_note(struct ex_trace_record *record, LPCGUID activity, LPCGUID related)
{
    record->has_activity = activity != NULL;
    record->has_related = related != NULL;
    if (activity != NULL)
        record->activity = *activity;
    if (related != NULL)
        record->related = *related;
}

/* An event that cannot be kept: STATUS_NO_MEMORY with an activity, else STATUS_INVALID_HANDLE. */
static NTSTATUS event_write(REGHANDLE handle, struct ex_trace_record *record,
                            struct event_data *data)
{
    struct provider *provider;
    uint64_t size = 0;
    bool wanted;
    uint64_t flags;

    flags = ke_lock_acquire_irqoff(&providers_lock);
    provider = provider_find(handle);
    wanted =
        provider != NULL && wants(provider, record->descriptor.Level, record->descriptor.Keyword);
    if (provider != NULL)
        record->id = provider->id;
    ke_lock_release_irqoff(&providers_lock, flags);
    if (provider == NULL)
        return STATUS_INVALID_HANDLE;
    if (data->count > DATA_DESCRIPTORS_MAX)
        return STATUS_INVALID_PARAMETER;
    if (!wanted)
        return STATUS_SUCCESS;
    for (uint32_t i = 0; i < data->count; i++)
        size += data->descriptors[i].Size;
    record->data_size = size > EX_TRACE_DATA_MAX ? EX_TRACE_DATA_MAX + 1 : (uint32_t)size;
    if (ex_trace_put(record, data_copy, data))
        return STATUS_SUCCESS;
    return record->has_activity ? STATUS_NO_MEMORY : STATUS_INVALID_HANDLE;
}

/* WDK surface */

/* PASSIVE_LEVEL. STATUS_INVALID_PARAMETER, STATUS_NO_MEMORY. WDK: EtwRegister. */
NTSTATUS NTAPI EtwRegister(LPCGUID ProviderId, PETWENABLECALLBACK EnableCallback,
                           PVOID CallbackContext, PREGHANDLE RegHandle)
{
    struct provider *provider;
    uint64_t flags;

    if (ProviderId == NULL || RegHandle == NULL)
        return STATUS_INVALID_PARAMETER;
    provider = mm_pool_alloc(sizeof(*provider), PROVIDER_TAG);
    if (provider == NULL)
        return STATUS_NO_MEMORY;
    memset(provider, 0, sizeof(*provider));
    provider->id = *ProviderId;
    provider->callback = EnableCallback;
    provider->context = CallbackContext;
    control_acquire();
    flags = ke_lock_acquire_irqoff(&providers_lock);
    InsertTailList(&providers, &provider->entry);
    ke_lock_release_irqoff(&providers_lock, flags);
    *RegHandle = (REGHANDLE)&provider->entry;
    providers_tell();
    control_release();
    return STATUS_SUCCESS;
}
LDR_EXPORT(EtwRegister);

/* PASSIVE_LEVEL. STATUS_INVALID_HANDLE. WDK: EtwUnregister. */
NTSTATUS NTAPI EtwUnregister(REGHANDLE RegHandle)
{
    struct provider *provider;
    uint64_t flags;

    control_acquire();
    flags = ke_lock_acquire_irqoff(&providers_lock);
    provider = provider_find(RegHandle);
    if (provider != NULL)
        RemoveEntryList(&provider->entry);
    ke_lock_release_irqoff(&providers_lock, flags);
    control_release();
    if (provider == NULL)
        return STATUS_INVALID_HANDLE;
    mm_pool_free(provider, PROVIDER_TAG);
    return STATUS_SUCCESS;
}
LDR_EXPORT(EtwUnregister);

/* Any IRQL. WDK: EtwEventEnabled. */
BOOLEAN NTAPI EtwEventEnabled(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor)
{
    return is_wanted(RegHandle, EventDescriptor->Level, EventDescriptor->Keyword);
}
LDR_EXPORT(EtwEventEnabled);

/* Any IRQL. WDK: EtwProviderEnabled. */
BOOLEAN NTAPI EtwProviderEnabled(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword)
{
    return is_wanted(RegHandle, Level, Keyword);
}
LDR_EXPORT(EtwProviderEnabled);

/*
 * Any IRQL, the data resident. STATUS_INVALID_HANDLE: no such provider, or the event is lost;
 * STATUS_NO_MEMORY: an event with an activity is lost; STATUS_INVALID_PARAMETER: more than 128
 * pieces of data. WDK: EtwWrite.
 */
NTSTATUS NTAPI EtwWrite(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, LPCGUID ActivityId,
                        ULONG UserDataCount, PEVENT_DATA_DESCRIPTOR UserData)
{
    return EtwWriteTransfer(RegHandle, EventDescriptor, ActivityId, NULL, UserDataCount, UserData);
}
LDR_EXPORT(EtwWrite);

/* The same. WDK: EtwWriteTransfer. */
NTSTATUS NTAPI EtwWriteTransfer(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor,
                                LPCGUID ActivityId, LPCGUID RelatedActivityId, ULONG UserDataCount,
                                PEVENT_DATA_DESCRIPTOR UserData)
{
    struct ex_trace_record record = {.kind = EX_TRACE_EVENT, .descriptor = *EventDescriptor};
    struct event_data data = {UserData, UserDataCount};

    record_note(&record, ActivityId, RelatedActivityId);
    return event_write(RegHandle, &record, &data);
}
LDR_EXPORT(EtwWriteTransfer);

/* The same. WDK: EtwWriteString. */
NTSTATUS NTAPI EtwWriteString(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword,
                              LPCGUID ActivityId, PCWSTR String)
{
    struct ex_trace_record record = {.kind = EX_TRACE_STRING,
                                     .descriptor = {.Level = Level, .Keyword = Keyword}};
    EVENT_DATA_DESCRIPTOR text = {.Ptr = (uintptr_t)String};
    struct event_data data = {&text, 1};

    text.Size = (ULONG)((lib_wcslen(String) + 1) * sizeof(WCHAR));
    record_note(&record, ActivityId, NULL);
    return event_write(RegHandle, &record, &data);
}
LDR_EXPORT(EtwWriteString);
