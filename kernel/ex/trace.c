/*
 * ex/trace.c - providers of event tracing. There is no controller and no session here: providers
 * are registered and never enabled, and an event is written to nobody, which on Windows succeeds
 * too. A message of WPP needs the handle of a session, and there is none that is valid.
 */
#include <lib/export.h>
#include <nt/wdm.h>

#include "ke/lock.h"
#include "mm/pool.h"

#define PROVIDER_TAG MM_TAG("Etwr")

struct provider {
    LIST_ENTRY entry;
};

static LIST_ENTRY providers = {&providers, &providers};
static KSPIN_LOCK providers_lock;

/* Find a provider by its handle; remove: also take it out. NULL: no such handle. */
static struct provider *provider_find(REGHANDLE handle, bool remove)
{
    struct provider *found = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&providers_lock, &irql);
    for (PLIST_ENTRY at = providers.Flink; at != &providers && found == NULL; at = at->Flink) {
        if ((REGHANDLE)at == handle)
            found = CONTAINING_RECORD(at, struct provider, entry);
    }
    if (found != NULL && remove)
        RemoveEntryList(&found->entry);
    KeReleaseSpinLock(&providers_lock, irql);
    return found;
}

static NTSTATUS event_write(REGHANDLE handle)
{
    return provider_find(handle, false) == NULL ? STATUS_INVALID_HANDLE : STATUS_SUCCESS;
}

/* WDK surface */

/* The callback tells of sessions that begin and end: there are none. IRQL = PASSIVE_LEVEL. */
NTSTATUS NTAPI EtwRegister(LPCGUID ProviderId, PETWENABLECALLBACK EnableCallback,
                           PVOID CallbackContext, PREGHANDLE RegHandle)
{
    struct provider *provider;
    KIRQL irql;

    UNREFERENCED_PARAMETER(EnableCallback);
    UNREFERENCED_PARAMETER(CallbackContext);
    if (ProviderId == NULL || RegHandle == NULL)
        return STATUS_INVALID_PARAMETER;
    provider = mm_pool_alloc(sizeof(*provider), PROVIDER_TAG);
    if (provider == NULL)
        return STATUS_NO_MEMORY;
    KeAcquireSpinLock(&providers_lock, &irql);
    InsertTailList(&providers, &provider->entry);
    KeReleaseSpinLock(&providers_lock, irql);
    *RegHandle = (REGHANDLE)&provider->entry;
    return STATUS_SUCCESS;
}
LDR_EXPORT(EtwRegister);

NTSTATUS NTAPI EtwUnregister(REGHANDLE RegHandle)
{
    struct provider *provider = provider_find(RegHandle, true);

    if (provider == NULL)
        return STATUS_INVALID_HANDLE;
    mm_pool_free(provider, PROVIDER_TAG);
    return STATUS_SUCCESS;
}
LDR_EXPORT(EtwUnregister);

BOOLEAN NTAPI EtwEventEnabled(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor)
{
    UNREFERENCED_PARAMETER(RegHandle);
    UNREFERENCED_PARAMETER(EventDescriptor);
    return FALSE;
}
LDR_EXPORT(EtwEventEnabled);

BOOLEAN NTAPI EtwProviderEnabled(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword)
{
    UNREFERENCED_PARAMETER(RegHandle);
    UNREFERENCED_PARAMETER(Level);
    UNREFERENCED_PARAMETER(Keyword);
    return FALSE;
}
LDR_EXPORT(EtwProviderEnabled);

NTSTATUS NTAPI EtwWrite(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, LPCGUID ActivityId,
                        ULONG UserDataCount, PEVENT_DATA_DESCRIPTOR UserData)
{
    UNREFERENCED_PARAMETER(EventDescriptor);
    UNREFERENCED_PARAMETER(ActivityId);
    UNREFERENCED_PARAMETER(UserDataCount);
    UNREFERENCED_PARAMETER(UserData);
    return event_write(RegHandle);
}
LDR_EXPORT(EtwWrite);

NTSTATUS NTAPI EtwWriteTransfer(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor,
                                LPCGUID ActivityId, LPCGUID RelatedActivityId, ULONG UserDataCount,
                                PEVENT_DATA_DESCRIPTOR UserData)
{
    UNREFERENCED_PARAMETER(EventDescriptor);
    UNREFERENCED_PARAMETER(ActivityId);
    UNREFERENCED_PARAMETER(RelatedActivityId);
    UNREFERENCED_PARAMETER(UserDataCount);
    UNREFERENCED_PARAMETER(UserData);
    return event_write(RegHandle);
}
LDR_EXPORT(EtwWriteTransfer);

NTSTATUS NTAPI EtwWriteString(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword,
                              LPCGUID ActivityId, PCWSTR String)
{
    UNREFERENCED_PARAMETER(Level);
    UNREFERENCED_PARAMETER(Keyword);
    UNREFERENCED_PARAMETER(ActivityId);
    UNREFERENCED_PARAMETER(String);
    return event_write(RegHandle);
}
LDR_EXPORT(EtwWriteString);

/* Any IRQL. WDK: WmiTraceMessage */
NTSTATUS __cdecl WmiTraceMessage(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPGUID MessageGuid,
                                 USHORT MessageNumber, ...)
{
    UNREFERENCED_PARAMETER(LoggerHandle);
    UNREFERENCED_PARAMETER(MessageFlags);
    UNREFERENCED_PARAMETER(MessageGuid);
    UNREFERENCED_PARAMETER(MessageNumber);
    return STATUS_INVALID_HANDLE;
}
LDR_EXPORT(WmiTraceMessage);

/* Any IRQL. WDK: WmiTraceMessageVa */
NTSTATUS NTAPI WmiTraceMessageVa(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPGUID MessageGuid,
                                 USHORT MessageNumber, va_list MessageArgList)
{
    UNREFERENCED_PARAMETER(MessageArgList);
    return WmiTraceMessage(LoggerHandle, MessageFlags, MessageGuid, MessageNumber, NULL);
}
LDR_EXPORT(WmiTraceMessageVa);
