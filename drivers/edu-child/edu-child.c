/*
 * edu-child.c - the function driver of a calculator on an edu-bus (see ../edu-bus).
 *
 * A device without resources or an interrupt of its own: all it can do is send requests down its
 * stack, to the bus driver. Its INF also puts a filter, irp-count, on top of the stack.
 */
#define FUNCTION_NAME "edu-child"
#define FUNCTION_TYPE FILE_DEVICE_UNKNOWN
#define FUNCTION_FLAGS DO_BUFFERED_IO

#include "../function/function.h"

typedef struct _DEVICE {
    FUNCTION Function;
} DEVICE;

#include "../function/dispatch.h"

VOID FunctionInitialize(PDEVICE Device)
{
    UNREFERENCED_PARAMETER(Device);
}

NTSTATUS FunctionStart(PDEVICE Device)
{
    DbgPrint("edu-child%u: started\n", Device->Function.Index);
    return STATUS_SUCCESS;
}

VOID FunctionStop(PDEVICE Device)
{
    DbgPrint("edu-child%u: stopped\n", Device->Function.Index);
}

/* Down to the bus driver, and wait: PASSIVE_LEVEL. */
NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    if (!Device->Function.Running)
        return STATUS_DEVICE_NOT_READY;
    if (!IoForwardIrpSynchronously(Device->Function.Lower, Irp))
        return STATUS_UNSUCCESSFUL;
    *Information = (ULONG)Irp->IoStatus.Information;
    return Irp->IoStatus.Status;
}
