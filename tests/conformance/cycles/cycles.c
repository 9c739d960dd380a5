/*
 * cycles.c - conformance of connecting and disconnecting over and over.
 *
 * What 10,000 rounds leave behind is for the outside to see: tests/qemu/test_leaks.py counts pool
 * blocks and vectors before and after.
 */
#include "suite.h"

#define ROUNDS 10000
#define ROUNDS_PER_INTERRUPT 500

static TEST_CONNECTION Connection;

typedef VOID (*PREPARE)(PTEST_CONNECTION Connection, PTEST_DEVICE Device);

static VOID PrepareFull(PTEST_CONNECTION Target, PTEST_DEVICE Device)
{
    TestPrepareFull(Target, Device, 0);
}

static VOID PrepareMessage(PTEST_CONNECTION Target, PTEST_DEVICE Device)
{
    TestPrepareMessage(Target, Device, TRUE);
}

/* One round in ROUNDS_PER_INTERRUPT takes an interrupt, too. */
static BOOLEAN Round(PTEST_DEVICE Device, PREPARE Prepare, ULONG Number)
{
    BOOLEAN served = TRUE;

    Prepare(&Connection, Device);
    if (!NT_SUCCESS(TestConnect(&Connection)))
        return FALSE;
    if (Number % ROUNDS_PER_INTERRUPT == 0) {
        TestRaise(Device, 0);
        served = TestWaitCalls(&Connection, 1);
    }
    TestDisconnect(&Connection);
    return served;
}

static VOID Check(PTEST_DEVICE Device, PREPARE Prepare, PCSTR Name)
{
    ULONG done = 0;

    while (done < ROUNDS && Round(Device, Prepare, done))
        done++;
    ExpectEqual(done, ROUNDS, Name);
}

static VOID Run(VOID)
{
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);

    Check(device, PrepareFull, "DIS-2, DIS-5 10,000 fully specified connections come and go");
    if (TestIsMessage(device))
        Check(device, PrepareMessage, "DIS-2, DIS-11 10,000 message based connections come and go");
    else
        Check(device, TestPrepareLine, "DIS-2, DIS-12 10,000 line based connections come and go");
}

const TEST_GROUP TestGroup = {.Run = Run};
