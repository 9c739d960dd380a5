/*
 * stacks.c - who keeps a device object: what is attached to it, what has it open. Exclusive
 * devices, devices of volumes.
 */
#include "io.h"

#define NAME L"\\Device\\IoTestStack"
#define EXCLUSIVE L"\\Device\\IoTestExclusive"

static UNICODE_STRING StackName = RTL_CONSTANT_STRING(NAME),
                      Exclusive = RTL_CONSTANT_STRING(EXCLUSIVE);

static PDEVICE_OBJECT CreateOf(PUNICODE_STRING DeviceName, DEVICE_TYPE Type, BOOLEAN IsExclusive)
{
    PDEVICE_OBJECT device;

    if (!NT_SUCCESS(IoCreateDevice(TestDriver, 8, DeviceName, Type, 0, IsExclusive, &device)))
        return NULL;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return device;
}

PDEVICE_OBJECT CreateDevice(PUNICODE_STRING Name)
{
    return CreateOf(Name, FILE_DEVICE_UNKNOWN, FALSE);
}

/* ---- alone ----------------------------------------------------------------------------------- */

static VOID CheckAlone(PDEVICE_OBJECT Device)
{
    PDEVICE_OBJECT found;

    Expect(IoGetAttachedDevice(Device) == Device,
           "IoGetAttachedDevice of a device without any above gives that one");
    found = IoGetAttachedDeviceReference(Device);
    Expect(found == Device, "so does IoGetAttachedDeviceReference");
    ObDereferenceObject(found);
    found = IoGetDeviceAttachmentBaseRef(Device);
    Expect(found == Device, "IoGetDeviceAttachmentBaseRef of one that is not attached, too");
    ObDereferenceObject(found);
}

/* Whichever device is named, it is the top that another is attached to. */
static VOID CheckTop(PDEVICE_OBJECT Lower, PDEVICE_OBJECT Upper)
{
    PDEVICE_OBJECT third = CreateDevice(NULL), attached = NULL;

    if (third == NULL) {
        Expect(FALSE, "a third device can be created");
        return;
    }
    IoAttachDeviceToDeviceStack(Upper, Lower);
    Expect(IoAttachDeviceToDeviceStack(third, Lower) == Upper && Upper->AttachedDevice == third,
           "IoAttachDeviceToDeviceStack attaches to the top, whichever device is named");
    ExpectEqual((UCHAR)third->StackSize, (UCHAR)(Lower->StackSize + 2), "two devices are below it");
    IoDetachDevice(Upper);
    ExpectStatus(IoAttachDeviceToDeviceStackSafe(third, Lower, &attached), STATUS_SUCCESS,
                 "so does IoAttachDeviceToDeviceStackSafe");
    Expect(attached == Upper && IoGetAttachedDevice(Lower) == third, "and says which it was");
    IoDetachDevice(Upper);
    IoDetachDevice(Lower);
    IoDeleteDevice(third);
}

/* ---- enumeration ----------------------------------------------------------------------------- */

static VOID CheckEnumeration(VOID)
{
    PDEVICE_OBJECT devices[3] = {NULL};
    ULONG count = 0;

    ExpectStatus(IoEnumerateDeviceObjectList(TestDriver, devices, 2 * sizeof(devices[0]), &count),
                 STATUS_BUFFER_TOO_SMALL, "an array that is too small for all devices is filled");
    Expect(count > 2 && devices[0] != NULL && devices[1] != NULL && devices[2] == NULL,
           "to its end, and no further");
    ObDereferenceObject(devices[0]);
    ObDereferenceObject(devices[1]);
}

/* ---- IoAttachDevice -------------------------------------------------------------------------- */

/* Requests of a file that came, by major function, and to whom. */
static PDEVICE_OBJECT Seen[IRP_MJ_MAXIMUM_FUNCTION + 1];
static PDEVICE_OBJECT *Stored; /* where IoAttachDevice stores what it attaches to */
static BOOLEAN IsStored;       /* it had when CLEANUP came */

static NTSTATUS NTAPI NoteRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;

    Seen[major] = DeviceObject;
    if (major == IRP_MJ_CLEANUP)
        IsStored = *Stored != NULL;
    return TestComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID CheckOpening(PDEVICE_OBJECT Lower, PDEVICE_OBJECT Upper)
{
    static PDEVICE_OBJECT attached;
    PDRIVER_DISPATCH create = TestDriver->MajorFunction[IRP_MJ_CREATE];
    PDRIVER_DISPATCH cleanup = TestDriver->MajorFunction[IRP_MJ_CLEANUP];
    PDRIVER_DISPATCH close = TestDriver->MajorFunction[IRP_MJ_CLOSE];
    NTSTATUS status;

    attached = NULL;
    Stored = &attached;
    TestDriver->MajorFunction[IRP_MJ_CREATE] = NoteRequest;
    TestDriver->MajorFunction[IRP_MJ_CLEANUP] = NoteRequest;
    TestDriver->MajorFunction[IRP_MJ_CLOSE] = NoteRequest;
    Upper->AlignmentRequirement = FILE_BYTE_ALIGNMENT;
    Lower->AlignmentRequirement = FILE_OCTA_ALIGNMENT;
    status = IoAttachDevice(Upper, &StackName, &attached);
    TestDriver->MajorFunction[IRP_MJ_CREATE] = create;
    TestDriver->MajorFunction[IRP_MJ_CLEANUP] = cleanup;
    TestDriver->MajorFunction[IRP_MJ_CLOSE] = close;
    ExpectStatus(status, STATUS_SUCCESS, "IoAttachDevice opens the target while it attaches");
    Expect(Seen[IRP_MJ_CREATE] == Lower, "which IRP_MJ_CREATE tells the target");
    Expect(Seen[IRP_MJ_CLEANUP] == Upper && Seen[IRP_MJ_CLOSE] == Upper,
           "IRP_MJ_CLEANUP and IRP_MJ_CLOSE come to what is attached then");
    Expect(IsStored && attached == Lower, "AttachedDevice is stored before");
    ExpectEqual(Upper->AlignmentRequirement, FILE_OCTA_ALIGNMENT,
                "the new top has the alignment of the one below");
    IoDetachDevice(Lower);
}

