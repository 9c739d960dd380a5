/*
 * cm/registry_filter.c - registry filters in the order of their altitudes.
 *
 * Before an operation they are called from the highest to the lowest, after it the other way round.
 * One that refuses the operation, or does it itself, ends that: nobody else is called, neither
 * before nor after (WDK: "Handling Notifications"). What a filter does to the registry goes to
 * those below it only. Filters without an altitude (CmRegisterCallback) are above all that have
 * one.
 *
 * An operation holds references to the filters that were there when it began; one that has been
 * withdrawn since is not called.
 *
 * Owns: the list, the calls. Owns not: the operations (cm/registry_zw.c, registry_value_zw.c),
 * what filters know of keys (cm/registry_filter_key.c).
 */
#include "cm/registry_filter.h"

#include <lib/export.h>
#include <lib/list.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/driver.h"
#include "ke/ob.h"
#include "cm/altitude.h"
#include "cm/registry_filter_key.h"

/* Legend: (c) constant, (l) under the lock. */
struct cm_filter {
    LIST_ENTRY entry; /* (l) */
    PEX_CALLBACK_FUNCTION function;
    PVOID context;           /* (c) */
    LARGE_INTEGER cookie;    /* (c) */
    UNICODE_STRING altitude; /* (c) empty: above all; its buffer follows */
    char driver[64];         /* (c) */
    uint32_t references;     /* (l) the list's, and one an operation */
    uint32_t busy;           /* (l) calls under way */
    bool leaving;            /* (l) */
    uint64_t calls;          /* (l) */
    KEVENT idle;             /* set when busy falls to 0 while leaving */
};

/* A call under way, on the stack of its thread. */
struct filter_frame {
    LIST_ENTRY entry; /* (l) the newest first */
    PKTHREAD thread;
    const struct cm_filter *filter;
};

static KSPIN_LOCK filter_lock;
static LIST_ENTRY filters = {&filters, &filters}; /* (l) the highest first */
static LIST_ENTRY frames = {&frames, &frames};    /* (l) */
static volatile uint32_t filter_count;            /* (l) */
static LONGLONG last_cookie;                      /* (l) */

static struct cm_filter *filter_of(PLIST_ENTRY entry)
{
    return CONTAINING_RECORD(entry, struct cm_filter, entry);
}

static KIRQL lock(void)
{
    KIRQL irql;

    KeAcquireSpinLock(&filter_lock, &irql);
    return irql;
}

static void unlock(KIRQL irql)
{
    KeReleaseSpinLock(&filter_lock, irql);
}

static void filter_release(struct cm_filter *filter)
{
    KIRQL irql = lock();
    bool last = --filter->references == 0;

    unlock(irql);
    if (last)
        io_free(filter);
}

/* ---- Calls ---------------------------------------------------------------------------------- */

/* The lock is held. The filter that this thread is in, NULL: none. */
static const struct cm_filter *filter_inside(void)
{
    for (PLIST_ENTRY entry = frames.Flink; entry != &frames; entry = entry->Flink) {
        const struct filter_frame *frame = CONTAINING_RECORD(entry, struct filter_frame, entry);

        if (frame->thread == KeGetCurrentThread())
            return frame->filter;
    }
    return NULL;
}

static NTSTATUS filter_call(struct cm_filter *filter, REG_NOTIFY_CLASS class, void *information)
{
    struct filter_frame frame = {.thread = KeGetCurrentThread(), .filter = filter};
    NTSTATUS status;
    KIRQL irql = lock();

    if (filter->leaving) {
        unlock(irql);
        return STATUS_SUCCESS;
    }
    filter->busy++;
    filter->calls++;
    InsertHeadList(&frames, &frame.entry);
    unlock(irql);
    status = filter->function(filter->context, (PVOID)(ULONG_PTR) class, information);
    irql = lock();
    RemoveEntryList(&frame.entry);
    if (--filter->busy == 0 && filter->leaving)
        KeSetEvent(&filter->idle, IO_NO_INCREMENT, FALSE);
    unlock(irql);
    return status;
}

/* Those that an operation of this thread goes to. */
static void call_collect(struct cm_filter_call *call)
{
    KIRQL irql = lock();
    const struct cm_filter *inside = filter_inside();

    for (PLIST_ENTRY entry = filters.Flink; entry != &filters; entry = entry->Flink) {
        struct cm_filter *filter = filter_of(entry);

        if (inside == NULL) {
            filter->references++;
            call->seen[call->count++].filter = filter;
        } else if (filter == inside) {
            inside = NULL; /* those below it */
        }
    }
    unlock(irql);
}

static void call_end(struct cm_filter_call *call)
{
    while (call->count != 0)
        filter_release(call->seen[--call->count].filter);
}

bool cm_filter_any(void)
{
    return filter_count != 0;
}

