/*
 * interfaces.c - lists of device interfaces, and who is told that one came or went.
 */
#include "notification.h"

static const GUID Class = {0x6f1e1d10, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}};
static const GUID OtherClass = {0x6f1e1d11, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}};

static UNICODE_STRING First, Second, Third; /* the third is the second device's */

static ULONG CountList(PCWSTR List)
{
    ULONG count = 0;

    for (; *List != 0; List += wcslen(List) + 1)
        count++;
    return count;
}

static BOOLEAN IsListed(PCWSTR List, PUNICODE_STRING Link)
{
    for (; *List != 0; List += wcslen(List) + 1)
        if (wcslen(List) * sizeof(WCHAR) == Link->Length &&
            RtlCompareMemory(List, Link->Buffer, Link->Length) == Link->Length)
            return TRUE;
    return FALSE;
}

/* How many interfaces of the class a list has; whether Link is in it. */
static ULONG Listed(PDEVICE_OBJECT Physical, ULONG Flags, PUNICODE_STRING Link, PBOOLEAN Found)
{
    PWSTR list = NULL;
    ULONG count;

    *Found = FALSE;
    if (!NT_SUCCESS(IoGetDeviceInterfaces(&Class, Physical, Flags, &list)) || list == NULL)
        return ~0u;
    count = CountList(list);
    *Found = IsListed(list, Link);
    ExFreePool(list);
    return count;
}

static VOID CheckLists(PTEST_DEVICE One, PTEST_DEVICE Two)
{
    UNICODE_STRING reference = RTL_CONSTANT_STRING(L"second");
    PWSTR list = (PWSTR)&reference;
    BOOLEAN found;

    ExpectEqual(Listed(NULL, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &First, &found), 0,
                "IoGetDeviceInterfaces of a class without interfaces gives an empty list");
    ExpectStatus(IoGetDeviceInterfaces(&Class, One->Self, 0, &list), STATUS_INVALID_DEVICE_REQUEST,
                 "of a device that is no PDO it gives none");
    Expect(list == NULL, "no list is left");
    IoRegisterDeviceInterface(One->Physical, &Class, NULL, &First);
    IoRegisterDeviceInterface(One->Physical, &Class, &reference, &Second);
    ExpectStatus(IoRegisterDeviceInterface(Two->Physical, &Class, NULL, &Third), STATUS_SUCCESS,
                 "each device registers interfaces of its own");
    ExpectEqual(Listed(NULL, 0, &First, &found), 0, "interfaces that are not enabled are left out");
    ExpectEqual(Listed(NULL, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &Third, &found), 3,
                "with DEVICE_INTERFACE_INCLUDE_NONACTIVE they are not");
    Expect(found, "by the name that IoRegisterDeviceInterface gave");
    ExpectEqual(Listed(One->Physical, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &Second, &found), 2,
                "a PDO's list has its own interfaces only");
    Expect(found, "those with a reference string, too");
    IoSetDeviceInterfaceState(&Second, TRUE);
    ExpectEqual(Listed(NULL, 0, &Second, &found), 1, "an enabled interface is in the list");
    Expect(found, "and no other");
    ExpectEqual(Listed(Two->Physical, 0, &Second, &found), 0, "not in that of another device");
    IoSetDeviceInterfaceState(&Second, FALSE);
}

static BOOLEAN SawLink(PREGISTRANT Registrant, PUNICODE_STRING Link)
{
    return wcslen(Registrant->Link) * sizeof(WCHAR) == Link->Length &&
           RtlCompareMemory(Registrant->Link, Link->Buffer, Link->Length) == Link->Length;
}

