/*
 * shutdown.c - who is told that the system shuts down, by IRP_MJ_SHUTDOWN, and when. What happens
 * then is printed; runs.toml says what the console must show.
 */
#include "notification.h"

enum { ShutdownPlain, ShutdownLast, ShutdownTwice, ShutdownWithdrawn, ShutdownDeleted, Shutdowns };

static PDEVICE_OBJECT Devices[Shutdowns];
static PDRIVER_DISPATCH PassPower;
static BOOLEAN PowerSeen;

static NTSTATUS NTAPI DispatchShutdown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    static const PCSTR names[Shutdowns] = {"plain", "last", "twice", "withdrawn", "deleted"};
    ULONG i;

    for (i = 0; i < Shutdowns; i++)
        if (Devices[i] == DeviceObject)
            DbgPrint("# shutdown: %s at IRQL %u\n", names[i], (ULONG)KeGetCurrentIrql());
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI DispatchPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (!PowerSeen && stack->MinorFunction == IRP_MN_SET_POWER &&
        stack->Parameters.Power.Type == SystemPowerState) {
        PowerSeen = TRUE;
        DbgPrint("# shutdown: power\n");
    }
    return PassPower(DeviceObject, Irp);
}

VOID CheckShutdown(VOID)
{
    BOOLEAN complete = TRUE;
    ULONG i;

    TestDriver->MajorFunction[IRP_MJ_SHUTDOWN] = DispatchShutdown;
    PassPower = TestDriver->MajorFunction[IRP_MJ_POWER];
    TestDriver->MajorFunction[IRP_MJ_POWER] = DispatchPower;
    for (i = 0; i < Shutdowns; i++)
        complete = NT_SUCCESS(IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                             &Devices[i])) &&
                   complete;
    if (!complete) {
        Expect(FALSE, "devices can be created");
        return;
    }
    ExpectStatus(IoRegisterLastChanceShutdownNotification(Devices[ShutdownLast]), STATUS_SUCCESS,
                 "a device can be registered for the last chance");
    ExpectStatus(IoRegisterShutdownNotification(Devices[ShutdownPlain]), STATUS_SUCCESS,
                 "G-IO-71 or for shutdown");
    ExpectStatus(IoRegisterShutdownNotification(Devices[ShutdownTwice]), STATUS_SUCCESS,
                 "another one, too");
    ExpectStatus(IoRegisterShutdownNotification(Devices[ShutdownTwice]), STATUS_SUCCESS,
                 "and that again");
    IoRegisterShutdownNotification(Devices[ShutdownWithdrawn]);
    IoUnregisterShutdownNotification(Devices[ShutdownWithdrawn]);
    IoUnregisterShutdownNotification(Devices[ShutdownWithdrawn]);
    IoRegisterShutdownNotification(Devices[ShutdownDeleted]);
    IoDeleteDevice(Devices[ShutdownDeleted]);
    Devices[ShutdownDeleted] = NULL;
}

VOID RemovingShutdown(VOID)
{
    ULONG i;

    for (i = 0; i < Shutdowns; i++)
        if (Devices[i] != NULL)
            IoDeleteDevice(Devices[i]);
    RtlZeroMemory(Devices, sizeof(Devices));
}
