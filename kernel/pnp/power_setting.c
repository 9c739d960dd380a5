/*
 * pnp/power_setting.c - power settings and the callbacks for them.
 *
 * What this machine can say of itself: it runs on mains, for performance, with its display on.
 * Of a lid and a battery it knows nothing: these settings have no value until the console gives
 * them one. A driver may register for any GUID; for one that is no setting here it is never called.
 *
 * One mutex, recursive, is held while callbacks run, so that they come in the order of the changes
 * and none is running when PoUnregisterPowerSettingCallback returns. A callback may register and
 * unregister: what goes while callbacks run is freed after the last of them.
 */
#include <nt/initguid.h>

#include "pnp/power_setting.h"

#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"

/* Legend: (c) constant, (m) under the mutex. */
struct setting {
    const GUID *guid;                    /* (c) */
    const char *name;                    /* (c) */
    ULONG length;                        /* (m) 0: no value */
    union pnp_power_setting_value value; /* (m) */
};

struct registration {
    LIST_ENTRY entry;                 /* (m) */
    GUID guid;                        /* (c) */
    PPOWER_SETTING_CALLBACK callback; /* (c) */
    PVOID context;                    /* (c) */
    bool removed;                     /* (m) */
};

#define HIGH_PERFORMANCE                                                                           \
    {                                                                                              \
        0x8C5E7FDA, 0xE8BF, 0x4A96,                                                                \
        {                                                                                          \
            0x9A, 0x85, 0xA6, 0xE2, 0x3A, 0x8C, 0x63, 0x5C                                         \
        }                                                                                          \
    }
#define NUMBER(Guid, Name, Value)                                                                  \
    {                                                                                              \
        .guid = &Guid, .name = Name, .length = sizeof(ULONG), .value.number = (Value)              \
    }
#define WITHOUT_VALUE(Guid, Name)                                                                  \
    {                                                                                              \
        .guid = &Guid, .name = Name                                                                \
    }

enum { POWER_SOURCE }; /* which of the settings below */

/* WDK: wdm.h, the power setting GUIDs and what is said of their values there. */
static struct setting settings[] = {
    [POWER_SOURCE] = NUMBER(GUID_ACDC_POWER_SOURCE, "acdc_power_source", PoAc),
    NUMBER(GUID_MONITOR_POWER_ON, "monitor_power_on", 1),
    NUMBER(GUID_CONSOLE_DISPLAY_STATE, "console_display_state", PowerMonitorOn),
    NUMBER(GUID_SYSTEM_AWAYMODE, "system_awaymode", 0),
    {.guid = &GUID_POWERSCHEME_PERSONALITY,
     .name = "powerscheme_personality",
     .length = sizeof(GUID),
     .value.guid = HIGH_PERFORMANCE},
    {.guid = &GUID_ACTIVE_POWERSCHEME,
     .name = "active_powerscheme",
     .length = sizeof(GUID),
     .value.guid = HIGH_PERFORMANCE},
    WITHOUT_VALUE(GUID_LIDSWITCH_STATE_CHANGE, "lidswitch_state_change"),
    WITHOUT_VALUE(GUID_BATTERY_PERCENTAGE_REMAINING, "battery_percentage_remaining"),
};

static LIST_ENTRY registrations = {&registrations, &registrations}; /* (m) */
static unsigned calls;                                              /* (m) under way, nested */
static KMUTEX settings_mutex;

void pnp_power_setting_init(void)
{
    KeInitializeMutex(&settings_mutex, 0);
}

static void lock(void)
{
    KeWaitForSingleObject(&settings_mutex, Executive, KernelMode, FALSE, NULL);
}

static void unlock(void)
{
    KeReleaseMutex(&settings_mutex, FALSE);
}

static struct registration *registration_of(PLIST_ENTRY entry)
{
    return CONTAINING_RECORD(entry, struct registration, entry);
}

/* The mutex is held. */
static void registration_call(struct registration *registration, const struct setting *setting)
{
    GUID guid = *setting->guid;
    union pnp_power_setting_value value = setting->value;

    calls++;
    registration->callback(&guid, &value, setting->length, registration->context);
    calls--;
}

