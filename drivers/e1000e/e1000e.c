/*
 * e1000e.c - an Ethernet controller with a message for each of its queues: start, stop, interrupts,
 * requests.
 *
 *   IRP_MJ_WRITE                one frame, from destination address to payload
 *   IRP_MJ_READ                 the next frame that came in; waits for one, and can be cancelled
 *   IOCTL_E1000E_INFORMATION    address, link, counts
 *
 * Four messages: receive queue, two transmit queues, everything else (the link). Where fewer were
 * granted all go to the first; without messages all causes share the line. A queue's message clears
 * and masks its causes by itself (EIAC, EIAME); the DPC unmasks them when it has looked. An 82540
 * has one transmit queue, and its line.
 */
#define FUNCTION_NAME "e1000e"
#define FUNCTION_TYPE FILE_DEVICE_PHYSICAL_NETCARD
#define FUNCTION_FLAGS DO_BUFFERED_IO

#include "e1000e.h"

#include "../function/dispatch.h"

#define ADDRESS_VALID 0x80000000u
#define MULTICAST_REGISTERS 128u
#define EEPROM_MILLISECONDS 100

/* ---- Interrupts --------------------------------------------------------------------------- */

static ULONG CausesWanted(PDEVICE Device)
{
    return Device->Function.MessageCount != 0 ? CAUSES_QUEUES | CAUSE_OTHER | CAUSE_LINK
                                              : CAUSE_RECEIVED | CAUSE_TRANSMITTED | CAUSE_LINK;
}

static BOOLEAN Raise(PDEVICE Device, ULONG MessageId, ULONG Causes)
{
    InterlockedIncrement(&Device->Information.Interrupts[MessageId]);
    InterlockedOr(&Device->Raised, (LONG)Causes);
    KeInsertQueueDpc(&Device->Dpc, NULL, NULL);
    return TRUE;
}

static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PDEVICE device = Context;
    ULONG causes = 0;

    UNREFERENCED_PARAMETER(Interrupt);
    if (MessageId >= MESSAGES)
        return FALSE;
    /* The rest is not cleared by its message: write it back, the queues' own causes excepted. */
    if (MessageId == MESSAGE_OTHER || device->Function.MessageCount < MESSAGES) {
        causes = RegisterRead(device, E1000E_CAUSES) & ~CAUSES_QUEUES;
        RegisterWrite(device, E1000E_CAUSES, causes);
    }
    if (device->Function.MessageCount < MESSAGES)
        causes |= CAUSES_QUEUES;
    else if (MessageId == MESSAGE_RECEIVE)
        causes |= CAUSE_RECEIVE_QUEUE;
    else if (MessageId != MESSAGE_OTHER)
        causes |= CAUSE_TRANSMIT_QUEUE(MessageId - MESSAGE_TRANSMIT0);
    return Raise(device, MessageId, causes);
}

/*
 * Without messages, reading the causes clears them all and lowers the line (10.2.4.1). No cause is
 * masked but those that nobody wants: "interrupt asserted", bit 31, would tell the same, but an
 * 82540 has no such bit.
 */
static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    ULONG causes = RegisterRead(device, E1000E_CAUSES);

    UNREFERENCED_PARAMETER(Interrupt);
    if (!(causes & CausesWanted(device)) || causes == ~0u)
        return FALSE;
    return Raise(device, 0, causes);
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;
    ULONG causes = (ULONG)InterlockedExchange(&device->Raised, 0);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    /* Unmask before looking: what comes after the look interrupts again. */
    KeAcquireSpinLockAtDpcLevel(&device->Lock);
    if (device->Open)
        RegisterWrite(device, E1000E_UNMASK, causes & CausesWanted(device));
    KeReleaseSpinLockFromDpcLevel(&device->Lock);
    if (causes & CAUSE_LINK)
        device->Information.LinkUp =
            (RegisterRead(device, E1000E_STATUS) & E1000E_STATUS_LINK) != 0;
    if (causes & CAUSES_TRANSMIT)
        TransmitCollect(device);
    if (causes & CAUSES_RECEIVE)
        ReceivePump(device);
}

