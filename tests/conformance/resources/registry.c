/*
 * registry.c - the device's hardware key: what the INF wrote, and what the values there do.
 */
#include "resources.h"

#define MESSAGES_KEY L"Interrupt Management\\MessageSignaledInterruptProperties"
#define AFFINITY_KEY L"Interrupt Management\\Affinity Policy"

/* The hardware key's subkey; creates it if need be. */
static HANDLE Open(PTEST_DEVICE Device, PCWSTR Path)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE hardware, parent, key = NULL;
    UNICODE_STRING name;

    if (!NT_SUCCESS(IoOpenDeviceRegistryKey(Device->Physical, PLUGPLAY_REGKEY_DEVICE,
                                            KEY_ALL_ACCESS, &hardware)))
        return NULL;
    RtlInitUnicodeString(&name, L"Interrupt Management");
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, hardware, NULL);
    if (NT_SUCCESS(ZwCreateKey(&parent, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, NULL))) {
        RtlInitUnicodeString(&name, Path);
        InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, hardware, NULL);
        if (!NT_SUCCESS(ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, NULL)))
            key = NULL;
        ZwClose(parent);
    }
    ZwClose(hardware);
    return key;
}

static VOID Set(PTEST_DEVICE Device, PCWSTR Path, PCWSTR Name, ULONG Type, ULONG64 Value,
                ULONG Size)
{
    HANDLE key = Open(Device, Path);
    UNICODE_STRING name;

    if (key == NULL)
        return;
    RtlInitUnicodeString(&name, Name);
    ZwSetValueKey(key, &name, 0, Type, &Value, Size);
    ZwClose(key);
}

static VOID Delete(PTEST_DEVICE Device, PCWSTR Path, PCWSTR Name)
{
    HANDLE key = Open(Device, Path);
    UNICODE_STRING name;

    if (key == NULL)
        return;
    RtlInitUnicodeString(&name, Name);
    ZwDeleteValueKey(key, &name);
    ZwClose(key);
}

static VOID SetDword(PTEST_DEVICE Device, PCWSTR Path, PCWSTR Name, ULONG Value)
{
    Set(Device, Path, Name, REG_DWORD, Value, sizeof(Value));
}

/* ---- messages ------------------------------------------------------------------------------- */

static VOID CheckWritten(PTEST_DEVICE Device)
{
    UCHAR buffer[64];
    PKEY_VALUE_PARTIAL_INFORMATION value = (PVOID)buffer;
    HANDLE key = Open(Device, MESSAGES_KEY);
    UNICODE_STRING name;
    ULONG length;

    RtlInitUnicodeString(&name, L"MSISupported");
    RtlZeroMemory(buffer, sizeof(buffer));
    if (key != NULL) {
        ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer, sizeof(buffer), &length);
        ZwClose(key);
    }
    Expect(value->Type == REG_DWORD && value->DataLength == 4 && *(PULONG)value->Data == 1,
           "RES-REG-1, RES-REG-3 the INF's AddReg has made the subkeys and MSISupported");
}

static VOID CheckLimits(VOID)
{
    PTEST_DEVICE xhci = TestFind(TestKindXhci, 0), rocker = TestFind(TestKindRocker, 0);
    PTEST_DEVICE nvme = TestFind(TestKindNvme, 0);

    SetDword(nvme, MESSAGES_KEY, L"MSISupported", 0);
    Expect(RestartWith(nvme, NULL) && TestIsLine(nvme) && nvme->InterruptCount == 1,
           "TC-39, RES-REG-1 MSISupported 0: a device with MSI-X gets its line");
    SetDword(nvme, MESSAGES_KEY, L"MSISupported", 1);
    Expect(RestartWith(nvme, NULL) && !TestIsLine(nvme), "RES-REG-1 and with 1 its messages");
    SetDword(xhci, MESSAGES_KEY, L"MessageNumberLimit", 4);
    Expect(RestartWith(xhci, NULL) && TestMessageCount(xhci) == 4,
           "RES-REG-2 MessageNumberLimit 4: an MSI device gets 4 of 16");
    SetDword(xhci, MESSAGES_KEY, L"MessageNumberLimit", 3);
    Expect(RestartWith(xhci, NULL) && TestMessageCount(xhci) == 2,
           "RES-REG-2, HW-60 a limit of 3: an MSI device asks for 2");
    Delete(xhci, MESSAGES_KEY, L"MessageNumberLimit");
    SetDword(rocker, MESSAGES_KEY, L"MessageNumberLimit", 3);
    Expect(RestartWith(rocker, NULL) && rocker->InterruptCount == 3,
           "RES-REG-2 a limit of 3: an MSI-X device gets 3 of 4");
    Delete(rocker, MESSAGES_KEY, L"MessageNumberLimit");
    SetDword(xhci, MESSAGES_KEY, L"MSISupported", 0);
    Expect(RestartWith(xhci, NULL) && TestIsLine(xhci), "RES-REG-1 MSISupported 0: the line");
    SetDword(xhci, MESSAGES_KEY, L"MSISupported", 1);
    Expect(RestartWith(xhci, NULL) && TestMessageCount(xhci) == 16,
           "RES-REG-1, RES-REG-2 MSISupported 1 and no limit: what the device asks for");
    RestartWith(rocker, NULL);
}

