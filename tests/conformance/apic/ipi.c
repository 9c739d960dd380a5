/*
 * ipi.c - interrupts that processors send each other, by every kind of destination.
 *
 * They are received by the messages' routines: each processor has one, all at the same vector.
 */
#include "apic.h"

#define PENDING_MS 10000
#define SLEEPS 20
#define AWAKE_US 2000

static BOOLEAN WaitForCalls(LONG Wanted)
{
    ULONG i;

    for (i = 0; i < PENDING_MS && MessagesCalls() < Wanted; i++)
        TestPause(1);
    TestPause(2);
    return MessagesCalls() == Wanted;
}

/* Exactly these processors take one call each, and on themselves. */
static BOOLEAN Reached(ULONG Processors)
{
    ULONG i, wrong = 0;
    LONG wanted = 0;

    for (i = 0; i < MESSAGES; i++)
        wanted += Processors >> i & 1;
    if (!WaitForCalls(wanted))
        return FALSE;
    for (i = 0; i < MESSAGES; i++) {
        wrong += Messages[i].Calls != (LONG)(Processors >> i & 1);
        wrong += Messages[i].Calls != 0 && Messages[i].Processor != i;
    }
    return wrong == 0;
}

static BOOLEAN SendTo(ULONG Destination, ULONG Low, ULONG Processors)
{
    MessagesReset();
    ApicSend(Destination, Low | MessageVector(0));
    return Reached(Processors);
}

/* ---- destinations --------------------------------------------------------------------------- */

static VOID CheckPhysical(VOID)
{
    ULONG i, reached = 0;

    for (i = 0; i < MESSAGES; i++)
        reached += SendTo(i, 0, 1u << i);
    ExpectEqual(reached, MESSAGES, "HW-28 an IPI to each processor runs there, and only there");
    Expect(SendTo(APIC_BROADCAST, 0, 0xF), "HW-23 the broadcast address reaches each once");
    Expect(SendTo(0, APIC_ICR_ALL, 0xF), "HW-23 the shorthand for all reaches each once");
}

static VOID CheckLogical(VOID)
{
    LOGICAL_MODE before[MESSAGES], modes[MESSAGES];
    ULONG mask, reached = 0;

    KeIpiGenericCall(LogicalRead, (ULONG_PTR)before);
    for (mask = 0; mask < MESSAGES; mask++)
        modes[mask] = (LOGICAL_MODE){APIC_DFR_FLAT, 1u << mask << 24};
    KeIpiGenericCall(LogicalWrite, (ULONG_PTR)modes);
    for (mask = 1; mask < 16; mask++)
        reached += SendTo(mask, APIC_ICR_LOGICAL, mask);
    ExpectEqual(reached, 15, "HW-24 a flat logical mask reaches exactly the processors in it");

    for (mask = 0; mask < MESSAGES; mask++) /* two clusters of two */
        modes[mask] = (LOGICAL_MODE){APIC_DFR_CLUSTER, (mask / 2 << 4 | 1u << mask % 2) << 24};
    KeIpiGenericCall(LogicalWrite, (ULONG_PTR)modes);
    reached = 0;
    for (mask = 1; mask < 4; mask++) {
        reached += SendTo(mask, APIC_ICR_LOGICAL, mask);
        reached += SendTo(1u << 4 | mask, APIC_ICR_LOGICAL, mask << 2);
    }
    ExpectEqual(reached, 6, "HW-25 a cluster's mask reaches exactly the processors in it");
    KeIpiGenericCall(LogicalWrite, (ULONG_PTR)before);
}

/* ---- sleeping ------------------------------------------------------------------------------- */

/* Is HLT left at once when the interrupt is pending as STI is executed? */
static VOID CheckSleep(VOID)
{
    LARGE_INTEGER frequency, start, now;
    ULONG i, awake = 0;

    TestGoTo(MessageProcessor(0));
    MessagesReset();
    for (i = 0; i < SLEEPS; i++) {
        __asm__ volatile("cli" : : : "memory");
        ApicSend(0, APIC_ICR_SELF | MessageVector(0));
        start = KeQueryPerformanceCounter(&frequency);
        __asm__ volatile("sti; hlt" : : : "memory");
        now = KeQueryPerformanceCounter(NULL);
        awake += (now.QuadPart - start.QuadPart) * 1000000 / frequency.QuadPart < AWAKE_US;
    }
    Expect(WaitForCalls(SLEEPS), "HW-21 each IPI to self by the shorthand is one interrupt");
    Expect(awake > SLEEPS / 2, "HW-29 STI, HLT with an interrupt pending does not sleep");
    TestAnywhere();
}

/* ---- a block of messages --------------------------------------------------------------------- */

/* The device is not made to send; what it would send is the base vector plus the number. */
VOID CheckBlock(PTEST_DEVICE Device)
{
    static TEST_CONNECTION connection;
    ULONG i, count = 0, right = 0, base;

    TestPrepareMessage(&connection, Device, FALSE);
    connection.Body = TestClaim;
    if (!TestConnectOrFail(&connection, "MISR-5 the messages of an MSI block connect"))
        return;
    TestGoTo(TestLowestProcessor(connection.Table->MessageInfo[0].TargetProcessorSet));
    count = connection.Table->MessageCount;
    base = connection.Table->MessageInfo[0].Vector;
    for (i = 0; i < count; i++) {
        TestResetCounts(&connection);
        ApicSend(0, APIC_ICR_SELF | (base + i));
        right += TestWaitCalls(&connection, 1) && connection.MessageId == i &&
                 connection.Interrupt == connection.Table->MessageInfo[i].InterruptObject;
    }
    Expect(count > 1 && right == count,
           "MISR-5, HW-60 vector base + i of an MSI block calls the routine with MessageID i");
    TestAnywhere();
    TestDisconnect(&connection);
}

VOID CheckIpis(VOID)
{
    if (MessagesAreSpread()) {
        CheckPhysical();
        CheckLogical();
    } else {
        ExpectSkip("HW-23, HW-24, HW-25, HW-28 IPIs reach those they are sent to",
                   "not four processors with a message each");
    }
    CheckSleep();
}
