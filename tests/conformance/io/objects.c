/*
 * objects.c - device objects, stacks of them, names, driver object extensions.
 */
#include "io.h"

#define NAME L"\\Device\\IoTest0"
#define LINK L"\\DosDevices\\IoTest0"

static PDEVICE_OBJECT Create(PCWSTR Name, NTSTATUS *Status)
{
    PDEVICE_OBJECT device = NULL;
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Name);
    *Status = IoCreateDevice(TestDriver, 24, Name == NULL ? NULL : &name, FILE_DEVICE_UNKNOWN,
                             FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    return device;
}

static VOID CheckStack(PDEVICE_OBJECT Lower)
{
    PDEVICE_OBJECT upper, attached = NULL, base, top;
    NTSTATUS status;

    upper = Create(NULL, &status);
    Expect(IoAttachDeviceToDeviceStack(upper, Lower) == NULL,
           "nothing is attached to a device that is not initialised");
    Lower->Flags &= ~DO_DEVICE_INITIALIZING;
    ExpectStatus(IoAttachDeviceToDeviceStackSafe(upper, Lower, &attached), STATUS_SUCCESS,
                 "IoAttachDeviceToDeviceStackSafe attaches");
    Expect(attached == Lower && Lower->AttachedDevice == upper, "to the top of the stack");
    ExpectEqual((UCHAR)upper->StackSize, (UCHAR)(Lower->StackSize + 1),
                "G-IO-42 a device needs one stack location more than the one below");
    top = IoGetAttachedDeviceReference(Lower);
    Expect(top == upper && IoGetAttachedDevice(Lower) == upper,
           "G-IO-44 IoGetAttachedDeviceReference gives the top");
    ObDereferenceObject(top);
    base = IoGetDeviceAttachmentBaseRef(upper);
    Expect(base == Lower, "IoGetDeviceAttachmentBaseRef gives the bottom");
    ObDereferenceObject(base);
    base = IoGetLowerDeviceObject(upper);
    Expect(base == Lower, "IoGetLowerDeviceObject gives the one below");
    ObDereferenceObject(base);
    Expect(IoGetLowerDeviceObject(Lower) == NULL, "or NULL at the bottom");
    IoDetachDevice(Lower);
    Expect(Lower->AttachedDevice == NULL, "G-IO-43 IoDetachDevice removes what is attached");
    IoDeleteDevice(upper);
}

static VOID CheckExtension(VOID)
{
    static UCHAR id;
    PVOID extension, same;

    ExpectStatus(IoAllocateDriverObjectExtension(TestDriver, &id, 32, &extension), STATUS_SUCCESS,
                 "a driver object extension is allocated");
    ExpectStatus(IoAllocateDriverObjectExtension(TestDriver, &id, 32, &same),
                 STATUS_OBJECT_NAME_COLLISION, "an id has one extension only");
    Expect(IoGetDriverObjectExtension(TestDriver, &id) == extension, "and found by it");
    Expect(IoGetDriverObjectExtension(TestDriver, &extension) == NULL, "found by no other id");
}

static VOID CheckEnumeration(VOID)
{
    PDEVICE_OBJECT devices[8];
    ULONG count = 0, i;

    ExpectStatus(IoEnumerateDeviceObjectList(TestDriver, NULL, 0, &count), STATUS_BUFFER_TOO_SMALL,
                 "IoEnumerateDeviceObjectList without a buffer fails");
    Expect(count >= 3 && count <= 8, "and tells how many devices there are");
    ExpectStatus(IoEnumerateDeviceObjectList(TestDriver, devices, sizeof(devices), &count),
                 STATUS_SUCCESS, "IoEnumerateDeviceObjectList lists them");
    for (i = 0; i < count && i < 8; i++) {
        Expect(devices[i]->DriverObject == TestDriver, "each is one of this driver");
        ObDereferenceObject(devices[i]);
    }
}

VOID CheckObjects(VOID)
{
    PDEVICE_OBJECT device, second;
    NTSTATUS status;

    device = Create(NAME, &status);
    ExpectStatus(status, STATUS_SUCCESS, "G-IO-39 IoCreateDevice creates");
    if (device == NULL)
        return;
    Expect((device->Flags & DO_DEVICE_INITIALIZING) != 0, "G-IO-39 DO_DEVICE_INITIALIZING is set");
    Expect(device->DriverObject == TestDriver && device->StackSize == 1 &&
               device->DeviceType == FILE_DEVICE_UNKNOWN && device->ReferenceCount == 0,
           "its members are those documented");
    Expect(RtlCompareMemory(device->DeviceExtension, (UCHAR[24]){0}, 24) == 24,
           "G-IO-39 its extension is zero");
    second = Create(NAME, &status);
    Expect(second == NULL && status == STATUS_OBJECT_NAME_COLLISION,
           "G-IO-39 a name that is taken is an error");
    CheckStack(device);
    CheckExtension();
    CheckEnumeration();
    IoDeleteDevice(device);
    device = Create(NAME, &status);
    ExpectStatus(status, STATUS_SUCCESS, "G-IO-41 the name of a deleted device is free");
    IoDeleteDevice(device);
}

/* ---- names ----------------------------------------------------------------------------------- */

VOID CheckNames(VOID)
{
    UNICODE_STRING name, link, absent, nonsense;
    PFILE_OBJECT file = NULL;
    PDEVICE_OBJECT device, opened = NULL;
    NTSTATUS status;

    RtlInitUnicodeString(&name, NAME);
    RtlInitUnicodeString(&link, LINK);
    RtlInitUnicodeString(&absent, L"\\Device\\IoTestAbsent");
    RtlInitUnicodeString(&nonsense, L"no path");
    device = Create(NAME, &status);
    ExpectStatus(IoCreateSymbolicLink(&link, &name), STATUS_SUCCESS, "G-IO-46 a link is created");
    ExpectStatus(IoCreateSymbolicLink(&link, &name), STATUS_OBJECT_NAME_COLLISION,
                 "G-IO-46 a second one of that name is not");
    ExpectStatus(IoGetDeviceObjectPointer(&absent, FILE_READ_DATA, &file, &opened),
                 STATUS_OBJECT_NAME_NOT_FOUND, "G-IO-45 a device that there is not is not opened");
    status = IoGetDeviceObjectPointer(&nonsense, FILE_READ_DATA, &file, &opened);
    Expect(!NT_SUCCESS(status), "G-IO-45 nor is what is no path");
    ExpectStatus(IoDeleteSymbolicLink(&link), STATUS_SUCCESS, "G-IO-47 a link is deleted");
    ExpectStatus(IoDeleteSymbolicLink(&link), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-IO-47 a link is deleted once");
    IoDeleteDevice(device);
}