/* The mutex is held. */
static void removed_free(void)
{
    PLIST_ENTRY entry = registrations.Flink;

    while (calls == 0 && entry != &registrations) {
        struct registration *registration = registration_of(entry);

        entry = entry->Flink;
        if (registration->removed) {
            RemoveEntryList(&registration->entry);
            io_free(registration);
        }
    }
}

/* The mutex is held. Who registers meanwhile has been told already, behind the last of now. */
static void setting_tell(const struct setting *setting)
{
    PLIST_ENTRY last = registrations.Blink;

    calls++;
    for (PLIST_ENTRY entry = registrations.Flink; last != &registrations; entry = entry->Flink) {
        struct registration *registration = registration_of(entry);

        if (!registration->removed && IsEqualGUID(&registration->guid, setting->guid))
            registration_call(registration, setting);
        if (entry == last)
            break;
    }
    calls--;
    removed_free();
}

bool pnp_power_setting_set(const char *name, ULONG value)
{
    for (size_t i = 0; i < ARRAY_COUNT(settings); i++) {
        struct setting *setting = &settings[i];
        bool changed;

        if (strcmp(setting->name, name) != 0 || setting->length == sizeof(GUID))
            continue;
        lock();
        changed = setting->length == 0 || setting->value.number != value;
        setting->length = sizeof(ULONG);
        setting->value.number = value;
        if (changed)
            setting_tell(setting);
        unlock();
        return true;
    }
    return false;
}

bool pnp_power_setting_conserves(void)
{
    return __atomic_load_n(&settings[POWER_SOURCE].value.number, __ATOMIC_RELAXED) != PoAc;
}

bool pnp_power_setting_at(uint32_t index, struct pnp_power_setting_info *info)
{
    const struct setting *setting = &settings[index];

    if (index >= ARRAY_COUNT(settings))
        return false;
    lock();
    *info = (struct pnp_power_setting_info){
        .name = setting->name, .length = setting->length, .value = setting->value};
    for (PLIST_ENTRY entry = registrations.Flink; entry != &registrations; entry = entry->Flink)
        info->callbacks += !registration_of(entry)->removed &&
                           IsEqualGUID(&registration_of(entry)->guid, setting->guid);
    unlock();
    return true;
}

/* WDK surface */

/*
 * PASSIVE_LEVEL. The callback is called, here, with the value that the setting has, if it has one.
 * STATUS_INSUFFICIENT_RESOURCES. WDK "PoRegisterPowerSettingCallback".
 */
NTSTATUS NTAPI PoRegisterPowerSettingCallback(PDEVICE_OBJECT DeviceObject, LPCGUID SettingGuid,
                                              PPOWER_SETTING_CALLBACK Callback, PVOID Context,
                                              PVOID *Handle)
{
    struct registration *registration = io_allocate(sizeof(*registration), IO_TAG_PNP);

    UNREFERENCED_PARAMETER(DeviceObject); /* for a debugger */
    if (registration == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    registration->guid = *SettingGuid;
    registration->callback = Callback;
    registration->context = Context;
    lock();
    InsertTailList(&registrations, &registration->entry);
    if (Handle != NULL)
        *Handle = registration;
    for (size_t i = 0; i < ARRAY_COUNT(settings); i++)
        if (settings[i].length != 0 && IsEqualGUID(settings[i].guid, SettingGuid))
            registration_call(registration, &settings[i]);
    removed_free();
    unlock();
    return STATUS_SUCCESS;
}
LDR_EXPORT(PoRegisterPowerSettingCallback);

/*
 * PASSIVE_LEVEL. No call of the callback is under way on return, but for the one that this call is
 * made from. STATUS_INVALID_PARAMETER: no such handle. WDK "PoUnregisterPowerSettingCallback".
 */
NTSTATUS NTAPI PoUnregisterPowerSettingCallback(PVOID Handle)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    lock();
    for (PLIST_ENTRY entry = registrations.Flink; entry != &registrations; entry = entry->Flink)
        if (registration_of(entry) == Handle && !registration_of(entry)->removed) {
            registration_of(entry)->removed = true;
            status = STATUS_SUCCESS;
        }
    removed_free();
    unlock();
    return status;
}
LDR_EXPORT(PoUnregisterPowerSettingCallback);