bool cm_filter_before(struct cm_filter_call *call, REG_NOTIFY_CLASS class, void *information,
                      PVOID *call_context, PVOID *object_context, NTSTATUS *status)
{
    const void *object = *(void **)information;

    call->information = information;
    call->call_context = call_context;
    call->object_context = object_context;
    call->count = 0;
    if (!cm_filter_any())
        return true;
    if (class == RegNtPreCreateKeyEx || class == RegNtPreOpenKeyEx)
        object = ((PREG_CREATE_KEY_INFORMATION_V1)information)->RootObject;
    call_collect(call);
    for (unsigned i = 0; i < call->count; i++) {
        *call_context = NULL;
        *object_context = cm_filter_context(&call->seen[i].filter->cookie, object);
        *status = filter_call(call->seen[i].filter, class, information);
        call->seen[i].call_context = *call_context;
        if (NT_SUCCESS(*status))
            continue;
        if (*status == STATUS_CALLBACK_BYPASS)
            *status = STATUS_SUCCESS;
        call_end(call);
        return false;
    }
    return true;
}

NTSTATUS cm_filter_after(struct cm_filter_call *call, REG_NOTIFY_CLASS class, void *object,
                         NTSTATUS status)
{
    REG_POST_OPERATION_INFORMATION post = {
        .Object = object, .PreInformation = call->information, .Status = status};

    for (unsigned i = call->count; i-- != 0;) {
        struct cm_filter *filter = call->seen[i].filter;

        *call->call_context = post.CallContext = call->seen[i].call_context;
        *call->object_context = post.ObjectContext = cm_filter_context(&filter->cookie, object);
        post.ReturnStatus = post.Status;
        if (filter_call(filter, class, &post) == STATUS_CALLBACK_BYPASS)
            post.Status = post.ReturnStatus;
    }
    call_end(call);
    return post.Status;
}

NTSTATUS cm_filter_close_handle(void *key, HANDLE handle)
{
    REG_KEY_HANDLE_CLOSE_INFORMATION info = {.Object = key};
    struct cm_filter_call call;
    NTSTATUS status;

    cm_filter_before(&call, RegNtPreKeyHandleClose, CM_FILTER(info), &status); /* none can refuse */
    return cm_filter_after(&call, RegNtPostKeyHandleClose, key, ob_handle_remove(handle));
}

/* ---- By cookie ------------------------------------------------------------------------------ */

/* The lock is held. */
static struct cm_filter *filter_find(LONGLONG cookie)
{
    for (PLIST_ENTRY entry = filters.Flink; entry != &filters; entry = entry->Flink)
        if (filter_of(entry)->cookie.QuadPart == cookie)
            return filter_of(entry);
    return NULL;
}

bool cm_filter_is_registered(const LARGE_INTEGER *cookie)
{
    KIRQL irql = lock();
    bool found = filter_find(cookie->QuadPart) != NULL;

    unlock(irql);
    return found;
}

void cm_filter_cleanup(const LARGE_INTEGER *cookie, void *key, PVOID context)
{
    REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION info = {.Object = key, .ObjectContext = context};
    struct cm_filter *filter;
    KIRQL irql = lock();

    filter = filter_find(cookie->QuadPart);
    if (filter != NULL)
        filter->references++;
    unlock(irql);
    if (filter == NULL)
        return;
    filter_call(filter, RegNtCallbackObjectContextCleanup, &info);
    filter_release(filter);
}

bool cm_filter_at(uint32_t index, struct cm_filter_info *info)
{
    KIRQL irql = lock();
    PLIST_ENTRY entry = filters.Flink;

    while (entry != &filters && index-- != 0)
        entry = entry->Flink;
    if (entry != &filters) {
        const struct cm_filter *filter = filter_of(entry);

        *info = (struct cm_filter_info){.calls = filter->calls};
        lib_utf8_cut(info->altitude, sizeof(info->altitude), filter->altitude.Buffer,
                     filter->altitude.Length / sizeof(WCHAR));
        lib_strlcpy(info->driver, filter->driver, sizeof(info->driver));
    }
    unlock(irql);
    return entry != &filters;
}

/* ---- Registration --------------------------------------------------------------------------- */

static struct altitude altitude_of(const UNICODE_STRING *text)
{
    return (struct altitude){text->Buffer, text->Length / sizeof(WCHAR)};
}

/* The lock is held. NULL: there is one of that altitude, or no room for another. */
static PLIST_ENTRY place_find(const struct cm_filter *filter)
{
    PLIST_ENTRY entry = filters.Flink;

    for (; entry != &filters; entry = entry->Flink) {
        const UNICODE_STRING *other = &filter_of(entry)->altitude;
        int order;

        if (other->Length == 0)
            continue; /* in the order of their coming */
        if (filter->altitude.Length == 0)
            break;
        order = altitude_compare(altitude_of(&filter->altitude), altitude_of(other));
        if (order == 0)
            return NULL;
        if (order > 0)
            break;
    }
    return entry;
}

