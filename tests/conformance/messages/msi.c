/*
 * msi.c - the MSI capability in its layouts, bus mastering, masks.
 *
 * edu and the xHCI have 64-bit addresses and no masks, the bridge 64-bit and masks, the root port
 * 32-bit and masks. The root port sends its message when a write to Slot Control has been carried
 * out (PCI Express 3.0 7.8.10, 7.8.11), which can be seen as its interrupt.
 */
#include "messages.h"

enum { SLOT_CONTROL = 0x18, SLOT_STATUS = 0x1A };

#define SLOT_COMMAND_DONE 0x0010u /* in both: it happened; it is to interrupt */
#define SLOT_INTERRUPT 0x0020u
#define QUIET_MS 20

static TEST_CONNECTION Connection;

static ULONG Log2(ULONG Value)
{
    ULONG log = 0;

    while (Value > 1) {
        Value >>= 1;
        log++;
    }
    return log;
}

/* Layout: MSI_64BIT, MSI_MASKABLE, both or none. */
static VOID CheckLayout(PTEST_DEVICE Device, ULONG Layout, ULONG Messages, PCSTR Name)
{
    ULONG msi, control, low, high = 0, data, command;

    if (Device == NULL || !ConfigOf(Device)) {
        Expect(FALSE, Name);
        return;
    }
    msi = ConfigCapability(CAPABILITY_MSI);
    control = ConfigRead(msi + 2, 2);
    Expect((control & (MSI_64BIT | MSI_MASKABLE)) == Layout && 1u << (control >> 1 & 7) >= Messages,
           Name);
    Expect((control & MSI_ENABLE) != 0,
           "RES-MSI-13 MSI is enabled at the start, before anybody connects");
    ExpectEqual(1u << (control >> 4 & 7), Messages, "HW-60 as many messages as were given");
    command = ConfigRead(CONFIG_COMMAND, 2);
    Expect((command & COMMAND_BUS_MASTER) != 0, "HW-59 bus mastering is on");
    Expect((command & COMMAND_INTX_OFF) != 0, "HW-59, RES-MSI-12 INTx is disabled");
    TestPrepareMessage(&Connection, Device, FALSE);
    if (!TestConnectOrFail(&Connection, "HW-57 its messages connect"))
        return;
    low = ConfigRead(msi + 4, 4);
    if (Layout & MSI_64BIT)
        high = ConfigRead(msi + 8, 4);
    data = ConfigRead(msi + (Layout & MSI_64BIT ? 12 : 8), 2);
    Expect(low == Connection.Table->MessageInfo[0].MessageAddress.LowPart && high == 0 &&
               data == Connection.Table->MessageInfo[0].MessageData,
           "HW-57, CIE-MTAB-9 address and data are where its layout has them");
    Expect(low >> 20 == 0xFEE && (low & 0xFFF) == 0,
           "HW-58 the address is FEEh and the processor's APIC id, nothing else");
    ExpectEqual(low >> 12 & 0xFF,
                TestLowestProcessor(Connection.Table->MessageInfo[0].TargetProcessorSet),
                "HW-58 whose processor is that of the table");
    ExpectEqual(data, Connection.Table->MessageInfo[0].Vector,
                "HW-58 the data is the vector: fixed, edge");
    ExpectEqual(data % Messages, 0, "HW-60, RES-MSI-11 aligned to the number of messages");
    TestDisconnect(&Connection);
    Expect(Log2(Messages) == (ConfigRead(msi + 2, 2) >> 4 & 7) &&
               (ConfigRead(msi + 2, 2) & MSI_ENABLE) != 0,
           "RES-MSI-14 MSI stays enabled when nobody is connected any more");
}

