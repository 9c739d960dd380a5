/*
 * ipi.c - KeIpiGenericCall: the routine runs on all processors at one time, while none does
 * anything else.
 */
#include "ke.h"

#define ROUNDS 20
#define OTHERS_MAX 8
#define LATE_US 200
#define WAIT_MS 10000
#define PAGES 4

/* ---- the barrier ---------------------------------------------------------------------------- */

typedef struct _COUNTER {
    TEST_THREAD Thread;
    volatile LONG64 Count;
} COUNTER;

static COUNTER Counters[OTHERS_MAX];
static volatile LONG Leave, Begun, Looked, Ended, Moved;

static VOID CountAlways(PVOID Context)
{
    COUNTER *counter = Context;

    while (!Leave)
        counter->Count++;
}

static LONG64 Sum(VOID)
{
    LONG64 sum = 0;
    ULONG i;

    for (i = 0; i < OTHERS_MAX; i++)
        sum += Counters[i].Count;
    return sum;
}

/* From the first beginning until all have looked nobody counts. Argument: which round, from 1. */
static ULONG_PTR NTAPI Look(ULONG_PTR Argument)
{
    LONG all = (LONG)(Argument * TestProcessors());
    LONG64 before = Sum();

    InterlockedIncrement(&Begun);
    if (!TestSpinUntil(&Begun, all, WAIT_MS) || Sum() != before)
        InterlockedIncrement(&Moved);
    InterlockedIncrement(&Looked);
    TestSpinUntil(&Looked, all, WAIT_MS);
    if (TestCurrentProcessor() != 0)
        KeStallExecutionProcessor(LATE_US);
    InterlockedIncrement(&Ended);
    return Argument;
}

static VOID CheckBarrier(VOID)
{
    ULONG i, others = TestProcessors() - 1, early = 0;

    if (others > OTHERS_MAX)
        others = OTHERS_MAX;
    TestGoTo(0);
    Leave = Begun = Looked = Ended = Moved = 0;
    for (i = 0; i < others; i++) {
        Counters[i].Count = 0;
        TestThreadStart(&Counters[i].Thread, i + 1, CountAlways, &Counters[i]);
    }
    for (i = 0; i < others; i++)
        while (Counters[i].Thread.Object != NULL && Counters[i].Count == 0)
            TestPause(1);
    for (i = 1; i <= ROUNDS; i++) {
        KeIpiGenericCall(Look, i);
        early += (ULONG)Ended != i * TestProcessors();
    }
    Leave = 1;
    for (i = 0; i < others; i++)
        TestThreadJoin(&Counters[i].Thread);
    TestAnywhere();
    ExpectEqual((ULONG)Begun, ROUNDS * TestProcessors(),
                "KeIpiGenericCall runs the routine once on each processor, each time");
    ExpectEqual((ULONG)Moved, 0,
                "KeIpiGenericCall starts the routine on all processors together, while none does "
                "anything else");
    ExpectEqual(early, 0, "KeIpiGenericCall returns when the routine has ended everywhere");
}

/* ---- the level of the call ------------------------------------------------------------------ */

static ULONG_PTR NTAPI ReturnTwice(ULONG_PTR Argument)
{
    return 2 * Argument;
}

/* An interrupt that waits for the level to drop is served after the call, not in it. */
static VOID CheckLevel(VOID)
{
    static TEST_CONNECTION connection;
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);
    LONG inside;
    ULONG_PTR result;
    KIRQL irql, after;

    TestPrepareFull(&connection, device, 0);
    if (!TestConnectOrFail(&connection, "a device interrupts"))
        return;
    TestGoTo(TestInterruptProcessor(connection.Object));
    KeRaiseIrql(SYNCH_LEVEL, &irql);
    TestRaise(device, 0);
    TestSpinUntil(&connection.Calls, 1, 5);
    result = KeIpiGenericCall(ReturnTwice, 21);
    after = KeGetCurrentIrql();
    inside = connection.Calls;
    KeLowerIrql(irql);
    Expect(TestSpinUntil(&connection.Calls, 1, WAIT_MS) && inside == 0,
           "KeIpiGenericCall from above DISPATCH_LEVEL lets in no interrupt of that level");
    Expect(result == 42 && after == SYNCH_LEVEL,
           "KeIpiGenericCall returns the routine's result at the level of the call");
    TestAnywhere();
    TestDisconnect(&connection);
}

/* ---- several at once ------------------------------------------------------------------------ */

static volatile LONG Crossed;

static ULONG_PTR NTAPI CountCrossed(ULONG_PTR Argument)
{
    InterlockedIncrement(&Crossed);
    return Argument;
}

static VOID CallOften(PVOID Context)
{
    ULONG i;

    UNREFERENCED_PARAMETER(Context);
    for (i = 0; i < ROUNDS; i++)
        KeIpiGenericCall(CountCrossed, i);
}

/* Each unmapping has all processors asked, too. */
static BOOLEAN MapOften(VOID)
{
    PHYSICAL_ADDRESS low = {.QuadPart = 0}, high = {.QuadPart = -1}, skip = {.QuadPart = 0};
    PMDL mdl = MmAllocatePagesForMdl(low, high, skip, PAGES * PAGE_SIZE);
    ULONG i, mapped = 0;
    PVOID address;

    if (mdl == NULL)
        return FALSE;
    for (i = 0; i < ROUNDS; i++) {
        address = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE,
                                               NormalPagePriority);
        if (address == NULL)
            break;
        mapped += *(volatile UCHAR *)address == 0;
        MmUnmapLockedPages(address, mdl);
    }
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
    return mapped == ROUNDS;
}

static VOID CheckCrossed(VOID)
{
    TEST_THREAD threads[2];
    BOOLEAN mapped;
    ULONG i, started = 0;

    Crossed = 0;
    for (i = 0; i < 2; i++)
        started += TestThreadStart(&threads[i], (i + 1) % TestProcessors(), CallOften, NULL);
    mapped = MapOften();
    for (i = 0; i < 2; i++)
        TestThreadJoin(&threads[i]);
    Expect(started == 2 && mapped && (ULONG)Crossed == 2 * ROUNDS * TestProcessors(),
           "calls of KeIpiGenericCall from several processors run one after the other, also while "
           "another unmaps memory");
}

VOID CheckIpi(VOID)
{
    CheckBarrier();
    CheckLevel();
    CheckCrossed();
}