static NTSTATUS filter_add(struct cm_filter *filter, PLARGE_INTEGER cookie)
{
    NTSTATUS status = STATUS_SUCCESS;
    KIRQL irql = lock();
    PLIST_ENTRY place = place_find(filter);

    if (place == NULL) {
        status = STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
    } else if (filter_count == CM_FILTERS_MAX_REGISTERED) {
        status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        filter->cookie.QuadPart = ++last_cookie;
        *cookie = filter->cookie; /* it may be called before we return */
        InsertTailList(place, &filter->entry);
        filter_count++;
    }
    unlock(irql);
    return status;
}

static NTSTATUS filter_register(PEX_CALLBACK_FUNCTION function, PCUNICODE_STRING altitude,
                                PDRIVER_OBJECT driver, PVOID context, PLARGE_INTEGER cookie)
{
    USHORT length = altitude != NULL ? altitude->Length : 0;
    struct cm_filter *filter = io_allocate(sizeof(*filter) + length, IO_TAG_REGISTRY);
    NTSTATUS status;

    if (filter == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    filter->function = function;
    filter->context = context;
    filter->references = 1;
    KeInitializeEvent(&filter->idle, NotificationEvent, FALSE);
    filter->altitude.Buffer = (PWSTR)(void *)(filter + 1);
    filter->altitude.Length = filter->altitude.MaximumLength = length;
    if (length != 0)
        memcpy(filter->altitude.Buffer, altitude->Buffer, length);
    if (driver != NULL)
        lib_strlcpy(filter->driver, io_driver_of(driver)->name, sizeof(filter->driver));
    status = filter_add(filter, cookie);
    if (!NT_SUCCESS(status))
        io_free(filter);
    return status;
}

/* WDK surface */

/*
 * IRQL <= APC_LEVEL. STATUS_FLT_INSTANCE_ALTITUDE_COLLISION: there is a filter of that altitude.
 * STATUS_INSUFFICIENT_RESOURCES: no memory, or 16 filters. STATUS_INVALID_PARAMETER, about which
 * the page is silent: the altitude is no number. WDK "CmRegisterCallbackEx".
 */
NTSTATUS NTAPI CmRegisterCallbackEx(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude,
                                    PVOID Driver, PVOID Context, PLARGE_INTEGER Cookie,
                                    PVOID Reserved)
{
    UNREFERENCED_PARAMETER(Reserved);
    if (!altitude_is_valid(altitude_of(Altitude)))
        return STATUS_INVALID_PARAMETER;
    return filter_register(Function, Altitude, Driver, Context, Cookie);
}
LDR_EXPORT(CmRegisterCallbackEx);

/* IRQL <= APC_LEVEL. STATUS_INSUFFICIENT_RESOURCES. WDK "CmRegisterCallback". */
NTSTATUS NTAPI CmRegisterCallback(PEX_CALLBACK_FUNCTION Function, PVOID Context,
                                  PLARGE_INTEGER Cookie)
{
    return filter_register(Function, NULL, NULL, Context, Cookie);
}
LDR_EXPORT(CmRegisterCallback);

/*
 * IRQL <= APC_LEVEL. The contexts that it has given keys are cleaned up, then no call of it is
 * under way, but for one that this is called from. STATUS_INVALID_PARAMETER: no such cookie. WDK
 * "CmUnRegisterCallback".
 */
NTSTATUS NTAPI CmUnRegisterCallback(LARGE_INTEGER Cookie)
{
    struct cm_filter *filter;
    bool wait;
    KIRQL irql;

    if (!cm_filter_is_registered(&Cookie))
        return STATUS_INVALID_PARAMETER;
    cm_filter_contexts_end(&Cookie);
    irql = lock();
    filter = filter_find(Cookie.QuadPart);
    wait = filter != NULL && filter->busy != 0 && filter_inside() != filter;
    if (filter != NULL) {
        filter->leaving = true;
        RemoveEntryList(&filter->entry);
        filter_count--;
    }
    unlock(irql);
    if (filter == NULL)
        return STATUS_INVALID_PARAMETER;
    if (wait)
        KeWaitForSingleObject(&filter->idle, Executive, KernelMode, FALSE, NULL);
    filter_release(filter);
    return STATUS_SUCCESS;
}
LDR_EXPORT(CmUnRegisterCallback);

/* IRQL <= APC_LEVEL. 1.1, as since Windows 7. WDK "CmGetCallbackVersion". */
VOID NTAPI CmGetCallbackVersion(PULONG Major, PULONG Minor)
{
    if (Major != NULL)
        *Major = 1;
    if (Minor != NULL)
        *Minor = 1;
}
LDR_EXPORT(CmGetCallbackVersion);
