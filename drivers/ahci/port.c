/*
 * port.c - the controller from an unknown state to one with a running port, and back.
 *
 * The order: reset (10.4.3), a link and a disk's signature (10.1.2), the port's memory, start
 * (10.3). The port's receiver (FIS) must run whenever its command engine does.
 */
#include "ahci.h"

#define RESET_MILLISECONDS 1000 /* 10.4.3 */
#define LINK_MILLISECONDS 20    /* 10.1.1 gives a link 10 */
#define READY_MILLISECONDS 1000
#define HALT_MILLISECONDS 500 /* 10.3.2 */
#define IDENTIFY_MILLISECONDS 5000

/* Wait until these bits of a port register have this value. A device that is gone reads ~0. */
static NTSTATUS WaitPort(PDEVICE Device, ULONG Register, ULONG Mask, ULONG Value,
                         ULONG Milliseconds)
{
    ULONG waited;

    for (waited = 0; (PortRead(Device, Register) & Mask) != Value; waited++) {
        if (waited == Milliseconds || PortRead(Device, Register) == ~0u)
            return STATUS_IO_TIMEOUT;
        FunctionPause(1);
    }
    return STATUS_SUCCESS;
}

NTSTATUS ControllerReset(PDEVICE Device)
{
    ULONG waited;

    RegisterWrite(Device, AHCI_CONTROL, AHCI_CONTROL_AHCI);
    RegisterWrite(Device, AHCI_CONTROL, AHCI_CONTROL_AHCI | AHCI_CONTROL_RESET);
    for (waited = 0; RegisterRead(Device, AHCI_CONTROL) & AHCI_CONTROL_RESET; waited++) {
        if (waited == RESET_MILLISECONDS || RegisterRead(Device, AHCI_CONTROL) == ~0u)
            return STATUS_IO_TIMEOUT;
        FunctionPause(1);
    }
    RegisterWrite(Device, AHCI_CONTROL, AHCI_CONTROL_AHCI);
    Device->Capabilities = RegisterRead(Device, AHCI_CAPABILITIES);
    return STATUS_SUCCESS;
}

static VOID SetMemory(PDEVICE Device, ULONG Register, ULONG Offset)
{
    ULONGLONG address = (ULONGLONG)Device->Function.MemoryAddress.QuadPart + Offset;

    PortWrite(Device, Register, (ULONG)address);
    PortWrite(Device, Register + sizeof(ULONG), (ULONG)(address >> 32));
}

/* Is there a disk at Device->Port? If so its receiver is left running. */
static BOOLEAN PortHasDisk(PDEVICE Device)
{
    if (!NT_SUCCESS(WaitPort(Device, PORT_LINK, PORT_LINK_MASK, PORT_LINK_UP, 0)))
        return FALSE;
    SetMemory(Device, PORT_LIST, LIST_OFFSET);
    SetMemory(Device, PORT_FIS, FIS_OFFSET);
    PortWrite(Device, PORT_ERRORS, ~0u);
    PortWrite(Device, PORT_COMMAND, PortRead(Device, PORT_COMMAND) | PORT_COMMAND_FIS);
    if (NT_SUCCESS(WaitPort(Device, PORT_TASK_FILE, PORT_TASK_FILE_BUSY, 0, READY_MILLISECONDS)) &&
        PortRead(Device, PORT_SIGNATURE) == PORT_SIGNATURE_DISK)
        return TRUE;
    PortWrite(Device, PORT_COMMAND, PortRead(Device, PORT_COMMAND) & ~PORT_COMMAND_FIS);
    WaitPort(Device, PORT_COMMAND, PORT_COMMAND_FIS_RUNNING, 0, HALT_MILLISECONDS);
    return FALSE;
}

