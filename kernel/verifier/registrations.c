/*
 * verifier/registrations.c - routines that a driver has others call, and must take back before it
 * is gone: callbacks, notifications, timers, trace and WMI providers (DV-5, 0xC4/0xDB and 0xDD).
 *
 * A call into a driver that is gone is bug check 0xCE on Windows, once it comes; here it is that at
 * unload, where no other code is documented.
 */
#include "verifier/internal.h"

#include <lib/bits.h>
#include <lib/string.h>
#include <nt/bugcodes.h>
#include <nt/ntddk.h>
#include <nt/wdm/trace.h>

#define CALLER ((uint64_t)__builtin_return_address(0))

enum { UNDELETED_TIMER = 0 /* of 0xC7 */, DEVICE_WITH_WMI = 0xDB, TRACE_PROVIDER_LEFT = 0xDD };

#define LEFT DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS

static const struct verifier_live_kind
    callback_kind = {.name = "callback registered", .left = LEFT},
    process_kind = {.name = "process notify routine set", .left = LEFT},
    thread_kind = {.name = "thread notify routine set", .left = LEFT},
    image_kind = {.name = "image notify routine set", .left = LEFT},
    bugcheck_kind = {.name = "bug check callback registered", .left = LEFT},
    processor_kind = {.name = "processor change callback registered", .left = LEFT},
    notification_kind = {.name = "PnP notification registered", .left = LEFT},
    timer_kind = {.name = "timer of ExAllocateTimer not deleted", .left = TIMER_OR_DPC_INVALID},
    setting_kind = {.name = "power setting callback registered", .left = LEFT},
    fx_kind = {.name = "device registered with the power framework", .left = LEFT},
    filter_kind = {.name = "registry filter registered", .left = LEFT},
    trace_kind = {.name = "trace provider registered", .left = DRIVER_VERIFIER_DETECTED_VIOLATION},
    wmi_kind = {.name = "WMI provider"};

static void add(const struct verifier_live_kind *kind, const void *object, uint64_t caller,
                uint64_t routine)
{
    if (object)
        verifier_live_add(kind, (uint64_t)object, caller, routine);
}

/* Routines that take back what their first argument names. */
static const struct {
    const char *name;
    const struct verifier_live_kind *kind;
} removers[] = {
    {"ExUnregisterCallback", &callback_kind},
    {"KeDeregisterProcessorChangeCallback", &processor_kind},
    {"KeDeregisterBugCheckCallback", &bugcheck_kind},
    {"KeDeregisterBugCheckReasonCallback", &bugcheck_kind},
    {"IoUnregisterPlugPlayNotification", &notification_kind},
    {"IoUnregisterPlugPlayNotificationEx", &notification_kind},
    {"ExDeleteTimer", &timer_kind},
    {"EtwUnregister", &trace_kind},
    {"PoUnregisterPowerSettingCallback", &setting_kind},
    {"PoFxUnregisterDevice", &fx_kind},
    {"CmUnRegisterCallback", &filter_kind}, /* by its cookie */
    {"PsRemoveCreateThreadNotifyRoutine", &thread_kind},
    {"PsRemoveLoadImageNotifyRoutine", &image_kind},
};

static void check_remove(const char *routine, const uint64_t *frame)
{
    for (size_t i = 0; i < ARRAY_COUNT(removers); i++)
        if (strcmp(removers[i].name, routine) == 0)
            verifier_live_remove(removers[i].kind, frame[1], frame[CALL_RETURN]);
}

/* Only with Wait FALSE may it be called at DISPATCH_LEVEL (WDK: ExDeleteTimer). */
static void check_delete_timer(const char *routine, const uint64_t *frame)
{
    enum { WRONG_IRQL = 0xE5 };
    irql_t irql = hal_irql_read();
    const struct verifier_finding finding = {.parameters = {WRONG_IRQL, irql}, .rule = "IRQL"};

    if ((uint8_t)frame[3] && irql > APC_LEVEL)
        verifier_stop(&finding, frame[CALL_RETURN], "calls %s with Wait TRUE at IRQL %u", routine,
                      irql);
    check_remove(routine, frame);
}

/* ---- routines that are known by a handle or record ------------------------------------------- */

static PVOID NTAPI register_callback(PCALLBACK_OBJECT CallbackObject,
                                     PCALLBACK_FUNCTION CallbackFunction, PVOID CallbackContext)
{
    PVOID handle = ExRegisterCallback(CallbackObject, CallbackFunction, CallbackContext);

    add(&callback_kind, handle, CALLER, (uint64_t)CallbackFunction);
    return handle;
}

static PVOID NTAPI register_processor(PPROCESSOR_CALLBACK_FUNCTION CallbackFunction,
                                      PVOID CallbackContext, ULONG Flags)
{
    PVOID handle = KeRegisterProcessorChangeCallback(CallbackFunction, CallbackContext, Flags);

    add(&processor_kind, handle, CALLER, (uint64_t)CallbackFunction);
    return handle;
}

