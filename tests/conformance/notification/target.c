/*
 * target.c - the events of one device, for those who have it open: custom ones, and its removal.
 *
 * A removal that is asked for is the console's, `driver remove notification`. The steps, each
 * followed by that command, which fails but for the last:
 *
 *   0  two register; the one asked second refuses
 *   1  judges that; now both agree, but a file stays open
 *   2  judges that; now the file is closed when its owner is asked
 *
 * The last removal is judged in DriverUnload. Step 3 is apart: the second device was plugged
 * in anew.
 *
 * The documents do not say who of those that register first is asked first, nor what comes of an
 * event that has no room for its head (STATUS_INVALID_PARAMETER here), nor of a file whose device
 * is no PnP device (STATUS_INVALID_DEVICE_REQUEST).
 */
#include "notification.h"

typedef struct _EVENT {
    TARGET_DEVICE_CUSTOM_NOTIFICATION Head;
    ULONG More[4];
} EVENT, *PEVENT;

static VOID FillEvent(PEVENT Event, const GUID *Guid, ULONG Data)
{
    RtlZeroMemory(Event, sizeof(*Event));
    Event->Head.Version = 1;
    Event->Head.Size =
        (USHORT)(FIELD_OFFSET(TARGET_DEVICE_CUSTOM_NOTIFICATION, CustomDataBuffer) + sizeof(ULONG));
    Event->Head.Event = *Guid;
    Event->Head.NameBufferOffset = -1;
    *(PULONG)Event->Head.CustomDataBuffer = Data;
}

static VOID CheckRefusals(PDEVICE_OBJECT Physical)
{
    static const GUID *const system[] = {&QueryRemove, &RemoveCancelled, &RemoveComplete};
    BOOLEAN refused = TRUE;
    EVENT event;
    ULONG i;

    for (i = 0; i < 3; i++) {
        FillEvent(&event, system[i], 0);
        refused = refused &&
                  IoReportTargetDeviceChange(Physical, &event) == STATUS_INVALID_DEVICE_REQUEST &&
                  IoReportTargetDeviceChangeAsynchronous(Physical, &event, NULL, NULL) ==
                      STATUS_INVALID_DEVICE_REQUEST;
    }
    Expect(refused, "the system's own events are not reported by drivers");
    FillEvent(&event, &CustomEvent, 0);
    event.Head.Size = FIELD_OFFSET(TARGET_DEVICE_CUSTOM_NOTIFICATION, CustomDataBuffer) - 1;
    ExpectStatus(IoReportTargetDeviceChange(Physical, &event), STATUS_INVALID_PARAMETER,
                 "nor an event without room for its head");
}

static VOID NTAPI Reported(PVOID Context)
{
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

static VOID CheckCustomEvents(PTEST_DEVICE One, PTEST_DEVICE Two)
{
    LARGE_INTEGER timeout = {.QuadPart = -60 * 10000000LL};
    PFILE_OBJECT first = NULL, second = NULL;
    PEVENT event = ExAllocatePoolWithTag(NonPagedPool, sizeof(*event), TEST_TAG);
    REGISTRANT one, two;
    NTSTATUS status;
    KEVENT done;
    KIRQL irql;

    if (event == NULL || !NT_SUCCESS(OpenInterface(One, &first)) ||
        !NT_SUCCESS(OpenInterface(Two, &second))) {
        Expect(FALSE, "the devices can be opened");
        return;
    }
    ExpectStatus(Register(&one, EventCategoryTargetDeviceChange, 0, first), STATUS_SUCCESS,
                 "G-IO-77 the changes of an open device can be registered for");
    Register(&two, EventCategoryTargetDeviceChange, 0, second);
    FillEvent(event, &CustomEvent, 0x1234);
    ExpectStatus(IoReportTargetDeviceChange(One->Physical, event), STATUS_SUCCESS,
                 "IoReportTargetDeviceChange reports");
    Expect(one.Calls == 1 && two.Calls == 0, "to who registered for that device, before it ends");
    Expect(IsEqualGUID(&one.Event, &CustomEvent) && one.Data == 0x1234 && one.Version == 1,
           "the event with its data");
    Expect(one.File == first, "and the file object that was registered");
    Expect(event->Head.FileObject == NULL, "which the caller's structure does not keep");
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    FillEvent(event, &CustomEvent, 0x5678);
    ExpectStatus(IoReportTargetDeviceChangeAsynchronous(Two->Physical, event, Reported, &done),
                 STATUS_SUCCESS, "IoReportTargetDeviceChangeAsynchronous reports");
    RtlFillMemory(event, sizeof(*event), 0xCC); /* the caller's again */
    Expect(KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, &timeout) == STATUS_SUCCESS,
           "and calls back");
    Expect(two.Calls == 1 && two.Data == 0x5678 && two.File == second &&
               two.Irql == PASSIVE_LEVEL && one.Calls == 1,
           "when a copy of the event has been told");
    FillEvent(event, &CustomEvent, 0x9ABC);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = IoReportTargetDeviceChangeAsynchronous(Two->Physical, event, NULL, NULL);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_SUCCESS, "it may be called at DISPATCH_LEVEL, with no callback");
    Expect(TestSpinUntil(&two.Calls, 2, 60000) && two.Data == 0x9ABC, "and reports all the same");
    CheckRefusals(One->Physical);
    Expect(one.Calls == 1, "nothing that was refused has been told");
    Unregister(&one);
    FillEvent(event, &CustomEvent, 0);
    IoReportTargetDeviceChange(One->Physical, event);
    Expect(one.Calls == 1, "who has withdrawn is not told");
    Unregister(&two);
    ObDereferenceObject(first);
    ObDereferenceObject(second);
    ExFreePoolWithTag(event, TEST_TAG);
}

