/*
 * io/support.c - the small services: configuration counts, WMI registration, WMILIB.
 *
 * There is no WMI consumer here. A registration is accepted, as a provider that nobody queries is a
 * state Windows has too; WmiSystemControl passes every request down.
 */
#include <lib/export.h>
#include <nt/ntddk.h>
#include <nt/wmilib.h>

#include "io/alloc.h"

static CONFIGURATION_INFORMATION configuration;

/* WDK surface */

PCONFIGURATION_INFORMATION NTAPI IoGetConfigurationInformation(VOID)
{
    return &configuration;
}
LDR_EXPORT(IoGetConfigurationInformation);

NTSTATUS NTAPI IoWMIRegistrationControl(PDEVICE_OBJECT DeviceObject, ULONG Action)
{
    if (DeviceObject == NULL || Action < WMIREG_ACTION_REGISTER ||
        Action > WMIREG_ACTION_BLOCK_IRPS)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoWMIRegistrationControl);

NTSTATUS NTAPI WmiSystemControl(PWMILIB_CONTEXT WmiLibInfo, PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                PSYSCTL_IRP_DISPOSITION IrpDisposition)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(WmiLibInfo);
    /* A request names its provider in ProviderId; one for another device goes down. */
    *IrpDisposition = location->MinorFunction > IRP_MN_EXECUTE_METHOD &&
                              location->MinorFunction != IRP_MN_REGINFO_EX
                          ? IrpNotWmi
                          : IrpForward;
    if (location->Parameters.WMI.ProviderId == (ULONG_PTR)DeviceObject)
        *IrpDisposition = IrpNotCompleted;
    return STATUS_SUCCESS;
}
LDR_EXPORT(WmiSystemControl);

NTSTATUS NTAPI WmiCompleteRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp, NTSTATUS Status,
                                  ULONG BufferUsed, CCHAR PriorityBoost)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = BufferUsed;
    IofCompleteRequest(Irp, PriorityBoost);
    return Status;
}
LDR_EXPORT(WmiCompleteRequest);