static VOID CheckEvents(VOID)
{
    REGISTRANT one, two, other;

    ExpectStatus(Register(&one, EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class),
                 STATUS_SUCCESS, "G-IO-77 a class of interfaces can be registered for");
    Register(&two, EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class);
    Register(&other, EventCategoryDeviceInterfaceChange, 0, (PVOID)&OtherClass);
    IoSetDeviceInterfaceState(&First, TRUE);
    Expect(one.Calls == 1 && two.Calls == 1, "each registrant is told when one is enabled");
    Expect(other.Calls == 0, "but not those of another class");
    Expect(IsEqualGUID(&one.Event, &Arrival) && IsEqualGUID(&one.Class, &Class),
           "by GUID_DEVICE_INTERFACE_ARRIVAL with the class");
    Expect(SawLink(&one, &First), "and the symbolic link's name");
    Expect(one.Version == 1 && one.Size == sizeof(DEVICE_INTERFACE_CHANGE_NOTIFICATION) &&
               one.Irql == PASSIVE_LEVEL,
           "in a structure of version 1, at PASSIVE_LEVEL");
    IoSetDeviceInterfaceState(&First, TRUE);
    ExpectEqual((ULONG)one.Calls, 1, "enabling it again tells nobody");
    IoSetDeviceInterfaceState(&First, FALSE);
    Expect(one.Calls == 2 && IsEqualGUID(&one.Event, &Removal) && SawLink(&one, &First),
           "disabling it is told by GUID_DEVICE_INTERFACE_REMOVAL");
    IoSetDeviceInterfaceState(&First, FALSE);
    ExpectEqual((ULONG)one.Calls, 2, "once");
    ExpectStatus(IoUnregisterPlugPlayNotificationEx(one.Entry), STATUS_SUCCESS,
                 "IoUnregisterPlugPlayNotificationEx withdraws");
    two.Withdraw = TRUE;
    IoSetDeviceInterfaceState(&First, TRUE);
    Expect(one.Calls == 2 && two.Calls == 3, "who has withdrawn is not told any more");
    IoSetDeviceInterfaceState(&First, FALSE);
    ExpectEqual((ULONG)two.Calls, 3, "nor who did so inside its routine");
    Unregister(&other);
}

static VOID CheckExisting(VOID)
{
    REGISTRANT registrant;

    IoSetDeviceInterfaceState(&Second, TRUE);
    IoSetDeviceInterfaceState(&Third, TRUE);
    Register(&registrant, EventCategoryDeviceInterfaceChange,
             PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, (PVOID)&Class);
    Expect(registrant.Calls == 2 && IsEqualGUID(&registrant.Event, &Arrival),
           "with INCLUDE_EXISTING_INTERFACES those that are enabled are told at once");
    IoSetDeviceInterfaceState(&Second, FALSE);
    ExpectEqual((ULONG)registrant.Calls, 3, "and what comes later as well");
    Unregister(&registrant);
    Register(&registrant, EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class);
    ExpectEqual((ULONG)registrant.Calls, 0, "without it they are not");
    Unregister(&registrant);
    IoSetDeviceInterfaceState(&Third, FALSE);
}

/* ---- withdrawal beside a routine that runs --------------------------------------------------- */

static REGISTRANT Held;
static volatile LONG Withdrawn;

static VOID EnableFirst(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    IoSetDeviceInterfaceState(&First, TRUE);
}

static VOID WithdrawHeld(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    IoUnregisterPlugPlayNotificationEx(Held.Entry);
    InterlockedExchange(&Withdrawn, 1);
}

static VOID WithdrawHeldAtOnce(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    IoUnregisterPlugPlayNotification(Held.Entry);
    InterlockedExchange(&Withdrawn, 1);
}

/* The routine that IoUnregisterPlugPlayNotification withdraws may run on. */
static VOID CheckNotWaiting(VOID)
{
    ULONG here = TestCurrentProcessor(), there = TestOtherProcessor(here);
    TEST_THREAD enabler, withdrawer;

    Register(&Held, EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class);
    Held.Hold = 1;
    Withdrawn = 0;
    if (!TestThreadStart(&enabler, there, EnableFirst, NULL)) {
        Expect(FALSE, "a thread can be had");
        return;
    }
    while (!Held.Inside)
        TestPause(1);
    if (TestThreadStart(&withdrawer, here, WithdrawHeldAtOnce, NULL)) {
        TestSpinUntil(&Withdrawn, 1, 60000);
        Expect(Withdrawn && Held.Inside,
               "IoUnregisterPlugPlayNotification does not wait for a routine that runs");
        InterlockedExchange(&Held.Hold, 0);
        TestThreadJoin(&withdrawer);
    }
    InterlockedExchange(&Held.Hold, 0);
    TestThreadJoin(&enabler);
    IoSetDeviceInterfaceState(&First, FALSE);
    ExpectEqual((ULONG)Held.Calls, 1, "which is not called for what comes later");
}

static VOID CheckWaiting(VOID)
{
    ULONG here = TestCurrentProcessor(), there = TestOtherProcessor(here);
    TEST_THREAD enabler, withdrawer;
    BOOLEAN inside;

    Register(&Held, EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class);
    Held.Hold = 1;
    Withdrawn = 0;
    if (!TestThreadStart(&enabler, there, EnableFirst, NULL)) {
        Expect(FALSE, "a thread can be had");
        return;
    }
    while (!Held.Inside)
        TestPause(1);
    if (TestThreadStart(&withdrawer, here, WithdrawHeld, NULL)) {
        TestPause(100);
        inside = Held.Inside != 0;
        Expect(inside && !Withdrawn,
               "IoUnregisterPlugPlayNotificationEx waits for a routine that runs");
        InterlockedExchange(&Held.Hold, 0);
        TestThreadJoin(&withdrawer);
        Expect(Withdrawn && Held.Calls == 1, "and returns when that has returned");
    }
    InterlockedExchange(&Held.Hold, 0);
    TestThreadJoin(&enabler);
    IoSetDeviceInterfaceState(&First, FALSE);
    ExpectEqual((ULONG)Held.Calls, 1, "it is not called again");
}

