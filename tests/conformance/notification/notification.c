/*
 * notification.c - who is told of what: device interfaces and target devices that come and go,
 * changed relations, and the driver's own reinitialisation.
 */
#include "notification.h"

#define EVENT_GUID(Low)                                                                            \
    {                                                                                              \
        0xcb3a4000 | (Low), 0x46f0, 0x11d0,                                                        \
        {                                                                                          \
            0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f                                         \
        }                                                                                          \
    }

const GUID Arrival = EVENT_GUID(4), Removal = EVENT_GUID(5), QueryRemove = EVENT_GUID(6),
           RemoveCancelled = EVENT_GUID(7), RemoveComplete = EVENT_GUID(8);
const GUID CustomEvent = {0x6f1e1d00, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}};
static const GUID TargetClass = {0x6f1e1d01, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}};

static volatile LONG CallOrder;

static VOID NoteTarget(PREGISTRANT Registrant, PTARGET_DEVICE_CUSTOM_NOTIFICATION Event)
{
    Registrant->File = Event->FileObject;
    if (IsEqualGUID(&Event->Event, &QueryRemove)) {
        Registrant->Queries++;
        if (Registrant->Close != NULL)
            ObDereferenceObject(Registrant->Close);
        Registrant->Close = NULL;
    } else if (IsEqualGUID(&Event->Event, &RemoveCancelled)) {
        Registrant->Cancels++;
    } else if (IsEqualGUID(&Event->Event, &RemoveComplete)) {
        Registrant->Completes++;
        if (Registrant->Close != NULL)
            ObDereferenceObject(Registrant->Close);
        Registrant->Close = NULL;
    } else {
        Registrant->Data = *(PULONG)Event->CustomDataBuffer;
    }
}

static NTSTATUS NTAPI Notified(PVOID Structure, PVOID Context)
{
    PDEVICE_INTERFACE_CHANGE_NOTIFICATION event = Structure;
    PREGISTRANT registrant = Context;

    registrant->Irql = KeGetCurrentIrql();
    registrant->Event = event->Event;
    registrant->Version = event->Version;
    registrant->Size = event->Size;
    registrant->Order = (ULONG)InterlockedIncrement(&CallOrder);
    if (IsEqualGUID(&event->Event, &Arrival) || IsEqualGUID(&event->Event, &Removal)) {
        registrant->Class = event->InterfaceClassGuid;
        RtlZeroMemory(registrant->Link, sizeof(registrant->Link));
        if (event->SymbolicLinkName->Length < sizeof(registrant->Link))
            RtlCopyMemory(registrant->Link, event->SymbolicLinkName->Buffer,
                          event->SymbolicLinkName->Length);
    } else {
        NoteTarget(registrant, Structure);
    }
    InterlockedExchange(&registrant->Inside, 1);
    while (registrant->Hold)
        TestPause(1);
    InterlockedExchange(&registrant->Inside, 0);
    if (registrant->Withdraw)
        IoUnregisterPlugPlayNotificationEx(registrant->Entry);
    InterlockedIncrement(&registrant->Calls);
    return registrant->Status;
}

NTSTATUS Register(PREGISTRANT Registrant, IO_NOTIFICATION_EVENT_CATEGORY Category, ULONG Flags,
                  PVOID Data)
{
    RtlZeroMemory(Registrant, sizeof(*Registrant));
    return IoRegisterPlugPlayNotification(Category, Flags, Data, TestDriver, Notified, Registrant,
                                          &Registrant->Entry);
}

VOID Unregister(PREGISTRANT Registrant)
{
    if (Registrant->Entry != NULL)
        IoUnregisterPlugPlayNotificationEx(Registrant->Entry);
    Registrant->Entry = NULL;
}

NTSTATUS OpenInterface(PTEST_DEVICE Device, PFILE_OBJECT *File)
{
    PDEVICE_OBJECT device;
    UNICODE_STRING link;
    NTSTATUS status = IoRegisterDeviceInterface(Device->Physical, &TargetClass, NULL, &link);

    if (!NT_SUCCESS(status))
        return status;
    IoSetDeviceInterfaceState(&link, TRUE);
    status = IoGetDeviceObjectPointer(&link, FILE_READ_DATA, File, &device);
    RtlFreeUnicodeString(&link);
    return status;
}

/* ---- reinitialisation ------------------------------------------------------------------------ */

static ULONG Counts[4];
static ULONG Reinitialisations;
static BOOLEAN AddedBefore, ContextRight = TRUE;

