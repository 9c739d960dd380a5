/*
 * xhci.c - a USB 3 controller that tells when devices come to its ports and go.
 *
 *   IRP_MJ_READ               waits for changes of ports, XHCI_PORT_CHANGE each; can be cancelled
 *   IOCTL_XHCI_INFORMATION    ports, which of them have a device, counts
 *
 * The controller writes events into a ring and interrupts. The DPC takes them out, acknowledges
 * what changed at the port, and keeps the change until somebody reads it.
 */
#define FUNCTION_NAME "xhci"
#define FUNCTION_TYPE FILE_DEVICE_CONTROLLER
#define FUNCTION_FLAGS DO_BUFFERED_IO

#include "xhci.h"

#include "../function/dispatch.h"

#define COMMAND_MILLISECONDS 5000

/* ---- Changes and their readers ------------------------------------------------------------ */

static ULONG PortBit(ULONG Port)
{
    return Port <= 32 ? 1u << (Port - 1) : 0;
}

/* Lock held. */
static VOID KeepChange(PDEVICE Device, ULONG Port)
{
    ULONG status = RegisterRead(Device, PortRegister(Device, Port));
    ULONG at;

    RegisterWrite(Device, PortRegister(Device, Port),
                  (status & XHCI_PORT_KEEP) | (status & XHCI_PORT_CHANGES));
    if (status & XHCI_PORT_CONNECTED)
        Device->Information.Connected |= PortBit(Port);
    else
        Device->Information.Connected &= ~PortBit(Port);
    Device->Information.Changes++;
    if (Device->ChangeCount == CHANGES_KEPT) { /* the oldest makes room */
        Device->ChangeFirst = (Device->ChangeFirst + 1) % CHANGES_KEPT;
        Device->ChangeCount--;
        Device->Information.Lost++;
    }
    at = (Device->ChangeFirst + Device->ChangeCount++) % CHANGES_KEPT;
    Device->Changes[at].Port = Port;
    Device->Changes[at].Status = status;
}

/* Lock held. */
static ULONG CopyChanges(PDEVICE Device, PIRP Irp)
{
    ULONG room = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    XHCI_PORT_CHANGE *target = Irp->AssociatedIrp.SystemBuffer;
    ULONG copied = 0;

    for (; Device->ChangeCount != 0 && room >= sizeof(*target); Device->ChangeCount--) {
        target[copied++] = Device->Changes[Device->ChangeFirst];
        Device->ChangeFirst = (Device->ChangeFirst + 1) % CHANGES_KEPT;
        room -= sizeof(*target);
    }
    return copied * sizeof(*target);
}

/* Bring changes and readers together; turn readers away if the device is stopped. */
static VOID Pump(PDEVICE Device)
{
    NTSTATUS status;
    ULONG length;
    KIRQL irql;
    PIRP irp;

    do {
        irp = NULL;
        length = 0;
        status = STATUS_DEVICE_NOT_READY;
        KeAcquireSpinLock(&Device->Lock, &irql);
        if (!Device->Open || Device->ChangeCount != 0)
            irp = QueueRemove(&Device->Readers);
        if (irp != NULL && Device->Open) {
            status = STATUS_SUCCESS;
            length = CopyChanges(Device, irp);
        }
        KeReleaseSpinLock(&Device->Lock, irql);
        if (irp != NULL)
            FunctionFinish(&Device->Function, irp, status, length);
    } while (irp != NULL);
}

/* ---- The interrupt ------------------------------------------------------------------------ */

/* By message: pending was cleared as the message went out (4.17.5). */
static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    InterlockedIncrement(&device->Information.Interrupts);
    KeInsertQueueDpc(&device->Dpc, NULL, NULL);
    return TRUE;
}

static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    ULONG pending = RegisterRead(device, device->Runtime + XHCI_INTERRUPT);

    if (!(pending & XHCI_INTERRUPT_PENDING) || pending == ~0u)
        return FALSE;
    RegisterWrite(device, device->Operational + XHCI_STATUS, XHCI_STATUS_INTERRUPT);
    RegisterWrite(device, device->Runtime + XHCI_INTERRUPT,
                  XHCI_INTERRUPT_ENABLE | XHCI_INTERRUPT_PENDING);
    return MessageRoutine(Interrupt, Context, 0);
}

