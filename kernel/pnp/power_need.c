/*
 * pnp/power_need.c - who needs the system to go on working.
 *
 * A power request (PoCreatePowerRequest) counts how often it is set; a busy state
 * (PoRegisterSystemState) holds until it is changed; PoSetSystemState says that there was activity
 * just now. All keep the system from going to sleep for want of activity, which this kernel never
 * does: what they hold is told at the console (`power`), and nothing has to be held back.
 *
 * Owns: this list. Owns not: idle devices (pnp/idle.c), which sleep all the same.
 */
#include "pnp/power_need.h"

#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/driver.h"
#include "ke/ob.h"

/* Legend: (c) constant, (l) under the lock. */
struct power_need {
    LIST_ENTRY entry;      /* (l) */
    PDEVICE_OBJECT device; /* (c) of a request: referenced; NULL: a busy state */
    ULONG count;           /* (l) of a request */
    EXECUTION_STATE flags; /* (l) */
    char reason[96];       /* (c) */
};

static KSPIN_LOCK list_lock;
static LIST_ENTRY list = {&list, &list}; /* (l) */
static volatile LONG activity_count;

static struct power_need *need_create(PDEVICE_OBJECT device)
{
    struct power_need *need = io_allocate(sizeof(*need), IO_TAG_PNP);
    KIRQL irql;

    if (need == NULL)
        return NULL;
    need->device = device;
    KeAcquireSpinLock(&list_lock, &irql);
    InsertTailList(&list, &need->entry);
    KeReleaseSpinLock(&list_lock, irql);
    return need;
}

static void need_delete(struct power_need *need)
{
    KIRQL irql;

    KeAcquireSpinLock(&list_lock, &irql);
    RemoveEntryList(&need->entry);
    KeReleaseSpinLock(&list_lock, irql);
    if (need->device != NULL)
        ob_dereference(need->device);
    io_free(need);
}

/* The simple string, or the first of the detailed ones. */
static void reason_copy(const COUNTED_REASON_CONTEXT *context, char *text, size_t size)
{
    const UNICODE_STRING *string = NULL;

    if (context == NULL || context->Version != POWER_REQUEST_CONTEXT_VERSION)
        return;
    if (context->Flags == POWER_REQUEST_CONTEXT_SIMPLE_STRING)
        string = &context->SimpleString;
    else if (context->Flags == POWER_REQUEST_CONTEXT_DETAILED_STRING && context->StringCount != 0)
        string = context->ReasonStrings;
    if (string != NULL && string->Buffer != NULL)
        lib_utf8_cut(text, size, string->Buffer, string->Length / sizeof(WCHAR));
}

bool pnp_power_need_at(uint32_t index, struct pnp_power_need_info *info)
{
    PLIST_ENTRY entry;
    bool found;
    KIRQL irql;

    *info = (struct pnp_power_need_info){.count = 0};
    KeAcquireSpinLock(&list_lock, &irql);
    for (entry = list.Flink; entry != &list && index != 0; entry = entry->Flink)
        index--;
    found = entry != &list;
    if (!found && index == 0) { /* behind the last */
        lib_strlcpy(info->what, "activity", sizeof(info->what));
        info->count = (uint32_t)activity_count;
    } else if (found) {
        const struct power_need *need = CONTAINING_RECORD(entry, struct power_need, entry);

        lib_strlcpy(info->what, need->device != NULL ? "request" : "busy state",
                    sizeof(info->what));
        if (need->device != NULL)
            lib_strlcpy(info->driver, io_driver_of(need->device->DriverObject)->name,
                        sizeof(info->driver));
        lib_strlcpy(info->reason, need->reason, sizeof(info->reason));
        info->count = need->count;
        info->flags = need->flags;
    }
    KeReleaseSpinLock(&list_lock, irql);
    return found || index == 0;
}

