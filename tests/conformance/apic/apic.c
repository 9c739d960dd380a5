/*
 * apic.c - conformance of the interrupt controllers as a driver meets them: their registers, and
 * the group's two lines and four messages.
 *
 * A register is read and written by the processor whose it is, so cases stay on one processor.
 */
#include "apic.h"

#define APIC_ADDRESS 0xFEE00000
#define IOAPIC_ADDRESS 0xFEC00000
#define IOAPIC_WINDOW 0x10
#define APIC_BASE_X2 0x400
#define FLAG_INTERRUPTS 0x200
#define ICR_POLLS 100000

TEST_CONNECTION Messages[MESSAGES];
static PUCHAR Apic, Ioapic;

/* ---- registers ------------------------------------------------------------------------------ */

static PUCHAR Map(ULONG Address)
{
    PHYSICAL_ADDRESS physical;

    physical.QuadPart = Address;
    return MmMapIoSpace(physical, PAGE_SIZE, MmNonCached);
}

BOOLEAN ApicMap(VOID)
{
    if (__readmsr(MSR_APIC_BASE) & APIC_BASE_X2) {
        ExpectSkip("HW-1 the local APIC's registers are read in memory", "x2APIC mode is on");
        return FALSE;
    }
    Apic = Map(APIC_ADDRESS);
    Ioapic = Map(IOAPIC_ADDRESS);
    Expect(Apic != NULL && Ioapic != NULL, "the APICs' registers can be mapped");
    return Apic != NULL && Ioapic != NULL;
}

VOID ApicUnmap(VOID)
{
    if (Apic != NULL)
        MmUnmapIoSpace(Apic, PAGE_SIZE);
    if (Ioapic != NULL)
        MmUnmapIoSpace(Ioapic, PAGE_SIZE);
}

ULONG ApicRead(ULONG Register)
{
    return READ_REGISTER_ULONG((PULONG)(Apic + Register));
}

VOID ApicWrite(ULONG Register, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Apic + Register), Value);
}

BOOLEAN ApicBit(ULONG Bank, ULONG Vector)
{
    return (ApicRead(Bank + Vector / 32 * 16) >> Vector % 32 & 1) != 0;
}

VOID ApicSend(ULONG Destination, ULONG Low)
{
    ULONG_PTR flags = InterruptsOff();
    ULONG i;

    for (i = 0; i < ICR_POLLS && (ApicRead(APIC_ICR_LOW) & APIC_ICR_BUSY); i++)
        ;
    ApicWrite(APIC_ICR_HIGH, Destination << 24);
    ApicWrite(APIC_ICR_LOW, Low | APIC_ICR_ASSERT);
    InterruptsRestore(flags);
}

ULONG_PTR NTAPI LogicalRead(ULONG_PTR Modes)
{
    LOGICAL_MODE *mode = (LOGICAL_MODE *)Modes + TestCurrentProcessor();

    mode->Format = ApicRead(APIC_DFR);
    mode->Logical = ApicRead(APIC_LDR);
    return 0;
}

ULONG_PTR NTAPI LogicalWrite(ULONG_PTR Modes)
{
    const LOGICAL_MODE *mode = (const LOGICAL_MODE *)Modes + TestCurrentProcessor();

    ApicWrite(APIC_DFR, mode->Format);
    ApicWrite(APIC_LDR, mode->Logical);
    return 0;
}

ULONG IoapicRead(ULONG Register)
{
    WRITE_REGISTER_ULONG((PULONG)Ioapic, Register);
    return READ_REGISTER_ULONG((PULONG)(Ioapic + IOAPIC_WINDOW));
}

VOID IoapicWrite(ULONG Register, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)Ioapic, Register);
    WRITE_REGISTER_ULONG((PULONG)(Ioapic + IOAPIC_WINDOW), Value);
}

ULONG PinRead(ULONG Pin, BOOLEAN High)
{
    return IoapicRead(IOAPIC_TABLE + 2 * Pin + High);
}

VOID PinWrite(ULONG Pin, ULONG High, ULONG Low)
{
    IoapicWrite(IOAPIC_TABLE + 2 * Pin, PinRead(Pin, FALSE) | PIN_MASKED);
    IoapicWrite(IOAPIC_TABLE + 2 * Pin + 1, High);
    IoapicWrite(IOAPIC_TABLE + 2 * Pin, Low);
}

VOID PinMask(ULONG Pin, BOOLEAN Mask)
{
    ULONG low = PinRead(Pin, FALSE);

    IoapicWrite(IOAPIC_TABLE + 2 * Pin, Mask ? low | PIN_MASKED : low & ~PIN_MASKED);
}

ULONG PinOf(PTEST_DEVICE Device)
{
    return Device->Raw[0]->u.Interrupt.Vector;
}

ULONG_PTR InterruptsOff(VOID)
{
    ULONG_PTR flags = __readeflags();

    __asm__ volatile("cli" : : : "memory");
    return flags;
}

VOID InterruptsRestore(ULONG_PTR Flags)
{
    if (Flags & FLAG_INTERRUPTS)
        __asm__ volatile("sti" : : : "memory");
}

/* ---- messages ------------------------------------------------------------------------------- */

BOOLEAN MessagesConnect(VOID)
{
    PTEST_DEVICE device = TestFind(TestKindRocker, 0);
    ULONG i;

    if (device == NULL || device->InterruptCount < MESSAGES) {
        Expect(FALSE, "a rocker with four messages is there");
        return FALSE;
    }
    for (i = 0; i < MESSAGES; i++) {
        TestPrepareFull(&Messages[i], device, i);
        Messages[i].Body = TestClaim;
        if (!TestConnectOrFail(&Messages[i], "every message connects"))
            return FALSE;
    }
    return TRUE;
}

VOID MessagesDisconnect(VOID)
{
    ULONG i;

    for (i = 0; i < MESSAGES; i++)
        TestDisconnect(&Messages[i]);
}

ULONG MessageVector(ULONG Message)
{
    return FULL(&Messages[Message]).Vector;
}

ULONG MessageProcessor(ULONG Message)
{
    return TestLowestProcessor(FULL(&Messages[Message]).ProcessorEnableMask);
}

LONG MessagesCalls(VOID)
{
    LONG calls = 0;
    ULONG i;

    for (i = 0; i < MESSAGES; i++)
        calls += Messages[i].Calls;
    return calls;
}

VOID MessagesReset(VOID)
{
    ULONG i;

    for (i = 0; i < MESSAGES; i++) {
        TestResetCounts(&Messages[i]);
        Messages[i].Body = TestClaim;
    }
}

BOOLEAN MessagesAreSpread(VOID)
{
    ULONG i;

    for (i = 0; i < MESSAGES; i++)
        if (MessageProcessor(i) != i || MessageVector(i) != MessageVector(0))
            return FALSE;
    return TRUE;
}

static VOID Run(VOID)
{
    PTEST_DEVICE line = TestFind(TestKindSerial, 0), edge = TestFind(TestKindKeyboard, 0);

    if (line == NULL || edge == NULL) {
        Expect(FALSE, "a serial port and a keyboard are there");
        return;
    }
    if (ApicMap()) {
        CheckIoapic(line, edge);
        CheckLevel(line);
        CheckEdge(edge);
        if (MessagesConnect()) {
            CheckLocal(line);
            CheckTimer();
            CheckIpis();
            CheckRoutes(line, edge);
        }
        MessagesDisconnect();
        CheckBlock(TestFind(TestKindXhci, 0));
    }
    ApicUnmap();
}

const TEST_GROUP TestGroup = {.Run = Run, .Step = Meddle};
