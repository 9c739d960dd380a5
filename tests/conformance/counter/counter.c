/*
 * counter.c - conformance of KeQueryPerformanceCounter: one clock for all processors.
 */
#include "suite.h"

#define READS 20000
#define HANDOVERS 2000
#define INTERVAL_MS 200
#define ATTEMPTS 5

/* A reading passed round between processors, each of which must find that it lies in the past. */
static volatile LONG64 LastReading;
static volatile LONG Backward, Running;
static KSPIN_LOCK Lock;

static LONG64 Counter(VOID)
{
    return KeQueryPerformanceCounter(NULL).QuadPart;
}

static VOID CheckOneProcessor(VOID)
{
    LONG64 first = Counter(), last = first;
    ULONG backward = 0, i;

    for (i = 0; i < READS; i++) {
        LONG64 now = Counter();

        backward += now < last;
        last = now;
    }
    ExpectEqual(backward, 0, "G-KE-53 the counter never goes back on one processor");
    Expect(last > first, "G-KE-53 the counter goes on");
}

static VOID CheckHopping(VOID)
{
    LONG64 last = Counter();
    ULONG backward = 0, i;

    for (i = 0; i < HANDOVERS; i++) {
        LONG64 now;

        TestGoTo(i % TestProcessors());
        now = Counter();
        backward += now < last;
        last = now;
    }
    TestAnywhere();
    ExpectEqual(backward, 0, "G-KE-53 a thread that changes its processor never sees it go back");
}

static VOID Compare(PVOID Context)
{
    ULONG i;

    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Running);
    TestSpinUntil(&Running, (LONG)TestProcessors(), 10000);
    for (i = 0; i < HANDOVERS; i++) {
        KIRQL irql;
        LONG64 now;

        KeAcquireSpinLock(&Lock, &irql);
        now = Counter();
        if (now < LastReading)
            InterlockedIncrement(&Backward);
        LastReading = now;
        KeReleaseSpinLock(&Lock, irql);
    }
}

static VOID CheckTogether(VOID)
{
    static TEST_THREAD threads[MAXIMUM_PROC_PER_GROUP];
    ULONG count = TestProcessors(), i;

    LastReading = 0;
    Backward = Running = 0;
    KeInitializeSpinLock(&Lock);
    for (i = 0; i < count; i++)
        if (!TestThreadStart(&threads[i], i, Compare, NULL))
            break;
    Expect(i == count, "a thread starts on each processor");
    while (i-- > 0)
        TestThreadJoin(&threads[i]);
    ExpectEqual((ULONG)Backward, 0,
                "G-KE-53 a reading that another processor passed on always lies in the past");
}

/* Both clocks around the same pause; a machine that is stopped in between gets another try. */
static BOOLEAN AgreesWithInterruptTime(LONG64 Frequency)
{
    ULONG i;

    for (i = 0; i < ATTEMPTS; i++) {
        ULONG64 time = KeQueryInterruptTime();
        LONG64 count = Counter(), counted, passed;

        TestPause(INTERVAL_MS);
        passed = (LONG64)(KeQueryInterruptTime() - time);
        counted = (Counter() - count) * 10000000 / Frequency;
        if (passed >= INTERVAL_MS * 10000 - 200000 && counted > passed - passed / 10 &&
            counted < passed + passed / 10)
            return TRUE;
    }
    return FALSE;
}

static VOID CheckFrequency(VOID)
{
    LARGE_INTEGER frequency, again;

    KeQueryPerformanceCounter(&frequency);
    Expect(frequency.QuadPart > 0, "G-KE-53 the frequency is stored");
    TestPause(20);
    KeQueryPerformanceCounter(&again);
    ExpectEqual((ULONG64)again.QuadPart, (ULONG64)frequency.QuadPart,
                "G-KE-53 the frequency never changes");
    if (frequency.QuadPart > 0)
        Expect(AgreesWithInterruptTime(frequency.QuadPart),
               "G-KE-53, G-KE-54 counts over frequency agree with the interrupt time");
}

static VOID Run(VOID)
{
    CheckOneProcessor();
    CheckHopping();
    CheckTogether();
    CheckFrequency();
}

const TEST_GROUP TestGroup = {.Run = Run};