/* One more, or less. STATUS_NOT_SUPPORTED: no type for drivers. */
static NTSTATUS request_count(struct power_need *request, POWER_REQUEST_TYPE type, bool set)
{
    NTSTATUS status = STATUS_SUCCESS;
    KIRQL irql;

    if (type != PowerRequestSystemRequired)
        return STATUS_NOT_SUPPORTED;
    KeAcquireSpinLock(&list_lock, &irql);
    if (set)
        request->count++;
    else if (request->count != 0)
        request->count--;
    else
        status = STATUS_INVALID_PARAMETER;
    request->flags = request->count != 0 ? ES_SYSTEM_REQUIRED : 0;
    KeReleaseSpinLock(&list_lock, irql);
    return status;
}

/* WDK surface */

/*
 * IRQL <= APC_LEVEL. STATUS_INVALID_PARAMETER: no device object. STATUS_INSUFFICIENT_RESOURCES.
 * *PowerRequest is NULL after either. WDK "PoCreatePowerRequest".
 */
NTSTATUS NTAPI PoCreatePowerRequest(PVOID *PowerRequest, PDEVICE_OBJECT DeviceObject,
                                    PCOUNTED_REASON_CONTEXT Context)
{
    struct power_need *request;

    *PowerRequest = NULL;
    if (DeviceObject == NULL)
        return STATUS_INVALID_PARAMETER;
    request = need_create(DeviceObject);
    if (request == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    ob_reference(DeviceObject);
    reason_copy(Context, request->reason, sizeof(request->reason));
    *PowerRequest = request;
    return STATUS_SUCCESS;
}
LDR_EXPORT(PoCreatePowerRequest);

/* IRQL <= DISPATCH_LEVEL. STATUS_NOT_SUPPORTED: another type than PowerRequestSystemRequired. */
NTSTATUS NTAPI PoSetPowerRequest(PVOID PowerRequest, POWER_REQUEST_TYPE Type)
{
    return request_count(PowerRequest, Type, true);
}
LDR_EXPORT(PoSetPowerRequest);

/*
 * IRQL <= DISPATCH_LEVEL. STATUS_NOT_SUPPORTED as above. STATUS_INVALID_PARAMETER, which the page
 * does not have: it was not set.
 */
NTSTATUS NTAPI PoClearPowerRequest(PVOID PowerRequest, POWER_REQUEST_TYPE Type)
{
    return request_count(PowerRequest, Type, false);
}
LDR_EXPORT(PoClearPowerRequest);

/* IRQL <= APC_LEVEL. What it is set to ends with it. WDK "PoDeletePowerRequest". */
VOID NTAPI PoDeletePowerRequest(PVOID PowerRequest)
{
    need_delete(PowerRequest);
}
LDR_EXPORT(PoDeletePowerRequest);

/* IRQL <= DISPATCH_LEVEL. WDK "PoSetSystemState". */
VOID NTAPI PoSetSystemState(EXECUTION_STATE Flags)
{
    if (Flags != 0)
        InterlockedIncrement(&activity_count);
}
LDR_EXPORT(PoSetSystemState);

/*
 * IRQL <= APC_LEVEL. StateHandle NULL: a new registration; else that one is changed. Without
 * ES_CONTINUOUS the flags say what happens now, and nothing holds. NULL: no memory. WDK
 * "PoRegisterSystemState".
 */
PVOID NTAPI PoRegisterSystemState(PVOID StateHandle, EXECUTION_STATE Flags)
{
    struct power_need *state = StateHandle != NULL ? StateHandle : need_create(NULL);

    if (state == NULL)
        return NULL;
    PoSetSystemState(Flags);
    state->flags = (Flags & ES_CONTINUOUS) != 0 ? Flags & ~ES_CONTINUOUS : 0;
    return state;
}
LDR_EXPORT(PoRegisterSystemState);

/* IRQL <= APC_LEVEL. WDK "PoUnregisterSystemState". */
VOID NTAPI PoUnregisterSystemState(PVOID StateHandle)
{
    need_delete(StateHandle);
}
LDR_EXPORT(PoUnregisterSystemState);