/* Many withdraw while interfaces come and go: whoever has withdrawn is called no more. */
static REGISTRANT Crowd[8];
static volatile LONG Stop;

static VOID Toggle(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (!Stop) {
        IoSetDeviceInterfaceState(&First, TRUE);
        IoSetDeviceInterfaceState(&First, FALSE);
    }
}

static VOID CheckCrowd(VOID)
{
    ULONG wrong = 0, round, i;
    TEST_THREAD thread;

    Stop = 0;
    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), Toggle, NULL)) {
        Expect(FALSE, "a thread can be had");
        return;
    }
    for (round = 0; round < 20; round++) {
        for (i = 0; i < 8; i++)
            Register(&Crowd[i], EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class);
        TestPause(1);
        for (i = 0; i < 8; i++) {
            LONG calls;

            IoUnregisterPlugPlayNotificationEx(Crowd[(i * 3 + round) % 8].Entry);
            calls = Crowd[(i * 3 + round) % 8].Calls;
            KeStallExecutionProcessor(50);
            wrong += Crowd[(i * 3 + round) % 8].Calls != calls;
        }
    }
    InterlockedExchange(&Stop, 1);
    TestThreadJoin(&thread);
    ExpectEqual(wrong, 0,
                "nobody is called after withdrawing, however events and withdrawals meet");
}

VOID CheckInterfaces(VOID)
{
    PTEST_DEVICE one = TestFind(TestKindEdu, 0), two = TestFind(TestKindEdu, 1);

    if (one == NULL || two == NULL) {
        Expect(FALSE, "there are two devices");
        return;
    }
    CheckLists(one, two);
    CheckEvents();
    CheckExisting();
    CheckWaiting();
    CheckNotWaiting();
    CheckCrowd();
    RtlFreeUnicodeString(&First);
    RtlFreeUnicodeString(&Second);
    RtlFreeUnicodeString(&Third);
}

/* ---- an interface that is enabled inside START_DEVICE ---------------------------------------- */

static REGISTRANT Starting, InStart;
static BOOLEAN EnableInStart;
static LONG CallsInStart;
static NTSTATUS EnableStatus, OpenStatus;

VOID StartedInterfaces(PTEST_DEVICE Device)
{
    PDEVICE_OBJECT opened;
    UNICODE_STRING link;
    PFILE_OBJECT file;

    if (!EnableInStart)
        return;
    EnableInStart = FALSE;
    if (!NT_SUCCESS(IoRegisterDeviceInterface(Device->Physical, &OtherClass, NULL, &link)))
        return;
    EnableStatus = IoSetDeviceInterfaceState(&link, TRUE);
    OpenStatus = IoGetDeviceObjectPointer(&link, FILE_READ_DATA, &file, &opened);
    if (NT_SUCCESS(OpenStatus))
        ObDereferenceObject(file);
    CallsInStart = Starting.Calls;
    Register(&InStart, EventCategoryDeviceInterfaceChange,
             PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, (PVOID)&OtherClass);
    CallsInStart += InStart.Calls;
    RtlFreeUnicodeString(&link);
}

VOID CheckArrivalInStart(VOID)
{
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);

    Register(&Starting, EventCategoryDeviceInterfaceChange, 0, (PVOID)&OtherClass);
    EnableStatus = STATUS_PENDING;
    EnableInStart = TRUE;
    Expect(TestRestart(device), "a device can be stopped and started");
    ExpectStatus(EnableStatus, STATUS_SUCCESS, "a driver enables its interface in START_DEVICE");
    /* The documents name no status. */
    ExpectStatus(OpenStatus, STATUS_NO_SUCH_DEVICE,
                 "but it cannot be opened before that has ended");
    Expect(CallsInStart == 0, "nobody is told before START_DEVICE has ended");
    Expect(Starting.Calls == 1 && IsEqualGUID(&Starting.Event, &Arrival), "then they are, once");
    Expect(InStart.Calls == 1, "so is who registered inside START_DEVICE, for existing ones, too");
    Unregister(&Starting);
    Unregister(&InStart);
}