/* ---- affinity ------------------------------------------------------------------------------- */

static PLAG_INTERRUPT_REQUIREMENT FirstAsked(PTEST_DEVICE Device)
{
    return Asked[Device->Kind] != NULL ? InterruptOf(Asked[Device->Kind]->List, 0) : NULL;
}

static KAFFINITY Given(PTEST_DEVICE Device)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = Device->Translated[0];

    return TestIsMessage(Device) ? descriptor->u.MessageInterrupt.Translated.Affinity
                                 : descriptor->u.Interrupt.Affinity;
}

static VOID CheckMerged(PTEST_DEVICE Device, KAFFINITY Target)
{
    PLAG_INTERRUPT_REQUIREMENT asked;

    SetDword(Device, AFFINITY_KEY, L"DevicePolicy", LagPolicySpecifiedProcessors);
    Set(Device, AFFINITY_KEY, L"AssignmentSetOverride", REG_BINARY, Target, 1);
    SetDword(Device, AFFINITY_KEY, L"DevicePriority", LagPriorityHigh);
    Expect(RestartWith(Device, NULL) && Given(Device) == Target,
           "RES-REG-4, RES-REG-5 DevicePolicy 4 with AssignmentSetOverride, binary: there");
    Expect(TestLevel(Device) >= 9, "RES-REG-6, RES-IO-19 DevicePriority 3: a high level");
    asked = FirstAsked(Device);
    Expect(asked != NULL && (asked->Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED) != 0,
           "RES-REG-7, RES-FLT-8 the policy is in the list that the driver filters");
    Expect(asked != NULL && asked->AffinityPolicy == LagPolicySpecifiedProcessors &&
               asked->TargetedProcessors == Target && asked->PriorityPolicy == LagPriorityHigh,
           "RES-REG-5, RES-REG-6, RES-FLT-8 policy, targets and priority in their members");
}

VOID CheckRegistry(PTEST_DEVICE Device)
{
    KAFFINITY target = (KAFFINITY)1 << (TestProcessors() - 1);

    if (TestIsMessage(Device)) {
        CheckWritten(Device);
        CheckLimits();
    }
    CheckMerged(Device, target);
    Set(Device, AFFINITY_KEY, L"AssignmentSetOverride", REG_DWORD, target, 4);
    Expect(RestartWith(Device, NULL) && Given(Device) == target, "RES-REG-4 as REG_DWORD: there");
    Set(Device, AFFINITY_KEY, L"AssignmentSetOverride", REG_QWORD, target, 8);
    Expect(RestartWith(Device, NULL) && Given(Device) == target, "RES-REG-4 as REG_QWORD: there");
    Set(Device, AFFINITY_KEY, L"AssignmentSetOverride", REG_QWORD, (ULONG64)1 << 63, 8);
    Expect(RestartWith(Device, NULL) && (Given(Device) & ActiveProcessors()) != 0,
           "RES-REG-10 an override without an active processor: any processor");
    SetDword(Device, AFFINITY_KEY, L"GroupPolicy", 1);
    Expect(RestartWith(Device, NULL), "RES-REG-8 a value GroupPolicy changes nothing");
    Delete(Device, AFFINITY_KEY, L"GroupPolicy");
    Delete(Device, AFFINITY_KEY, L"DevicePolicy");
    Delete(Device, AFFINITY_KEY, L"AssignmentSetOverride");
    Delete(Device, AFFINITY_KEY, L"DevicePriority");
    Expect(RestartWith(Device, NULL) && TestLevel(Device) >= 6 && TestLevel(Device) <= 8 &&
               (FirstAsked(Device)->Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED) == 0,
           "RES-REG-7, RES-REG-9 without the values no policy, and the default one is used");
}
