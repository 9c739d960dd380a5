/*
 * names.c - what is found by a name: symbolic links, devices to attach to, events; files and the
 * devices that they lead to; object types; the count of devices.
 */
#include "io.h"

#define NAME L"\\Device\\IoTestNamed"
#define LINK L"\\DosDevices\\IoTestNamed"
#define EVENT L"\\BaseNamedObjects\\IoTestEvent"

static UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME), Link = RTL_CONSTANT_STRING(LINK),
                      Absent = RTL_CONSTANT_STRING(L"\\Device\\IoTestAbsent"),
                      Nonsense = RTL_CONSTANT_STRING(L"no path");

static PDEVICE_OBJECT Create(PUNICODE_STRING DeviceName)
{
    PDEVICE_OBJECT device;

    if (!NT_SUCCESS(
            IoCreateDevice(TestDriver, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)))
        return NULL;
    return device;
}

/* mingw-w64's headers declare these so that GCC does not take them for imported. */
static POBJECT_TYPE Type(PCWSTR Variable)
{
    return *(POBJECT_TYPE *)TestRoutine(Variable);
}

/* ---- links and files ------------------------------------------------------------------------- */

static VOID CheckLink(PDEVICE_OBJECT Device, PDEVICE_OBJECT Upper)
{
    PDEVICE_OBJECT opened = NULL;
    PFILE_OBJECT file = NULL;

    ExpectStatus(IoCreateUnprotectedSymbolicLink(&Link, &Name), STATUS_SUCCESS,
                 "IoCreateUnprotectedSymbolicLink makes a link");
    ExpectStatus(IoCreateUnprotectedSymbolicLink(&Link, &Name), STATUS_OBJECT_NAME_COLLISION,
                 "of each name one");
    Expect(!NT_SUCCESS(IoCreateUnprotectedSymbolicLink(&Nonsense, &Name)),
           "what is no path is no link's name");
    ExpectStatus(IoGetDeviceObjectPointer(&Link, FILE_READ_DATA, &file, &opened), STATUS_SUCCESS,
                 "the link leads to the device");
    if (file != NULL) {
        Expect(file->DeviceObject == Device, "the file is the named device's");
        Expect(opened == Upper, "the device object returned is the stack's top");
        Expect(IoGetRelatedDeviceObject(file) == Upper,
               "IoGetRelatedDeviceObject gives the top of a file's stack");
        IoDetachDevice(Device);
        Expect(IoGetRelatedDeviceObject(file) == Device,
               "or the file's device when nothing is attached to it");
        ObDereferenceObject(file);
    }
    ExpectStatus(IoDeleteSymbolicLink(&Link), STATUS_SUCCESS, "IoDeleteSymbolicLink deletes it");
}

static VOID CheckAttach(VOID)
{
    PDEVICE_OBJECT lower = Create(&Name), upper = Create(NULL), third = Create(NULL);
    PDEVICE_OBJECT attached = NULL;

    if (lower == NULL || upper == NULL || third == NULL) {
        Expect(FALSE, "devices can be created");
        return;
    }
    Expect(!NT_SUCCESS(IoAttachDevice(upper, &Name, &attached)) && lower->AttachedDevice == NULL,
           "IoAttachDevice does not attach to a device that is being initialised");
    lower->Flags &= ~DO_DEVICE_INITIALIZING;
    upper->Flags &= ~DO_DEVICE_INITIALIZING;
    ExpectStatus(IoAttachDevice(upper, &Absent, &attached), STATUS_OBJECT_NAME_NOT_FOUND,
                 "nor to one that there is not");
    Expect(!NT_SUCCESS(IoAttachDevice(upper, &Nonsense, &attached)), "nor to what is no path");
    ExpectStatus(IoAttachDevice(upper, &Name, &attached), STATUS_SUCCESS,
                 "IoAttachDevice attaches to a device by its name");
    Expect(attached == lower && lower->AttachedDevice == upper, "which it gives back");
    ExpectEqual((UCHAR)upper->StackSize, (UCHAR)(lower->StackSize + 1),
                "the new top has one stack location more");
    ExpectStatus(IoAttachDevice(third, &Name, &attached), STATUS_SUCCESS, "another one");
    Expect(attached == upper && upper->AttachedDevice == third, "goes to the top of the stack");
    IoDetachDevice(upper);
    CheckLink(lower, upper);
    IoDeleteDevice(third);
    IoDeleteDevice(upper);
    IoDeleteDevice(lower);
}