static VOID DistributeMessages(PDEVICE Device)
{
    if (Device->Function.MessageCount == 0)
        return;
    RegisterWrite(
        Device, E1000E_VECTORS,
        Device->Function.MessageCount < MESSAGES
            ? VECTORS(0, 0, 0, 0)
            : VECTORS(MESSAGE_RECEIVE, MESSAGE_TRANSMIT0, MESSAGE_TRANSMIT1, MESSAGE_OTHER));
    RegisterWrite(Device, E1000E_AUTO_CLEAR, CAUSES_QUEUES);
    RegisterWrite(Device, E1000E_CONTROL_EXTENDED,
                  RegisterRead(Device, E1000E_CONTROL_EXTENDED) | E1000E_EXTENDED_AUTO_MASK |
                      E1000E_EXTENDED_PENDING);
}

/* ---- Start and stop ----------------------------------------------------------------------- */

/*
 * 10.2.2.1: nothing may be asked for a microsecond; the EEPROM is read again, which takes longer.
 */
static VOID Reset(PDEVICE Device)
{
    RegisterWrite(Device, E1000E_MASK, ~0u);
    RegisterWrite(Device, E1000E_CONTROL,
                  RegisterRead(Device, E1000E_CONTROL) | E1000E_CONTROL_RESET);
    FunctionPause(10);
    RegisterWrite(Device, E1000E_MASK, ~0u);
    RegisterRead(Device, E1000E_CAUSES);
}

/* How many transmit queues there are, by the ids in configuration space. */
static NTSTATUS FindModel(PDEVICE Device)
{
    BUS_INTERFACE_STANDARD bus;
    NTSTATUS status = FunctionBusInterface(&Device->Function, &bus);
    USHORT ids[2] = {0};

    if (!NT_SUCCESS(status))
        return status;
    bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, ids, 0, sizeof(ids));
    bus.InterfaceDereference(bus.Context);
    Device->TransmitQueues =
        ids[0] == E1000E_VENDOR && ids[1] == E1000E_DEVICE ? TRANSMIT_QUEUES : 1;
    return STATUS_SUCCESS;
}

/* An 82540 that has not loaded its address at reset, as Bochs' has not: EEPROM words 0 to 2. */
static NTSTATUS LoadAddress(PDEVICE Device)
{
    ULONG word[3], i;

    for (i = 0; i < 3; i++) {
        NTSTATUS status;

        RegisterWrite(Device, E1000E_EEPROM, E1000E_EEPROM_READ(i));
        status = RegisterWait(Device, E1000E_EEPROM, E1000E_EEPROM_DONE, E1000E_EEPROM_DONE,
                              EEPROM_MILLISECONDS);
        if (!NT_SUCCESS(status))
            return status;
        word[i] = E1000E_EEPROM_DATA(RegisterRead(Device, E1000E_EEPROM));
    }
    RegisterWrite(Device, E1000E_ADDRESS_LOW, word[0] | word[1] << 16);
    RegisterWrite(Device, E1000E_ADDRESS_HIGH, word[2] | ADDRESS_VALID);
    return STATUS_SUCCESS;
}

static NTSTATUS ReadAddress(PDEVICE Device)
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG low, high, i;

    if (Device->TransmitQueues == 1 && !(RegisterRead(Device, E1000E_ADDRESS_HIGH) & ADDRESS_VALID))
        status = LoadAddress(Device);
    if (!NT_SUCCESS(status))
        return status;
    low = RegisterRead(Device, E1000E_ADDRESS_LOW);
    high = RegisterRead(Device, E1000E_ADDRESS_HIGH);
    if (low == ~0u || !(high & ADDRESS_VALID))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    RtlCopyMemory(Device->Information.Address, &low, 4);
    RtlCopyMemory(Device->Information.Address + 4, &high, 2);
    for (i = 0; i < MULTICAST_REGISTERS; i++)
        RegisterWrite(Device, E1000E_MULTICAST + i * sizeof(ULONG), 0);
    return STATUS_SUCCESS;
}