/* An event is new while its cycle bit is this round's. Lock held. */
static VOID TakeEvents(PDEVICE Device)
{
    TRB *events = (TRB *)(Device->Function.Memory + EVENTS_OFFSET);

    while ((events[Device->EventNext].Control & TRB_CYCLE) == Device->EventCycle) {
        TRB *event = &events[Device->EventNext];
        ULONG port = TRB_PORT(event->Parameter);

        KeepOrder(); /* the cycle bit before the rest */
        if (TRB_TYPE(event->Control) == TRB_COMMAND_COMPLETION)
            KeSetEvent(&Device->CommandDone, IO_NO_INCREMENT, FALSE);
        else if (TRB_TYPE(event->Control) == TRB_PORT_CHANGE && port != 0 &&
                 port <= Device->Information.Ports)
            KeepChange(Device, port);
        Device->EventNext = (Device->EventNext + 1) % EVENTS;
        if (Device->EventNext == 0)
            Device->EventCycle ^= TRB_CYCLE;
    }
    RegisterWrite64(Device, Device->Runtime + XHCI_EVENT_POINTER,
                    MemoryAt(Device, EVENTS_OFFSET + Device->EventNext * sizeof(TRB)) |
                        XHCI_EVENT_BUSY);
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireSpinLockAtDpcLevel(&device->Lock);
    TakeEvents(device);
    KeReleaseSpinLockFromDpcLevel(&device->Lock);
    Pump(device);
}

/* ---- By dispatch.h ------------------------------------------------------------------------ */

static VOID SetOpen(PDEVICE Device, BOOLEAN Open)
{
    KIRQL irql;

    KeAcquireSpinLock(&Device->Lock, &irql);
    Device->Open = Open;
    KeReleaseSpinLock(&Device->Lock, irql);
}

/* What is there from the start makes no event everywhere: look. Lock not held. */
static VOID LookAtPorts(PDEVICE Device)
{
    ULONG port;
    KIRQL irql;

    KeAcquireSpinLock(&Device->Lock, &irql);
    for (port = 1; port <= Device->Information.Ports; port++)
        if ((RegisterRead(Device, PortRegister(Device, port)) & XHCI_PORT_CONNECTED) &&
            !(Device->Information.Connected & PortBit(port)))
            KeepChange(Device, port);
    KeReleaseSpinLock(&Device->Lock, irql);
}

NTSTATUS FunctionStart(PDEVICE Device)
{
    NTSTATUS status = FunctionMapRegisters(&Device->Function, XHCI_RUNTIME_SIZE);

    RtlZeroMemory(&Device->Information, sizeof(Device->Information));
    Device->ChangeCount = 0;
    Device->ChangeFirst = 0;
    if (NT_SUCCESS(status))
        status = ControllerReset(Device);
    if (NT_SUCCESS(status))
        status = ControllerAllocate(Device);
    if (NT_SUCCESS(status))
        status = FunctionConnect(&Device->Function, MessageRoutine, LineRoutine, Device);
    if (!NT_SUCCESS(status))
        return status;
    ControllerRun(Device);
    ControllerCommand(Device);
    if (!FunctionWait(&Device->CommandDone, COMMAND_MILLISECONDS))
        return STATUS_IO_TIMEOUT;
    Device->Information.MessageCount = Device->Function.MessageCount;
    LookAtPorts(Device);
    SetOpen(Device, TRUE);
    DbgPrint("xhci%u: connected by %s, %u ports\n", Device->Function.Index,
             FunctionConnectionText(&Device->Function), Device->Information.Ports);
    return STATUS_SUCCESS;
}

/* A halted controller neither interrupts nor touches memory. */
VOID FunctionStop(PDEVICE Device)
{
    SetOpen(Device, FALSE);
    if (Device->Function.Memory != NULL)
        ControllerHalt(Device);
    FunctionDisconnect(&Device->Function);
    Pump(Device);
    FunctionFree(&Device->Function);
    FunctionUnmapRegisters(&Device->Function);
}

VOID FunctionInitialize(PDEVICE Device)
{
    KeInitializeSpinLock(&Device->Lock);
    KeInitializeEvent(&Device->CommandDone, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Device->Dpc, DpcRoutine, Device);
    QueueInitialize(&Device->Readers, &Device->Function);
}

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (stack->MajorFunction == IRP_MJ_READ) {
        if (stack->Parameters.Read.Length < sizeof(XHCI_PORT_CHANGE))
            return STATUS_BUFFER_TOO_SMALL;
        QueueInsert(&Device->Readers, Irp);
        Pump(Device);
        return STATUS_PENDING;
    }
    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL ||
        stack->Parameters.DeviceIoControl.IoControlCode != (ULONG)IOCTL_XHCI_INFORMATION)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(Device->Information))
        return STATUS_BUFFER_TOO_SMALL;
    *Information = sizeof(Device->Information);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &Device->Information, *Information);
    return STATUS_SUCCESS;
}