static BOOLEAN NTAPI register_bugcheck(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                       PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer,
                                       ULONG Length, PUCHAR Component)
{
    BOOLEAN done =
        KeRegisterBugCheckCallback(CallbackRecord, CallbackRoutine, Buffer, Length, Component);

    add(&bugcheck_kind, done ? CallbackRecord : NULL, CALLER, (uint64_t)CallbackRoutine);
    return done;
}

static BOOLEAN NTAPI register_reason(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                     PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine,
                                     KBUGCHECK_CALLBACK_REASON Reason, PUCHAR Component)
{
    BOOLEAN done =
        KeRegisterBugCheckReasonCallback(CallbackRecord, CallbackRoutine, Reason, Component);

    add(&bugcheck_kind, done ? CallbackRecord : NULL, CALLER, (uint64_t)CallbackRoutine);
    return done;
}

static NTSTATUS NTAPI register_notification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                            ULONG EventCategoryFlags, PVOID EventCategoryData,
                                            PDRIVER_OBJECT DriverObject,
                                            PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                            PVOID Context, PVOID *NotificationEntry)
{
    NTSTATUS status =
        IoRegisterPlugPlayNotification(EventCategory, EventCategoryFlags, EventCategoryData,
                                       DriverObject, CallbackRoutine, Context, NotificationEntry);

    add(&notification_kind, NT_SUCCESS(status) ? *NotificationEntry : NULL, CALLER,
        (uint64_t)CallbackRoutine);
    return status;
}

static PEX_TIMER NTAPI allocate_timer(PEXT_CALLBACK Callback, PVOID CallbackContext,
                                      ULONG Attributes)
{
    PEX_TIMER timer = ExAllocateTimer(Callback, CallbackContext, Attributes);

    add(&timer_kind, timer, CALLER, (uint64_t)Callback);
    return timer;
}

static NTSTATUS NTAPI register_trace(LPCGUID ProviderId, PETWENABLECALLBACK EnableCallback,
                                     PVOID CallbackContext, PREGHANDLE RegHandle)
{
    NTSTATUS status = EtwRegister(ProviderId, EnableCallback, CallbackContext, RegHandle);

    add(&trace_kind, NT_SUCCESS(status) ? (const void *)*RegHandle : NULL, CALLER,
        (uint64_t)EnableCallback);
    return status;
}

static NTSTATUS NTAPI register_setting(PDEVICE_OBJECT DeviceObject, LPCGUID SettingGuid,
                                       PPOWER_SETTING_CALLBACK Callback, PVOID Context,
                                       PVOID *Handle)
{
    PVOID handle = NULL;
    NTSTATUS status =
        PoRegisterPowerSettingCallback(DeviceObject, SettingGuid, Callback, Context, &handle);

    if (Handle != NULL && NT_SUCCESS(status))
        *Handle = handle;
    add(&setting_kind, handle, CALLER, (uint64_t)Callback);
    return status;
}

static NTSTATUS NTAPI register_fx(PDEVICE_OBJECT Pdo, PPO_FX_DEVICE Device, POHANDLE *Handle)
{
    NTSTATUS status = PoFxRegisterDevice(Pdo, Device, Handle);

    add(&fx_kind, NT_SUCCESS(status) ? *Handle : NULL, CALLER, CALLER);
    return status;
}

static NTSTATUS NTAPI register_filter(PEX_CALLBACK_FUNCTION Function, PVOID Context,
                                      PLARGE_INTEGER Cookie)
{
    NTSTATUS status = CmRegisterCallback(Function, Context, Cookie);

    add(&filter_kind, NT_SUCCESS(status) ? (const void *)Cookie->QuadPart : NULL, CALLER,
        (uint64_t)Function);
    return status;
}

static NTSTATUS NTAPI register_filter_ex(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude,
                                         PVOID Driver, PVOID Context, PLARGE_INTEGER Cookie,
                                         PVOID Reserved)
{
    NTSTATUS status = CmRegisterCallbackEx(Function, Altitude, Driver, Context, Cookie, Reserved);

    add(&filter_kind, NT_SUCCESS(status) ? (const void *)Cookie->QuadPart : NULL, CALLER,
        (uint64_t)Function);
    return status;
}

/* ---- routines that are known by their address ------------------------------------------------ */

static NTSTATUS NTAPI set_process(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine, BOOLEAN Remove)
{
    NTSTATUS status = PsSetCreateProcessNotifyRoutine(NotifyRoutine, Remove);

    if (NT_SUCCESS(status) && Remove)
        verifier_live_remove(&process_kind, (uint64_t)NotifyRoutine, CALLER);
    else if (NT_SUCCESS(status))
        add(&process_kind, (const void *)NotifyRoutine, CALLER, (uint64_t)NotifyRoutine);
    return status;
}

