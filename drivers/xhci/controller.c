/*
 * controller.c - from a controller in an unknown state to one that reports its ports, and back.
 *
 * The order is the specification's (4.2): take it from the firmware, halt, reset, memory, rings,
 * run. No device slot is enabled: devices are noticed, not addressed.
 */
#include "xhci.h"

#define FIRMWARE_MILLISECONDS 1000
#define HALT_MILLISECONDS 100 /* 5.4.1.1: 16 */
#define RESET_MILLISECONDS 1000

/* 7.1: say that the system wants the controller, and wait until the firmware lets go. */
static VOID TakeFromFirmware(PDEVICE Device)
{
    ULONG offset = XHCI_EXTENDED(RegisterRead(Device, XHCI_CAPABILITIES)), value, step;

    while (offset != 0 && offset + sizeof(ULONG) <= Device->Function.RegistersLength) {
        value = RegisterRead(Device, offset);
        if ((value & 0xFF) == XHCI_EXTENDED_LEGACY) {
            RegisterWrite(Device, offset, value | XHCI_LEGACY_SYSTEM);
            RegisterWait(Device, offset, XHCI_LEGACY_FIRMWARE, 0, FIRMWARE_MILLISECONDS);
            return;
        }
        step = (value >> 8 & 0xFF) * sizeof(ULONG);
        offset = step != 0 ? offset + step : 0;
    }
}

/* The register blocks, each checked against what is mapped. */
static NTSTATUS FindRegisters(PDEVICE Device)
{
    ULONG length = Device->Function.RegistersLength;
    ULONG ports = XHCI_PORTS(RegisterRead(Device, XHCI_STRUCTURE_1));

    Device->Operational = RegisterRead(Device, XHCI_LENGTH) & 0xFF;
    Device->Runtime = RegisterRead(Device, XHCI_RUNTIME) & ~0x1Fu;
    Device->Doorbells = RegisterRead(Device, XHCI_DOORBELLS) & ~0x3u;
    Device->Information.Ports = ports;
    if (ports == 0 || PortRegister(Device, ports) + XHCI_PORT_STRIDE > length ||
        Device->Runtime > length - XHCI_RUNTIME_SIZE || Device->Doorbells > length - sizeof(ULONG))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    return STATUS_SUCCESS;
}

VOID ControllerHalt(PDEVICE Device)
{
    RegisterWrite(Device, Device->Operational + XHCI_COMMAND, 0);
    RegisterWait(Device, Device->Operational + XHCI_STATUS, XHCI_STATUS_HALTED, XHCI_STATUS_HALTED,
                 HALT_MILLISECONDS);
}

NTSTATUS ControllerReset(PDEVICE Device)
{
    NTSTATUS status = FindRegisters(Device);

    if (!NT_SUCCESS(status))
        return status;
    TakeFromFirmware(Device);
    ControllerHalt(Device);
    RegisterWrite(Device, Device->Operational + XHCI_COMMAND, XHCI_COMMAND_RESET);
    status = RegisterWait(Device, Device->Operational + XHCI_COMMAND, XHCI_COMMAND_RESET, 0,
                          RESET_MILLISECONDS);
    if (NT_SUCCESS(status))
        status = RegisterWait(Device, Device->Operational + XHCI_STATUS, XHCI_STATUS_NOT_READY, 0,
                              RESET_MILLISECONDS);
    return status;
}

/* 4.20: pages that are the controller's own. */
static VOID GiveScratchpads(PDEVICE Device, ULONG Count)
{
    ULONGLONG *array = (ULONGLONG *)(Device->Function.Memory + SCRATCHPADS_OFFSET);
    ULONG i;

    for (i = 0; i < Count; i++)
        array[i] = MemoryAt(Device, (i + 1) * PAGE_SIZE);
    if (Count != 0)
        *(ULONGLONG *)(Device->Function.Memory + CONTEXTS_OFFSET) =
            MemoryAt(Device, SCRATCHPADS_OFFSET);
}

NTSTATUS ControllerAllocate(PDEVICE Device)
{
    BOOLEAN wide = (RegisterRead(Device, XHCI_CAPABILITIES) & XHCI_CAPABILITY_64BIT) != 0;
    ULONG pages = XHCI_SCRATCHPADS(RegisterRead(Device, XHCI_STRUCTURE_2));
    EVENT_SEGMENT *segment;
    NTSTATUS status;

    if (pages > SCRATCHPADS_MAX)
        return STATUS_NOT_SUPPORTED;
    status = FunctionAllocate(&Device->Function, (1 + pages) * PAGE_SIZE, PAGE_SIZE, wide);
    if (!NT_SUCCESS(status))
        return status;
    GiveScratchpads(Device, pages);
    segment = (EVENT_SEGMENT *)(Device->Function.Memory + SEGMENTS_OFFSET);
    segment->Address = MemoryAt(Device, EVENTS_OFFSET);
    segment->Entries = EVENTS;
    Device->EventNext = 0;
    Device->EventCycle = TRB_CYCLE;
    return STATUS_SUCCESS;
}

/* The event ring's table last of its registers (4.9.4): writing it makes the ring live. */
VOID ControllerRun(PDEVICE Device)
{
    RegisterWrite(Device, Device->Operational + XHCI_CONFIGURE, 0);
    RegisterWrite64(Device, Device->Operational + XHCI_DEVICE_CONTEXTS,
                    MemoryAt(Device, CONTEXTS_OFFSET));
    RegisterWrite64(Device, Device->Operational + XHCI_COMMAND_RING,
                    MemoryAt(Device, COMMANDS_OFFSET) | TRB_CYCLE);
    RegisterWrite(Device, Device->Runtime + XHCI_EVENT_SEGMENTS, 1);
    RegisterWrite64(Device, Device->Runtime + XHCI_EVENT_POINTER, MemoryAt(Device, EVENTS_OFFSET));
    RegisterWrite64(Device, Device->Runtime + XHCI_EVENT_TABLE, MemoryAt(Device, SEGMENTS_OFFSET));
    RegisterWrite(Device, Device->Runtime + XHCI_INTERRUPT, XHCI_INTERRUPT_ENABLE);
    RegisterWrite(Device, Device->Operational + XHCI_COMMAND,
                  XHCI_COMMAND_RUN | XHCI_COMMAND_INTERRUPTS);
}

/* A command that does nothing but complete: shows that rings and interrupt work. */
VOID ControllerCommand(PDEVICE Device)
{
    TRB *command = (TRB *)(Device->Function.Memory + COMMANDS_OFFSET);

    KeClearEvent(&Device->CommandDone);
    command->Control = TRB_OF_TYPE(TRB_NO_OP_COMMAND) | TRB_CYCLE;
    KeepOrder(); /* the command before the doorbell */
    RegisterWrite(Device, Device->Doorbells, 0);
}
