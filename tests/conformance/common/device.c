/*
 * device.c - how each kind of QEMU device is made to ask for an interrupt, and to stop asking.
 *
 *   edu      a write to RAISE sets status bits: INTx while any is set, or one message a write
 *            (QEMU docs/specs/edu.txt)
 *   e1000e   a write to ICS sets a cause, which asserts INTx until ICR is read (82574 GbE
 *            Controller Datasheet 10.2.4); its messages are not used: QEMU spaces them out in time
 *   rocker   a write to TEST_IRQ sends the message of that number, nothing more (QEMU
 *            docs/specs/rocker.txt)
 *   serial   a 16550 with an empty transmitter asks as soon as IER allows it, until IIR is read
 *            (16550D data sheet 8.3, 8.6)
 *   keyboard the 8042 raises its line, an edge, when it is told to act as if a byte had come (8042
 *            command D2); until the byte is read there is no next edge
 *
 * Programmed no further than that: no link, no DMA but edu's.
 */
#include "suite.h"

static const struct {
    PCWSTR Id;
    TEST_KIND Kind;
} Kinds[] = {
    {L"PCI\\VEN_1234&DEV_11E8", TestKindEdu},    {L"PCI\\VEN_8086&DEV_10D3", TestKindE1000e},
    {L"PCI\\VEN_1B36&DEV_0002", TestKindSerial}, {L"PCI\\VEN_1033&DEV_0194", TestKindXhci},
    {L"PCI\\VEN_1B36&DEV_0010", TestKindNvme},   {L"PCI\\VEN_1B36&DEV_0006", TestKindRocker},
    {L"PCI\\VEN_1B36&DEV_0005", TestKindNone},   {L"ACPI\\PNP0303", TestKindKeyboard},
};

TEST_KIND TestKindOf(PDEVICE_OBJECT Physical)
{
    WCHAR ids[256];
    ULONG length, i;

    if (!NT_SUCCESS(
            IoGetDeviceProperty(Physical, DevicePropertyHardwareID, sizeof(ids), ids, &length)))
        return TestKindOther;
    for (i = 0; i < sizeof(Kinds) / sizeof(Kinds[0]); i++) {
        SIZE_T size = wcslen(Kinds[i].Id) * sizeof(WCHAR);

        if (RtlCompareMemory(ids, Kinds[i].Id, size) == size)
            return Kinds[i].Kind;
    }
    return TestKindOther;
}

enum {
    EDU_INTERRUPT_STATUS = 0x24,
    EDU_INTERRUPT_RAISE = 0x60,
    EDU_INTERRUPT_ACKNOWLEDGE = 0x64,
    EDU_DMA_SOURCE = 0x80,
    EDU_DMA_DESTINATION = 0x88,
    EDU_DMA_COUNT = 0x90,
    EDU_DMA_COMMAND = 0x98,
    EDU_DMA_BUFFER = 0x40000,
};

#define EDU_RAISED_BY_HAND 0x10u
#define EDU_DMA_START 0x1u
#define EDU_DMA_TO_MEMORY 0x2u

enum {
    E1000E_ICR = 0xC0,
    E1000E_ICS = 0xC8,
    E1000E_IMS = 0xD0,
    E1000E_IMC = 0xD8,
};

#define E1000E_LINK_CHANGE 0x00000004u

enum { ROCKER_TEST_IRQ = 0x20 };

enum { SERIAL_IER = 1, SERIAL_IIR = 2 };

enum { I8042_DATA = 0x60, I8042_STATUS = 0x64, I8042_COMMAND = 0x64 };

#define I8042_OUTPUT_FULL 0x01u
#define I8042_BYTES_MAX 64 /* more than the controller keeps */
#define I8042_SET_MODE 0x60u
#define I8042_MODE_INTERRUPT 0x01u
#define I8042_MODE_MOUSE_OFF 0x20u
#define I8042_KEYBOARD_BYTE 0xD2u

#define SERIAL_IER_TRANSMITTER_EMPTY 0x02u
#define SERIAL_IIR_NONE 0x01u

static ULONG Read(PTEST_DEVICE Device, ULONG Offset)
{
    return READ_REGISTER_ULONG((PULONG)(Device->Registers + Offset));
}

static VOID Write(PTEST_DEVICE Device, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Device->Registers + Offset), Value);
}

static VOID WriteI8042(UCHAR Command, UCHAR Data)
{
    WRITE_PORT_UCHAR((PUCHAR)I8042_COMMAND, Command);
    WRITE_PORT_UCHAR((PUCHAR)I8042_DATA, Data);
}