static VOID SetOpen(PDEVICE Device, BOOLEAN Open)
{
    KIRQL irql;

    KeAcquireSpinLock(&Device->Lock, &irql);
    Device->Open = Open;
    KeReleaseSpinLock(&Device->Lock, irql);
}

NTSTATUS FunctionStart(PDEVICE Device)
{
    const UCHAR *address = Device->Information.Address;
    NTSTATUS status = FunctionMapRegisters(&Device->Function, E1000E_REGISTERS);

    if (!NT_SUCCESS(status))
        return status;
    Reset(Device);
    RtlZeroMemory(&Device->Information, sizeof(Device->Information));
    status = FindModel(Device);
    if (NT_SUCCESS(status))
        status = ReadAddress(Device);
    if (NT_SUCCESS(status))
        status = FunctionAllocate(&Device->Function, MEMORY_SIZE, MEMORY_SIZE, TRUE);
    if (NT_SUCCESS(status))
        status = FunctionConnect(&Device->Function, MessageRoutine, LineRoutine, Device);
    if (!NT_SUCCESS(status))
        return status;
    Device->Information.MessageCount = Device->Function.MessageCount;
    DistributeMessages(Device);
    RingsStart(Device);
    RegisterWrite(Device, E1000E_CONTROL,
                  RegisterRead(Device, E1000E_CONTROL) | E1000E_CONTROL_LINK_UP);
    Device->Information.LinkUp = (RegisterRead(Device, E1000E_STATUS) & E1000E_STATUS_LINK) != 0;
    SetOpen(Device, TRUE);
    RegisterWrite(Device, E1000E_UNMASK, CausesWanted(Device));
    DbgPrint("e1000e%u: connected by %s: %u message(s), %02x:%02x:%02x:%02x:%02x:%02x, link %s\n",
             Device->Function.Index, FunctionConnectionText(&Device->Function),
             Device->Function.MessageCount, address[0], address[1], address[2], address[3],
             address[4], address[5], Device->Information.LinkUp ? "up" : "down");
    return STATUS_SUCCESS;
}

/* A reset device neither interrupts nor touches memory. */
VOID FunctionStop(PDEVICE Device)
{
    SetOpen(Device, FALSE);
    if (Device->Function.Registers != NULL)
        Reset(Device);
    FunctionDisconnect(&Device->Function);
    if (Device->Function.Memory != NULL)
        TransmitAbandon(Device);
    ReceivePump(Device);
    FunctionFree(&Device->Function);
    FunctionUnmapRegisters(&Device->Function);
}

VOID FunctionInitialize(PDEVICE Device)
{
    KeInitializeSpinLock(&Device->Lock);
    KeInitializeDpc(&Device->Dpc, DpcRoutine, Device);
    QueueInitialize(&Device->Readers, &Device->Function);
}

/* ---- Requests ----------------------------------------------------------------------------- */

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (stack->MajorFunction == IRP_MJ_READ) {
        if (stack->Parameters.Read.Length == 0)
            return STATUS_SUCCESS;
        QueueInsert(&Device->Readers, Irp);
        ReceivePump(Device);
        return STATUS_PENDING;
    }
    if (stack->MajorFunction == IRP_MJ_WRITE) {
        ULONG length = stack->Parameters.Write.Length;

        if (length < FRAME_LEAST || length > FRAME_MAX)
            return STATUS_INVALID_PARAMETER;
        return TransmitFrame(Device, Irp, length);
    }
    if (stack->Parameters.DeviceIoControl.IoControlCode != (ULONG)IOCTL_E1000E_INFORMATION)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(Device->Information))
        return STATUS_BUFFER_TOO_SMALL;
    *Information = sizeof(Device->Information);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &Device->Information, *Information);
    return STATUS_SUCCESS;
}
