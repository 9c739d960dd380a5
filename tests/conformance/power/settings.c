/*
 * settings.c - power settings: the value of now at registration, each change, none after the end.
 */
#include <initguid.h>

#include "power.h"

typedef struct _TOLD {
    volatile LONG Calls;
    GUID Setting;
    union {
        ULONG Number;
        GUID Guid;
    } Value;
    ULONG Length;
    KIRQL Irql;
    PVOID Handle; /* to end the registration with, from within the call */
} TOLD, *PTOLD;

static NTSTATUS NTAPI Tell(LPCGUID Setting, PVOID Value, ULONG Length, PVOID Context)
{
    PTOLD told = Context;

    told->Setting = *Setting;
    told->Length = Length;
    RtlZeroMemory(&told->Value, sizeof(told->Value));
    RtlCopyMemory(&told->Value, Value, min(Length, sizeof(told->Value)));
    told->Irql = KeGetCurrentIrql();
    InterlockedIncrement(&told->Calls);
    return STATUS_SUCCESS;
}

/* What the registration told: how often, and the last. */
static NTSTATUS AskOnce(PTOLD Told, LPCGUID Setting)
{
    PVOID handle = NULL;
    NTSTATUS status;

    RtlZeroMemory(Told, sizeof(*Told));
    status = PoRegisterPowerSettingCallback(TestDevices->Self, Setting, Tell, Told, &handle);
    return NT_SUCCESS(status) ? PoUnregisterPowerSettingCallback(handle) : status;
}

static BOOLEAN IsNumber(PTOLD Told, LPCGUID Setting, ULONG Value)
{
    return NT_SUCCESS(AskOnce(Told, Setting)) && Told->Calls == 1 &&
           Told->Length == sizeof(ULONG) && Told->Value.Number == Value;
}

static BOOLEAN IsGuid(PTOLD Told, LPCGUID Setting, LPCGUID Value)
{
    return NT_SUCCESS(AskOnce(Told, Setting)) && Told->Calls == 1 && Told->Length == sizeof(GUID) &&
           IsEqualGUID(&Told->Value.Guid, Value);
}

VOID CheckSettings(VOID)
{
    static const GUID none = {0x6f1e1d15, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}};
    PVOID handle = NULL;
    TOLD told = {0};

    ExpectStatus(
        PoRegisterPowerSettingCallback(NULL, &GUID_ACDC_POWER_SOURCE, Tell, &told, &handle),
        STATUS_SUCCESS, "PoRegisterPowerSettingCallback registers, without a device, too");
    Expect(handle != NULL, "and gives a handle");
    Expect(told.Calls == 1 && IsEqualGUID(&told.Setting, &GUID_ACDC_POWER_SOURCE) &&
               told.Length == sizeof(ULONG) && told.Value.Number == PoAc,
           "the callback is called once with the value of now: the machine is on mains");
    ExpectEqual(told.Irql, PASSIVE_LEVEL, "a power setting callback is called at PASSIVE_LEVEL");
    ExpectStatus(PoUnregisterPowerSettingCallback(handle), STATUS_SUCCESS,
                 "PoUnregisterPowerSettingCallback ends the registration");
    ExpectStatus(PoUnregisterPowerSettingCallback(handle), STATUS_INVALID_PARAMETER,
                 "a power setting handle that has ended is not valid any more");
    ExpectStatus(PoUnregisterPowerSettingCallback(&told), STATUS_INVALID_PARAMETER,
                 "nor is what never was a power setting handle");
    Expect(IsNumber(&told, &GUID_MONITOR_POWER_ON, 1), "the monitor is on");
    Expect(IsNumber(&told, &GUID_CONSOLE_DISPLAY_STATE, PowerMonitorOn),
           "and so is the console's display");
    Expect(IsNumber(&told, &GUID_SYSTEM_AWAYMODE, 0), "there is no away mode");
    Expect(IsGuid(&told, &GUID_POWERSCHEME_PERSONALITY, &GUID_MIN_POWER_SAVINGS),
           "the machine runs for performance, by its scheme's personality");
    Expect(IsGuid(&told, &GUID_ACTIVE_POWERSCHEME, &GUID_MIN_POWER_SAVINGS), "and by the scheme");
    ExpectStatus(AskOnce(&told, &GUID_LIDSWITCH_STATE_CHANGE), STATUS_SUCCESS,
                 "a driver may register for a lid that is not there");
    ExpectEqual((ULONG)told.Calls, 0, "and is told nothing of it");
    Expect(NT_SUCCESS(AskOnce(&told, &none)) && told.Calls == 0,
           "nor of what is no setting at all");
}

/* ---- changes, which the console makes between the steps -------------------------------------- */

static TOLD Source, Lid, Left, Once;
static PVOID SourceHandle, LidHandle, LeftHandle;

static NTSTATUS NTAPI TellOnce(LPCGUID Setting, PVOID Value, ULONG Length, PVOID Context)
{
    PTOLD told = Context;

    Tell(Setting, Value, Length, Context);
    return told->Handle == NULL ? STATUS_SUCCESS : PoUnregisterPowerSettingCallback(told->Handle);
}

static VOID Register(VOID)
{
    PVOID handle = NULL;

    PoRegisterPowerSettingCallback(NULL, &GUID_ACDC_POWER_SOURCE, Tell, &Source, &SourceHandle);
    PoRegisterPowerSettingCallback(NULL, &GUID_ACDC_POWER_SOURCE, TellOnce, &Once, &handle);
    Once.Handle = handle;
    PoRegisterPowerSettingCallback(NULL, &GUID_ACDC_POWER_SOURCE, Tell, &Left, &LeftHandle);
    PoUnregisterPowerSettingCallback(LeftHandle);
    PoRegisterPowerSettingCallback(NULL, &GUID_LIDSWITCH_STATE_CHANGE, Tell, &Lid, &LidHandle);
}

/* The source was set to 1, to 1 again, and to 0; the lid's switch to 1. */
static VOID CheckChanges(VOID)
{
    Expect(Source.Calls == 3 && Source.Value.Number == PoAc,
           "a power setting callback is called for each change, and for nothing else");
    Expect(Once.Calls == 2 && Once.Value.Number == PoDc,
           "one that ends its registration from within is not called again");
    ExpectEqual((ULONG)Left.Calls, 1, "one whose registration has ended is not called");
    Expect(Lid.Calls == 1 && Lid.Value.Number == 1,
           "a lid that has come is told of with its first change");
    PoUnregisterPowerSettingCallback(SourceHandle);
    PoUnregisterPowerSettingCallback(LidHandle);
}

/* One of the allocations fails. */
static VOID CheckShortage(VOID)
{
    PVOID handle = NULL;
    TOLD told = {0};
    NTSTATUS status =
        PoRegisterPowerSettingCallback(NULL, &GUID_ACDC_POWER_SOURCE, Tell, &told, &handle);

    if (NT_SUCCESS(status))
        PoUnregisterPowerSettingCallback(handle);
    else
        Expect(status == STATUS_INSUFFICIENT_RESOURCES && told.Calls == 0,
               "PoRegisterPowerSettingCallback without memory: STATUS_INSUFFICIENT_RESOURCES");
    ShortageOfNeeds();
}

VOID StepPower(ULONG Number)
{
    if (Number < 2)
        ShowNeeds(Number == 0);
    if (Number == 0)
        Register();
    else if (Number == 1)
        CheckChanges();
    else
        CheckShortage();
}