/* ---- deletion -------------------------------------------------------------------------------- */

/* Upper is attached to Lower, which is deleted first. */
static VOID CheckDeletedBelow(PDEVICE_OBJECT Lower, PDEVICE_OBJECT Upper)
{
    PDEVICE_OBJECT found;

    Expect(IoAttachDeviceToDeviceStack(Upper, Lower) == Lower, "a device is attached to another");
    found = IoGetLowerDeviceObject(Upper);
    Expect(found == Lower, "which is the lower one");
    ObDereferenceObject(found);
    IoDeleteDevice(Lower);
    Expect(IoGetLowerDeviceObject(Upper) == NULL,
           "IoGetLowerDeviceObject gives NULL when the lower device is being deleted");
    Expect(Lower->Type == IO_TYPE_DEVICE && Lower->AttachedDevice == Upper,
           "a deleted device is there as long as another is attached to it");
    IoDetachDevice(Lower);
}

/* A device that is open when it is deleted. */
static VOID CheckDeletedOpen(PDEVICE_OBJECT Device, PDEVICE_OBJECT Other)
{
    PDEVICE_OBJECT opened = NULL, attached = Device;
    PFILE_OBJECT file = NULL, second = NULL;

    ExpectStatus(IoGetDeviceObjectPointer(&StackName, FILE_READ_DATA, &file, &opened),
                 STATUS_SUCCESS, "a device is open");
    if (file == NULL)
        return;
    IoDeleteDevice(Device);
    Expect(Device->Type == IO_TYPE_DEVICE && Device->ReferenceCount == 1,
           "a device that is deleted while it is open is there until it is closed");
    ExpectStatus(IoGetDeviceObjectPointer(&StackName, FILE_READ_DATA, &second, &opened),
                 STATUS_OBJECT_NAME_NOT_FOUND, "its name is gone at once");
    ExpectStatus(IoAttachDeviceToDeviceStackSafe(Other, Device, &attached), STATUS_NO_SUCH_DEVICE,
                 "IoAttachDeviceToDeviceStackSafe does not attach to a device being deleted");
    Expect(attached == NULL && Device->AttachedDevice == NULL, "and stores NULL");
    Expect(IoAttachDeviceToDeviceStack(Other, Device) == NULL,
           "IoAttachDeviceToDeviceStack neither");
    ObDereferenceObject(file);
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static VOID CheckExclusive(VOID)
{
    PDEVICE_OBJECT device = CreateOf(&Exclusive, FILE_DEVICE_UNKNOWN, TRUE), opened;
    PFILE_OBJECT file = NULL, second = NULL;

    if (device == NULL) {
        Expect(FALSE, "an exclusive device can be created");
        return;
    }
    ExpectStatus(IoGetDeviceObjectPointer(&Exclusive, FILE_READ_DATA, &file, &opened),
                 STATUS_SUCCESS, "an exclusive device can be opened");
    ExpectStatus(IoGetDeviceObjectPointer(&Exclusive, FILE_READ_DATA, &second, &opened),
                 STATUS_ACCESS_DENIED, "an exclusive device can be opened once at a time");
    if (file != NULL)
        ObDereferenceObject(file);
    IoDeleteDevice(device);
}

static VOID CheckVolumes(VOID)
{
    static const DEVICE_TYPE types[] = {FILE_DEVICE_DISK, FILE_DEVICE_CD_ROM, FILE_DEVICE_TAPE,
                                        FILE_DEVICE_VIRTUAL_DISK};
    PDEVICE_OBJECT device = CreateDevice(NULL);
    ULONG i, good = 0;

    for (i = 0; i < 4; i++) {
        PDEVICE_OBJECT disk = CreateOf(NULL, types[i], FALSE);

        if (disk == NULL)
            continue;
        good += disk->Vpb != NULL && disk->Vpb->Type == IO_TYPE_VPB &&
                disk->Vpb->RealDevice == disk && disk->Vpb->DeviceObject == NULL &&
                (disk->Vpb->Flags & VPB_MOUNTED) == 0;
        IoDeleteDevice(disk);
    }
    ExpectEqual(good, 4, "disks, CD-ROMs, tapes and RAM disks have a VPB without a mounted volume");
    Expect(device != NULL && device->Vpb == NULL, "other devices have none");
    if (device != NULL)
        IoDeleteDevice(device);
}

VOID CheckStacks(VOID)
{
    PDEVICE_OBJECT lower = CreateDevice(&StackName), upper = CreateDevice(NULL);

    if (lower == NULL || upper == NULL) {
        Expect(FALSE, "two devices can be created");
        return;
    }
    CheckAlone(lower);
    CheckTop(lower, upper);
    CheckEnumeration();
    CheckOpening(lower, upper);
    CheckDeletedBelow(lower, upper);
    lower = CreateDevice(&StackName);
    if (lower != NULL)
        CheckDeletedOpen(lower, upper);
    IoDeleteDevice(upper);
    CheckExclusive();
    CheckVolumes();
}