static VOID CheckOtherFile(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\notification-test");
    REGISTRANT registrant;
    PDEVICE_OBJECT device;
    PFILE_OBJECT file;

    if (!NT_SUCCESS(IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &device)))
        return;
    ExpectStatus(Register(&registrant, EventCategoryTargetDeviceChange, 0, file),
                 STATUS_INVALID_DEVICE_REQUEST, "a file of what is no PnP device has no target");
    ObDereferenceObject(file);
}

/* The second device says that it has failed, which removes it. */
static VOID CheckSurprise(PTEST_DEVICE Device)
{
    static const GUID class = {0x6f1e1d20, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}};
    REGISTRANT target, interfaces;
    PDEVICE_OBJECT physical = Device->Physical;
    PFILE_OBJECT file;
    UNICODE_STRING link;
    PWSTR list = NULL;
    ULONG i;

    if (!NT_SUCCESS(OpenInterface(Device, &file)) ||
        !NT_SUCCESS(IoRegisterDeviceInterface(physical, &class, NULL, &link))) {
        Expect(FALSE, "the device can be opened");
        return;
    }
    Register(&target, EventCategoryTargetDeviceChange, 0, file);
    Register(&interfaces, EventCategoryDeviceInterfaceChange, 0, (PVOID) & class);
    IoSetDeviceInterfaceState(&link, TRUE);
    RtlFreeUnicodeString(&link);
    target.Close = file;
    ObReferenceObject(physical);
    Device->State = PNP_DEVICE_FAILED;
    IoInvalidateDeviceState(physical);
    for (i = 0; target.Calls == 0 && i < 6000; i++)
        TestPause(5);
    Expect(target.Completes == 1 && target.Queries == 0,
           "a device that goes unasked is told by GUID_TARGET_DEVICE_REMOVE_COMPLETE alone");
    Expect(target.File == file && target.Close == NULL, "to who has it open, with its file object");
    Expect(target.Version == 1 && target.Size == sizeof(TARGET_DEVICE_REMOVAL_NOTIFICATION) &&
               target.Irql == PASSIVE_LEVEL,
           "in a structure of version 1, at PASSIVE_LEVEL");
    Expect(interfaces.Calls == 2 && IsEqualGUID(&interfaces.Event, &Removal),
           "the interface that its driver left enabled is disabled");
    Expect(interfaces.Order < target.Order, "before that");
    for (i = 0; physical->AttachedDevice != NULL && i < 6000; i++)
        TestPause(5); /* until REMOVE_DEVICE has been handled as well */
    Expect(NT_SUCCESS(IoGetDeviceInterfaces(&class, NULL, 0, &list)) && *list == 0,
           "and is in no list");
    if (list != NULL)
        ExFreePool(list);
    Unregister(&target);
    Unregister(&interfaces);
    ObDereferenceObject(physical);
}

