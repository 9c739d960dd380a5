/*
 * stops.c - what a notification routine must leave as it was, and what must be a physical device
 * object: the latter only verified drivers are stopped for.
 */
#include "notification.h"

static const GUID Class = {0x6f1e1d40, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}};

static NTSTATUS NTAPI Misbehave(PVOID Structure, PVOID Context)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Structure);
    if (Context != NULL)
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
    else
        KeEnterCriticalRegion();
    return STATUS_SUCCESS;
}

static VOID StopInRoutine(BOOLEAN Raise)
{
    UNICODE_STRING link;
    PVOID entry;

    if (!NT_SUCCESS(IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0,
                                                   (PVOID)&Class, TestDriver, Misbehave,
                                                   Raise ? TestDriver : NULL, &entry)) ||
        !NT_SUCCESS(IoRegisterDeviceInterface(TestDevices->Physical, &Class, NULL, &link)))
        return;
    if (Raise)
        ExpectStop(0xCA, 0xA, (ULONG64)TestDriver, DISPATCH_LEVEL, TEST_ANY,
                   "a notification routine that returns at another IRQL is a bug check");
    else
        ExpectStop(0xCA, 0xA, (ULONG64)TestDriver, PASSIVE_LEVEL, 0xFFFF,
                   "so is one that stays in a critical region");
    IoSetDeviceInterfaceState(&link, TRUE);
}

static VOID StopForPdo(ULONG Number)
{
    static const PCSTR names[] = {
        "IoInvalidateDeviceRelations of what is no PDO is a bug check, verified",
        "IoInvalidateDeviceState of what is no PDO is a bug check, verified",
        "IoReportTargetDeviceChange of what is no PDO is a bug check, verified",
        "IoReportTargetDeviceChangeAsynchronous of what is no PDO is a bug check, verified"};
    TARGET_DEVICE_CUSTOM_NOTIFICATION event = {
        .Version = 1, .Size = sizeof(event), .Event = CustomEvent, .NameBufferOffset = -1};
    PDEVICE_OBJECT device = TestDevices->Self;

    ExpectStop(0xCA, 2, (ULONG64)device, (ULONG64)TestDriver, TEST_ANY, names[Number]);
    if (Number == 0)
        IoInvalidateDeviceRelations(device, BusRelations);
    else if (Number == 1)
        IoInvalidateDeviceState(device);
    else if (Number == 2)
        IoReportTargetDeviceChange(device, &event);
    else
        IoReportTargetDeviceChangeAsynchronous(device, &event, NULL, NULL);
}

VOID StopNotification(ULONG Number)
{
    if (Number < 2)
        StopInRoutine(Number == 0);
    else if (Number < 6)
        StopForPdo(Number - 2);
}