/* The first disk. STATUS_NO_SUCH_DEVICE: there is none. */
NTSTATUS PortFindDisk(PDEVICE Device)
{
    ULONG present = RegisterRead(Device, AHCI_PORTS_PRESENT), waited;

    for (Device->Port = 0; Device->Port < AHCI_PORT_COUNT; Device->Port++)
        if (present & 1u << Device->Port)
            PortWrite(Device, PORT_COMMAND, PORT_COMMAND_SPIN_UP | PORT_COMMAND_POWER);
    for (waited = 0; waited < LINK_MILLISECONDS; waited++) {
        for (Device->Port = 0; Device->Port < AHCI_PORT_COUNT; Device->Port++)
            if ((present & 1u << Device->Port) && PortHasDisk(Device))
                return STATUS_SUCCESS;
        FunctionPause(1);
    }
    Device->Port = 0;
    return STATUS_NO_SUCH_DEVICE;
}

VOID PortRun(PDEVICE Device)
{
    PortWrite(Device, PORT_ERRORS, ~0u);
    PortWrite(Device, PORT_INTERRUPTS, ~0u);
    PortWrite(Device, PORT_INTERRUPT_ENABLE, PORT_INTERRUPT_DONE | PORT_INTERRUPT_ERROR);
    PortWrite(Device, PORT_COMMAND, PortRead(Device, PORT_COMMAND) | PORT_COMMAND_START);
    RegisterWrite(Device, AHCI_CONTROL, AHCI_CONTROL_AHCI | AHCI_CONTROL_INTERRUPTS);
}

/* Stop the command engine: it forgets what was issued. The receiver goes on. */
VOID PortHalt(PDEVICE Device)
{
    PortWrite(Device, PORT_INTERRUPT_ENABLE, 0);
    PortWrite(Device, PORT_COMMAND, PortRead(Device, PORT_COMMAND) & ~PORT_COMMAND_START);
    WaitPort(Device, PORT_COMMAND, PORT_COMMAND_RUNNING, 0, HALT_MILLISECONDS);
}

/*
 * A disk that failed a queued command takes no other until it is asked for its log or reset
 * (ACS-3 4.16.2): reset the link (10.4.2). The port is halted.
 */
VOID PortReset(PDEVICE Device)
{
    ULONG control = PortRead(Device, PORT_LINK_CONTROL) & ~PORT_LINK_MASK;

    PortWrite(Device, PORT_LINK_CONTROL, control | PORT_LINK_RESET);
    FunctionPause(1);
    PortWrite(Device, PORT_LINK_CONTROL, control);
    WaitPort(Device, PORT_LINK, PORT_LINK_MASK, PORT_LINK_UP, READY_MILLISECONDS);
    PortWrite(Device, PORT_ERRORS, ~0u);
    WaitPort(Device, PORT_TASK_FILE, PORT_TASK_FILE_BUSY, 0, READY_MILLISECONDS);
}

/* ---- IDENTIFY ----------------------------------------------------------------------------- */

/* The first command, awaited by the interrupt. */
NTSTATUS PortIdentify(PDEVICE Device)
{
    const USHORT *words = (const USHORT *)(Device->Function.Memory + IDENTIFY_OFFSET);

    CommandIdentify(Device);
    if (!FunctionWait(&Device->IdentifyDone, IDENTIFY_MILLISECONDS))
        return STATUS_IO_TIMEOUT;
    if ((words[ATA_WORD_SECTOR_SIZE] & 0xD000) == 0x5000)
        return STATUS_NOT_SUPPORTED; /* sectors larger than 512 bytes */
    RtlCopyMemory(&Device->Information.Sectors, &words[ATA_WORD_SECTORS],
                  sizeof(Device->Information.Sectors));
    if (Device->Information.Sectors == 0)
        return STATUS_UNRECOGNIZED_MEDIA;
    Device->Queued =
        (Device->Capabilities & AHCI_CAP_NCQ) != 0 && (words[ATA_WORD_SATA] & ATA_SATA_NCQ) != 0;
    Device->Depth = AHCI_CAP_SLOTS(Device->Capabilities);
    if (Device->Queued && Device->Depth > (words[ATA_WORD_DEPTH] & 0x1Fu) + 1)
        Device->Depth = (words[ATA_WORD_DEPTH] & 0x1Fu) + 1;
    Device->Information.Depth = Device->Queued ? Device->Depth : 0;
    return STATUS_SUCCESS;
}