static BOOLEAN ReadI8042(VOID)
{
    if ((READ_PORT_UCHAR((PUCHAR)I8042_STATUS) & I8042_OUTPUT_FULL) == 0)
        return FALSE;
    READ_PORT_UCHAR((PUCHAR)I8042_DATA);
    return TRUE;
}

VOID TestDevicePrepare(PTEST_DEVICE Device)
{
    if (Device->Kind == TestKindEdu) {
        Write(Device, EDU_INTERRUPT_ACKNOWLEDGE, ~0u);
    } else if (Device->Kind == TestKindE1000e) {
        Write(Device, E1000E_IMC, ~0u);
        Read(Device, E1000E_ICR);
        Write(Device, E1000E_IMS, E1000E_LINK_CHANGE);
    } else if (Device->Kind == TestKindSerial) {
        WRITE_PORT_UCHAR(Device->Ports + SERIAL_IER, 0);
        READ_PORT_UCHAR(Device->Ports + SERIAL_IIR);
    } else if (Device->Kind == TestKindKeyboard) {
        ULONG bytes;

        WriteI8042(I8042_SET_MODE, I8042_MODE_INTERRUPT | I8042_MODE_MOUSE_OFF);
        for (bytes = 0; bytes < I8042_BYTES_MAX && ReadI8042(); bytes++)
            ;
    }
}

VOID TestRaise(PTEST_DEVICE Device, ULONG Message)
{
    if (Device->Kind == TestKindEdu) {
        Write(Device, EDU_INTERRUPT_RAISE, EDU_RAISED_BY_HAND);
    } else if (Device->Kind == TestKindE1000e) {
        Write(Device, E1000E_ICS, E1000E_LINK_CHANGE);
    } else if (Device->Kind == TestKindRocker) {
        InterlockedIncrement(&Device->Raised);
        Write(Device, ROCKER_TEST_IRQ, Message);
    } else if (Device->Kind == TestKindSerial) {
        WRITE_PORT_UCHAR(Device->Ports + SERIAL_IER, 0);
        WRITE_PORT_UCHAR(Device->Ports + SERIAL_IER, SERIAL_IER_TRANSMITTER_EMPTY);
    } else if (Device->Kind == TestKindKeyboard) {
        WriteI8042(I8042_KEYBOARD_BYTE, 0);
    }
}

BOOLEAN TestAcknowledge(PTEST_DEVICE Device)
{
    ULONG pending;

    switch (Device->Kind) {
    case TestKindEdu:
        pending = Read(Device, EDU_INTERRUPT_STATUS);
        Write(Device, EDU_INTERRUPT_ACKNOWLEDGE, pending);
        return pending != 0;
    case TestKindE1000e:
        return (Read(Device, E1000E_ICR) & E1000E_LINK_CHANGE) != 0;
    case TestKindRocker:
        return InterlockedExchange(&Device->Raised, 0) != 0;
    case TestKindSerial:
        pending = READ_PORT_UCHAR(Device->Ports + SERIAL_IIR);
        if (pending & SERIAL_IIR_NONE)
            return FALSE;
        WRITE_PORT_UCHAR(Device->Ports + SERIAL_IER, 0);
        return TRUE;
    case TestKindKeyboard:
        return ReadI8042();
    default:
        return FALSE;
    }
}

/* First the value into edu's buffer, from memory that its DMA reaches; then out of it. */
VOID TestEduWrite(PTEST_DEVICE Device, ULONG Address, ULONG Value)
{
    PHYSICAL_ADDRESS low, high, boundary;
    PULONG memory;

    low.QuadPart = boundary.QuadPart = 0;
    high.QuadPart = 0x0FFFFFFF;
    memory = MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, low, high, boundary, MmCached);
    if (memory == NULL)
        return;
    *memory = Value;
    Write(Device, EDU_DMA_SOURCE, (ULONG)MmGetPhysicalAddress(memory).QuadPart);
    Write(Device, EDU_DMA_DESTINATION, EDU_DMA_BUFFER);
    Write(Device, EDU_DMA_COUNT, sizeof(ULONG));
    Write(Device, EDU_DMA_COMMAND, EDU_DMA_START);
    while (Read(Device, EDU_DMA_COMMAND) & EDU_DMA_START)
        TestPause(1);
    MmFreeContiguousMemorySpecifyCache(memory, PAGE_SIZE, MmCached);
    Write(Device, EDU_DMA_SOURCE, EDU_DMA_BUFFER);
    Write(Device, EDU_DMA_DESTINATION, Address);
    Write(Device, EDU_DMA_COUNT, sizeof(ULONG));
    Write(Device, EDU_DMA_COMMAND, EDU_DMA_START | EDU_DMA_TO_MEMORY);
}