static VOID NTAPI Reinitialize(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    ContextRight = ContextRight && Context == &Counts && DriverObject == TestDriver;
    AddedBefore = TestDevices != NULL && TestDevices->Started;
    if (Reinitialisations < 4)
        Counts[Reinitialisations] = Count;
    Reinitialisations++;
    if (Reinitialisations < 3)
        IoRegisterDriverReinitialization(DriverObject, Reinitialize, Context);
}

static VOID Entry(VOID)
{
    IoRegisterDriverReinitialization(TestDriver, Reinitialize, &Counts);
}

static VOID CheckReinitialisation(VOID)
{
    ExpectEqual(Reinitialisations, 3,
                "a Reinitialize routine is called as often as it is registered");
    Expect(ContextRight, "with its driver object and context");
    Expect(Counts[0] == 1 && Counts[1] == 2 && Counts[2] == 3, "and told how often, from 1 on");
    Expect(AddedBefore, "after DriverEntry and AddDevice");
}

/* ---- relations ------------------------------------------------------------------------------- */

static PDRIVER_DISPATCH PassPnp;
static volatile LONG BusQueries, StateQueries;
static KIRQL StateIrql;

static NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (stack->MinorFunction == IRP_MN_QUERY_DEVICE_RELATIONS &&
        stack->Parameters.QueryDeviceRelations.Type == BusRelations)
        InterlockedIncrement(&BusQueries);
    if (stack->MinorFunction == IRP_MN_QUERY_PNP_DEVICE_STATE) {
        StateIrql = KeGetCurrentIrql();
        InterlockedIncrement(&StateQueries);
    }
    return PassPnp(DeviceObject, Irp);
}

static VOID CheckRelations(VOID)
{
    KIRQL irql;
    ULONG i;

    PassPnp = TestDriver->MajorFunction[IRP_MJ_PNP];
    TestDriver->MajorFunction[IRP_MJ_PNP] = DispatchPnp;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoInvalidateDeviceRelations(TestDevices->Physical, BusRelations);
    KeLowerIrql(irql);
    for (i = 0; BusQueries == 0 && i < 6000; i++)
        TestPause(5);
    ExpectEqual((ULONG)BusQueries, 1,
                "IoInvalidateDeviceRelations has BusRelations queried, later and in a thread");
    IoInvalidateDeviceRelations(TestDevices->Physical, EjectionRelations);
    IoInvalidateDeviceRelations(TestDevices->Physical, RemovalRelations);
    TestPause(50);
    ExpectEqual((ULONG)BusQueries, 1, "for other relations nothing is queried beforehand");
    StateQueries = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoInvalidateDeviceState(TestDevices->Physical);
    KeLowerIrql(irql);
    TestSpinUntil(&StateQueries, 1, 60000);
    Expect(StateQueries == 1 && StateIrql == PASSIVE_LEVEL && TestDevices->Started,
           "IoInvalidateDeviceState has the device's state queried, later and in a thread");
    TestDriver->MajorFunction[IRP_MJ_PNP] = PassPnp;
}

/* ---- the group ------------------------------------------------------------------------------- */

static VOID CheckCategories(VOID)
{
    static UCHAR mark;
    REGISTRANT registrant;

    ExpectStatus(Register(&registrant, EventCategoryReserved, 0, &mark), STATUS_INVALID_PARAMETER,
                 "G-IO-77 there is no category 0");
    Expect(registrant.Entry == NULL, "and no registration comes of it");
    ExpectStatus(Register(&registrant, EventCategoryTargetDeviceChange + 1, 0, &mark),
                 STATUS_INVALID_PARAMETER, "G-IO-77 nor one behind the last");
    ExpectStatus(Register(&registrant, EventCategoryHardwareProfileChange, 0, NULL), STATUS_SUCCESS,
                 "G-IO-77 changes of the hardware profile can be registered for");
    ExpectStatus(IoUnregisterPlugPlayNotification(registrant.Entry), STATUS_SUCCESS,
                 "and that be withdrawn by IoUnregisterPlugPlayNotification");
    ExpectEqual((ULONG)registrant.Calls, 0, "there was none meanwhile");
}

static VOID Run(VOID)
{
    CheckReinitialisation();
    CheckCategories();
    CheckInterfaces();
    CheckArrivalInStart();
    CheckRelations();
    CheckTarget();
    CheckShutdown();
}

static VOID Removing(PTEST_DEVICE Device)
{
    RemovingTarget(Device);
    if (Device->Next == NULL && TestDevices == Device)
        RemovingShutdown();
}

const TEST_GROUP TestGroup = {
    .Run = Run,
    .Entry = Entry,
    .Started = StartedInterfaces,
    .Stop = StopNotification,
    .Step = StepTarget,
    .Removing = Removing,
    .Unloading = UnloadingTarget,
};