static NTSTATUS NTAPI set_thread(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    NTSTATUS status = PsSetCreateThreadNotifyRoutine(NotifyRoutine);

    if (NT_SUCCESS(status))
        add(&thread_kind, (const void *)NotifyRoutine, CALLER, (uint64_t)NotifyRoutine);
    return status;
}

static NTSTATUS NTAPI set_image(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    NTSTATUS status = PsSetLoadImageNotifyRoutine(NotifyRoutine);

    if (NT_SUCCESS(status))
        add(&image_kind, (const void *)NotifyRoutine, CALLER, (uint64_t)NotifyRoutine);
    return status;
}

/* ---- WMI: a device's, gone with it ----------------------------------------------------------- */

static NTSTATUS NTAPI control_wmi(PDEVICE_OBJECT DeviceObject, ULONG Action)
{
    NTSTATUS status = IoWMIRegistrationControl(DeviceObject, Action);

    if (NT_SUCCESS(status) && Action == WMIREG_ACTION_REGISTER)
        add(&wmi_kind, DeviceObject, CALLER, 0);
    if (NT_SUCCESS(status) && Action == WMIREG_ACTION_DEREGISTER)
        verifier_live_remove(&wmi_kind, (uint64_t)DeviceObject, CALLER);
    return status;
}

void verifier_wmi_device_deleted(PDEVICE_OBJECT device, uint64_t caller)
{
    const struct verifier_finding finding = {.parameters = {DEVICE_WITH_WMI, (uint64_t)device},
                                             .rule = "WMI"};

    if (verifier_live_is_known(&wmi_kind, (uint64_t)device))
        verifier_stop(&finding, caller, "deletes the device %p, which is registered with WMI",
                      (void *)device);
}

/* ---- unload ---------------------------------------------------------------------------------- */

void verifier_registrations_unloading(uint64_t base, uint64_t size)
{
    struct verifier_live found;
    struct verifier_finding finding = {.rule = "unload"};

    if (!verifier_live_of_driver(base, size, &found))
        return;
    finding.bugcheck = found.kind->left;
    if (found.kind == &timer_kind) {
        finding.parameters[0] = UNDELETED_TIMER;
        finding.parameters[1] = found.object;
        finding.parameters[2] = base;
        finding.parameters[3] = base + size;
    } else if (found.kind == &trace_kind) {
        finding.parameters[0] = TRACE_PROVIDER_LEFT;
        finding.parameters[1] = found.caller;
        finding.parameters[2] = base;
        finding.parameters[3] = found.object;
    } else {
        finding.parameters[0] = finding.parameters[2] = found.routine;
    }
    verifier_stop(&finding, found.caller, "was unloaded with a %s here", found.kind->name);
}

const struct verifier_special verifier_registration_specials[] = {
    {"ExRegisterCallback", NULL, register_callback},
    {"ExUnregisterCallback", check_remove, NULL},
    {"KeRegisterProcessorChangeCallback", NULL, register_processor},
    {"KeDeregisterProcessorChangeCallback", check_remove, NULL},
    {"KeRegisterBugCheckCallback", NULL, register_bugcheck},
    {"KeDeregisterBugCheckCallback", check_remove, NULL},
    {"KeRegisterBugCheckReasonCallback", NULL, register_reason},
    {"KeDeregisterBugCheckReasonCallback", check_remove, NULL},
    {"IoRegisterPlugPlayNotification", NULL, register_notification},
    {"IoUnregisterPlugPlayNotification", check_remove, NULL},
    {"IoUnregisterPlugPlayNotificationEx", check_remove, NULL},
    {"ExAllocateTimer", NULL, allocate_timer},
    {"ExDeleteTimer", check_delete_timer, NULL},
    {"EtwRegister", NULL, register_trace},
    {"EtwUnregister", check_remove, NULL},
    {"PoRegisterPowerSettingCallback", NULL, register_setting},
    {"PoUnregisterPowerSettingCallback", check_remove, NULL},
    {"PoFxRegisterDevice", NULL, register_fx},
    {"PoFxUnregisterDevice", check_remove, NULL},
    {"CmRegisterCallback", NULL, register_filter},
    {"CmRegisterCallbackEx", NULL, register_filter_ex},
    {"CmUnRegisterCallback", check_remove, NULL},
    {"PsSetCreateProcessNotifyRoutine", NULL, set_process},
    {"PsSetCreateThreadNotifyRoutine", NULL, set_thread},
    {"PsRemoveCreateThreadNotifyRoutine", check_remove, NULL},
    {"PsSetLoadImageNotifyRoutine", NULL, set_image},
    {"PsRemoveLoadImageNotifyRoutine", check_remove, NULL},
    {"IoWMIRegistrationControl", NULL, control_wmi},
    {0},
};
