/*
 * iointex.c - the system's routines where it has them, else the old ones.
 *
 * Which of the two is found out by name, at each call: both are made at PASSIVE_LEVEL and seldom,
 * and a library should keep no state in a driver.
 */
#include <ntddk.h>

#include "iointex.h"

#undef IoConnectInterruptEx
#undef IoDisconnectInterruptEx

typedef NTSTATUS NTAPI CONNECT_ROUTINE(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters);
typedef VOID NTAPI DISCONNECT_ROUTINE(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters);

static PVOID FindRoutine(PCWSTR Name)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Name);
    return MmGetSystemRoutineAddress(&name);
}

/* The statuses are those of IoConnectInterruptEx, which tells more than the old routine does. */
static NTSTATUS ConnectFullySpecified(PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS Full)
{
    if (Full->PhysicalDeviceObject == NULL || Full->InterruptObject == NULL ||
        Full->ServiceRoutine == NULL)
        return STATUS_INVALID_PARAMETER;
    if (Full->ProcessorEnableMask == 0)
        return STATUS_INVALID_PARAMETER_10;
    return IoConnectInterrupt(Full->InterruptObject, Full->ServiceRoutine, Full->ServiceContext,
                              Full->SpinLock, Full->Vector, Full->Irql, Full->SynchronizeIrql,
                              Full->InterruptMode, Full->ShareVector, Full->ProcessorEnableMask,
                              Full->FloatingSave);
}

NTSTATUS NTAPI WdmlibIoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters)
{
    CONNECT_ROUTINE *connect = (CONNECT_ROUTINE *)FindRoutine(L"IoConnectInterruptEx");

    if (connect != NULL)
        return connect(Parameters);
    if (Parameters->Version != CONNECT_FULLY_SPECIFIED) {
        Parameters->Version = CONNECT_FULLY_SPECIFIED;
        return STATUS_NOT_SUPPORTED;
    }
    return ConnectFullySpecified(&Parameters->FullySpecified);
}

VOID NTAPI WdmlibIoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters)
{
    DISCONNECT_ROUTINE *disconnect = (DISCONNECT_ROUTINE *)FindRoutine(L"IoDisconnectInterruptEx");

    if (disconnect != NULL)
        disconnect(Parameters);
    else
        IoDisconnectInterrupt(Parameters->ConnectionContext.InterruptObject);
}