VOID CheckTarget(VOID)
{
    PTEST_DEVICE one = TestFind(TestKindEdu, 0), two = TestFind(TestKindEdu, 1);

    if (one == NULL || two == NULL) {
        Expect(FALSE, "there are two devices");
        return;
    }
    CheckCustomEvents(one, two);
    CheckOtherFile();
    CheckSurprise(two);
}

/* ---- a removal that is asked for ------------------------------------------------------------- */

static REGISTRANT Older, Younger;
static PFILE_OBJECT Kept;
static BOOLEAN Stepped;
static BOOLEAN Removing; /* REMOVE_DEVICE has come */
static BOOLEAN ToldEarly;

VOID RemovingTarget(PTEST_DEVICE Device)
{
    UNREFERENCED_PARAMETER(Device);
    Removing = TRUE;
    ToldEarly = ToldEarly || Older.Completes != 0 || Younger.Completes != 0;
}

static VOID StepRefuse(PTEST_DEVICE Device)
{
    PFILE_OBJECT file;

    if (!NT_SUCCESS(OpenInterface(Device, &file))) {
        Expect(FALSE, "the device can be opened");
        return;
    }
    Stepped = TRUE;
    Register(&Older, EventCategoryTargetDeviceChange, 0, file);
    Register(&Younger, EventCategoryTargetDeviceChange, 0, file);
    Older.Status = STATUS_UNSUCCESSFUL; /* the youngest is asked first */
    Older.Close = file;
    Expect(Older.Entry != NULL && Younger.Entry != NULL, "two register for one device");
}

static VOID StepOpen(PTEST_DEVICE Device)
{
    Expect(Older.Queries == 1 && Younger.Queries == 1,
           "GUID_TARGET_DEVICE_QUERY_REMOVE asks who has registered for a device");
    Expect(!Removing && Older.Completes == 0 && Younger.Completes == 0,
           "who refuses keeps it from being removed");
    Expect(Younger.Cancels == 1 && Older.Cancels == 0,
           "GUID_TARGET_DEVICE_REMOVE_CANCELLED tells who had agreed");
    if (!NT_SUCCESS(OpenInterface(Device, &Kept))) {
        Expect(FALSE, "the device can be opened");
        return;
    }
    Older.Status = STATUS_SUCCESS;
    Older.Close = Kept;
    ObReferenceObject(Kept); /* it stays open when it is closed once */
}

static VOID StepClose(PTEST_DEVICE Device)
{
    UNREFERENCED_PARAMETER(Device);
    Expect(Older.Queries == 2 && Younger.Queries == 2 && !Removing,
           "a device that stays open is not removed although all agree");
    Expect(Older.Cancels == 1 && Younger.Cancels == 2, "which is told, too");
    Older.Close = Kept;
}

/* The device that came back is another, by the same name. */
static VOID StepAnew(PTEST_DEVICE Device)
{
    PFILE_OBJECT file = NULL;
    NTSTATUS status = STATUS_NO_SUCH_DEVICE;

    if (Device != NULL)
        status = OpenInterface(Device, &file);
    ExpectStatus(status, STATUS_SUCCESS, "the interface of a device that came back is opened");
    if (!NT_SUCCESS(status))
        return;
    Expect(IoGetRelatedDeviceObject(file) == Device->Self, "and leads to the device of now");
    ObDereferenceObject(file);
}

VOID StepTarget(ULONG Number)
{
    static VOID (*const steps[])(PTEST_DEVICE) = {StepRefuse, StepOpen, StepClose};

    KtapBegin(&TestReport);
    if (Number < 3)
        steps[Number](TestFind(TestKindEdu, 0));
    else
        StepAnew(TestFind(TestKindEdu, 1));
    KtapEnd(&TestReport);
}

VOID UnloadingTarget(VOID)
{
    if (!Stepped)
        return;
    KtapBegin(&TestReport);
    Expect(Older.Queries == 3 && Younger.Queries == 3 && Removing,
           "a device whose files were closed when that was asked for is removed");
    Expect(Older.Completes == 1 && Younger.Completes == 1 && !ToldEarly,
           "and GUID_TARGET_DEVICE_REMOVE_COMPLETE tells it after REMOVE_DEVICE");
    Expect(Older.Cancels == 1 && Younger.Cancels == 2, "nothing is cancelled then");
    Unregister(&Older);
    Unregister(&Younger);
    KtapEnd(&TestReport);
}