/* A device that may not write memory cannot send messages. */
static VOID CheckBusMaster(PTEST_DEVICE Device)
{
    ULONG command;

    TestPrepareMessage(&Connection, Device, FALSE);
    if (!ConfigOf(Device) || !TestConnectOrFail(&Connection, "HW-59 a message connects"))
        return;
    command = ConfigRead(CONFIG_COMMAND, 2);
    ConfigWrite(CONFIG_COMMAND, 2, command & ~COMMAND_BUS_MASTER);
    TestRaise(Device, 0);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection.Calls, 0, "HW-59 without bus mastering there is no message");
    TestAcknowledge(Device);
    ConfigWrite(CONFIG_COMMAND, 2, command & ~COMMAND_INTX_OFF);
    Expect((ConfigRead(CONFIG_COMMAND, 2) & COMMAND_INTX_OFF) != 0,
           "RES-MSI-12 a driver that writes the command register cannot enable INTx beside MSI");
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Connection, 1), "HW-59 with it there is one, and no INTx besides");
    TestDisconnect(&Connection);
    TestRaise(Device, 0);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection.Calls, 1,
                "RES-MSI-14 what is sent after disconnecting is dropped");
    TestAcknowledge(Device);
    TestPrepareMessage(&Connection, Device, FALSE);
    if (TestConnectOrFail(&Connection, "RES-MSI-14 connecting again succeeds"))
        TestExpectCall(&Connection, 0, Connection.Table->UnifiedIrql,
                       "RES-MSI-14 and the next message is delivered");
    TestDisconnect(&Connection);
}

/* ---- masks ---------------------------------------------------------------------------------- */

/* The slot carries out what is written, and says so. */
static VOID PortRaise(ULONG Express)
{
    ConfigWrite(Express + SLOT_STATUS, 2, SLOT_COMMAND_DONE);
    ConfigWrite(Express + SLOT_CONTROL, 2, SLOT_COMMAND_DONE | SLOT_INTERRUPT);
}

static VOID CheckMask(PTEST_DEVICE Device)
{
    ULONG msi, express, mask, before;

    TestPrepareMessage(&Connection, Device, FALSE);
    Connection.Body = TestClaim;
    if (!ConfigOf(Device))
        return;
    msi = ConfigCapability(CAPABILITY_MSI);
    express = ConfigCapability(CAPABILITY_EXPRESS);
    before = ConfigRead(msi + 12, 4);
    if (!TestConnectOrFail(&Connection, "HW-62 a message that can be masked connects"))
        return;
    mask = ConfigRead(msi + 12, 4);
    Expect((before & 1) != 0 && (mask & 1) == 0,
           "RES-MSI-13, HW-62 it is masked before that and unmasked after it");
    PortRaise(express);
    Expect(TestWaitCalls(&Connection, 1), "HW-62 unmasked it is delivered");
    TestResetCounts(&Connection);
    ConfigWrite(msi + 12, 4, mask | 1);
    PortRaise(express);
    TestPause(QUIET_MS);
    Expect(Connection.Calls == 0 && (ConfigRead(msi + 16, 4) & 1) != 0,
           "HW-62 masked it is not, and its pending bit is set");
    ConfigWrite(msi + 12, 4, mask);
    Expect(TestWaitCalls(&Connection, 1) && (ConfigRead(msi + 16, 4) & 1) == 0,
           "HW-62 unmasked again it is delivered once, and the bit is clear");
    ConfigWrite(express + SLOT_CONTROL, 2, 0);
    TestDisconnect(&Connection);
    Expect((ConfigRead(msi + 12, 4) & 1) != 0, "RES-MSI-13 disconnecting masks it");
}

VOID CheckMsi(VOID)
{
    PTEST_DEVICE edu = TestFind(TestKindEdu, 0), port = TestFind(TestKindOther, 0);

    CheckLayout(edu, MSI_64BIT, 1, "HW-57 edu: a 64-bit address, no masks");
    CheckLayout(TestFind(TestKindXhci, 0), MSI_64BIT, 16, "HW-57, HW-60 xHCI: sixteen messages");
    CheckLayout(port, MSI_MASKABLE, 2, "HW-57 root port: a 32-bit address and masks");
    CheckLayout(TestFind(TestKindOther, 1), MSI_64BIT | MSI_MASKABLE, 1,
                "HW-57 bridge: a 64-bit address and masks");
    CheckBusMaster(edu);
    if (port != NULL)
        CheckMask(port);
}