/* ---- events ---------------------------------------------------------------------------------- */

static BOOLEAN IsSignaled(PKEVENT Event)
{
    LARGE_INTEGER now = {.QuadPart = 0};

    return KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, &now) == STATUS_SUCCESS;
}

static VOID CheckEvents(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(EVENT);
    HANDLE first = NULL, second = NULL;
    PKEVENT event = IoCreateNotificationEvent(&name, &first), again;
    PVOID object = NULL;

    if (event == NULL) {
        Expect(FALSE, "a named event can be created");
        return;
    }
    Expect(IsSignaled(event) && IsSignaled(event),
           "IoCreateNotificationEvent makes an event that is signaled and stays so");
    again = IoCreateNotificationEvent(&name, &second);
    Expect(again == event && second != first,
           "one that there is is opened: the same event, another handle");
    KeClearEvent(event);
    Expect(!IsSignaled(again), "which shows the same state");
    ExpectStatus(ObReferenceObjectByHandle(first, EVENT_ALL_ACCESS, Type(L"ExEventObjectType"),
                                           KernelMode, &object, NULL),
                 STATUS_SUCCESS, "the handle is an event's");
    Expect(object == event, "that one's");
    if (object != NULL)
        ObDereferenceObject(object);
    ZwClose(first);
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    Expect(IsSignaled(event), "it lives as long as there is a handle to it");
    KeClearEvent(event);
    ZwClose(second);
    event = IoCreateSynchronizationEvent(&name, &first);
    Expect(event != NULL && IsSignaled(event) && !IsSignaled(event),
           "IoCreateSynchronizationEvent makes one, signaled, that a wait resets");
    again = IoCreateSynchronizationEvent(&name, &second);
    Expect(again == event && second != first && !IsSignaled(again),
           "IoCreateSynchronizationEvent opens one that there is, as it is");
    if (again != NULL)
        ZwClose(second);
    if (event != NULL)
        ZwClose(first);
    Expect(IoCreateSynchronizationEvent(&Nonsense, &first) == NULL,
           "what is no path names no event");
    Expect(IoCreateNotificationEvent(&Nonsense, &first) == NULL, "of neither kind there is");
}

/* ---- types, counts --------------------------------------------------------------------------- */

static VOID CheckTypes(VOID)
{
    POBJECT_TYPE device = Type(L"IoDeviceObjectType"), driver = Type(L"IoDriverObjectType");
    PDEVICE_OBJECT object = TestDevices->Self;

    ExpectStatus(ObReferenceObjectByPointer(object, 0, device, KernelMode), STATUS_SUCCESS,
                 "a device object is of IoDeviceObjectType");
    ObDereferenceObject(object);
    ExpectStatus(ObReferenceObjectByPointer(object, 0, driver, KernelMode),
                 STATUS_OBJECT_TYPE_MISMATCH, "and not of IoDriverObjectType");
    ExpectStatus(ObReferenceObjectByPointer(TestDriver, 0, driver, KernelMode), STATUS_SUCCESS,
                 "a driver object is");
    ObDereferenceObject(TestDriver);
    ExpectStatus(ObReferenceObjectByPointer(TestDriver, 0, Type(L"IoFileObjectType"), KernelMode),
                 STATUS_OBJECT_TYPE_MISMATCH, "and not of IoFileObjectType");
}

static VOID CheckConfiguration(VOID)
{
    PCONFIGURATION_INFORMATION counts = IoGetConfigurationInformation();
    ULONG disks = counts->DiskCount;

    Expect(counts->ParallelCount < 100 && counts->SerialCount < 100 && disks < 100,
           "IoGetConfigurationInformation counts devices");
    ExpectEqual(counts->Version, sizeof(*counts), "its Version is its size");
    counts->DiskCount++;
    ExpectEqual(IoGetConfigurationInformation()->DiskCount, disks + 1,
                "a driver that makes one counts it, for all to see");
    counts->DiskCount--;
}

VOID CheckNamed(VOID)
{
    CheckAttach();
    CheckEvents();
    CheckTypes();
    CheckConfiguration();
}
