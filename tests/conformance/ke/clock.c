/*
 * clock.c - time as the exported routines tell it, against what headers read from the shared user
 * data page; the clock's resolution.
 */
#include "ke.h"

#define UNITS_PER_SECOND 10000000
#define WAIT_MS 10000
#define ROUNDS 50
#define MS 10000LL
#define DEFAULT_PERIOD 156250 /* 15.625 ms */
#define FINE_PERIOD 10000
#define STEPS 200

typedef ULONGLONG(NTAPI *PINTERRUPT_TIME)(PULONG64 QpcTimeStamp);
typedef ULONGLONG(NTAPI *PUNBIASED_TIME)(VOID);
typedef VOID(NTAPI *PSYSTEM_TIME)(PLARGE_INTEGER Time);
typedef VOID(NTAPI *PRESOLUTION)(PULONG Maximum, PULONG Minimum, PULONG Current);

static PINTERRUPT_TIME InterruptTime;
static PUNBIASED_TIME UnbiasedTime, TickTime;
static PSYSTEM_TIME SystemTime, TickSystemTime, TickCount;
static PRESOLUTION QueryResolution;

static VOID Find(VOID)
{
    InterruptTime = (PINTERRUPT_TIME)TestRoutine(L"KeQueryInterruptTimePrecise");
    UnbiasedTime = (PUNBIASED_TIME)TestRoutine(L"KeQueryUnbiasedInterruptTime");
    TickTime = (PUNBIASED_TIME)TestRoutine(L"KeQueryInterruptTime");
    SystemTime = (PSYSTEM_TIME)TestRoutine(L"KeQuerySystemTimePrecise");
    TickSystemTime = (PSYSTEM_TIME)TestRoutine(L"KeQuerySystemTime");
    TickCount = (PSYSTEM_TIME)TestRoutine(L"KeQueryTickCount");
    QueryResolution = (PRESOLUTION)TestRoutine(L"ExQueryTimerResolution");
}

/* ---- precise times -------------------------------------------------------------------------- */

static ULONGLONG Distance(ULONGLONG A, ULONGLONG B)
{
    return A > B ? A - B : B - A;
}

static VOID CheckInterruptTime(VOID)
{
    LARGE_INTEGER frequency, first, last;
    ULONGLONG time, before = 0, page, start, stamped;
    ULONG64 stamp, startStamp;
    ULONG i, back = 0, outside = 0, apart = 0;

    KeQueryPerformanceCounter(&frequency);
    start = InterruptTime(&startStamp);
    for (i = 0; i < ROUNDS; i++) {
        TestGoTo(i % TestProcessors());
        page = KeQueryInterruptTime();
        first = KeQueryPerformanceCounter(NULL);
        time = InterruptTime(&stamp);
        last = KeQueryPerformanceCounter(NULL);
        back += time < before || time < page;
        outside += stamp < (ULONG64)first.QuadPart || stamp > (ULONG64)last.QuadPart;
        stamped = (stamp - startStamp) * UNITS_PER_SECOND / (ULONGLONG)frequency.QuadPart;
        apart += Distance(time - start, stamped) > 2;
        before = time;
    }
    TestAnywhere();
    ExpectEqual(back, 0,
                "KeQueryInterruptTimePrecise never goes back, on no processor, and is not behind "
                "KeQueryInterruptTime");
    ExpectEqual(outside, 0, "its time stamp is a performance counter read during the call");
    ExpectEqual(apart, 0, "both are of one moment");
}

static VOID CheckUnbiased(VOID)
{
    ULONGLONG before, unbiased, after;
    ULONG64 stamp;
    ULONG i, outside = 0;

    for (i = 0; i < ROUNDS; i++) {
        before = KeQueryInterruptTime();
        unbiased = UnbiasedTime();
        after = InterruptTime(&stamp);
        outside += unbiased < before || unbiased > after;
    }
    ExpectEqual(outside, 0,
                "KeQueryUnbiasedInterruptTime is the interrupt time where the system never slept");
}

static VOID CheckSystemTime(VOID)
{
    LARGE_INTEGER page, now, before = {.QuadPart = 0};
    ULONGLONG earlier, later;
    LONGLONG least = MINLONGLONG, most = MAXLONGLONG; /* system time at boot */
    ULONG64 stamp;
    ULONG i, back = 0;

    for (i = 0; i < ROUNDS; i++) {
        KeQuerySystemTime(&page);
        earlier = InterruptTime(&stamp);
        SystemTime(&now);
        later = InterruptTime(&stamp);
        back += now.QuadPart < before.QuadPart || now.QuadPart < page.QuadPart;
        if (now.QuadPart - (LONGLONG)later > least)
            least = now.QuadPart - (LONGLONG)later;
        if (now.QuadPart - (LONGLONG)earlier < most)
            most = now.QuadPart - (LONGLONG)earlier;
        before = now;
    }
    ExpectEqual(back, 0,
                "KeQuerySystemTimePrecise never goes back and is not behind KeQuerySystemTime");
    Expect(least <= most, "and keeps its distance to the interrupt time");
}

/* ---- times of the latest tick, which headers inline ----------------------------------------- */

static VOID CheckTickTimes(VOID)
{
    LARGE_INTEGER before, called, after;
    ULONG i, outside = 0, outsideSystem = 0;
    ULONGLONG first, time, last;
    KIRQL irql;

    for (i = 0; i < ROUNDS; i++) {
        KeRaiseIrql(i % 2 == 0 ? HIGH_LEVEL : PASSIVE_LEVEL, &irql);
        first = KeQueryInterruptTime();
        time = TickTime();
        last = KeQueryInterruptTime();
        KeQuerySystemTime(&before);
        TickSystemTime(&called);
        KeQuerySystemTime(&after);
        KeLowerIrql(irql);
        outside += time < first || time > last;
        outsideSystem += called.QuadPart < before.QuadPart || called.QuadPart > after.QuadPart;
    }
    ExpectEqual(outside, 0,
                "KeQueryInterruptTime, where it is imported, tells what its inline form tells");
    ExpectEqual(outsideSystem, 0,
                "KeQuerySystemTime, where it is imported, tells what its inline form tells");
}

/* Time goes on between two looks at the highest IRQL as between two at the lowest. */
static VOID CheckAnyLevel(VOID)
{
    LARGE_INTEGER system[3], ticks[3];
    ULONGLONG precise[3], unbiased[3];
    ULONG i, back = 0;
    ULONG64 stamp;
    KIRQL irql;

    for (i = 0; i < 3; i++) {
        KeRaiseIrql(i == 1 ? HIGH_LEVEL : PASSIVE_LEVEL, &irql);
        precise[i] = InterruptTime(&stamp);
        unbiased[i] = UnbiasedTime();
        SystemTime(&system[i]);
        TickCount(&ticks[i]);
        KeLowerIrql(irql);
    }
    for (i = 0; i < 2; i++)
        back += precise[i] > precise[i + 1] || unbiased[i] > unbiased[i + 1] ||
                system[i].QuadPart > system[i + 1].QuadPart ||
                ticks[i].QuadPart > ticks[i + 1].QuadPart;
    Expect(back == 0 && precise[0] < precise[2] && system[0].QuadPart < system[2].QuadPart,
           "times and ticks are told at HIGH_LEVEL, too");
}

/* ---- the performance counter, stalls -------------------------------------------------------- */

static VOID CheckCounter(VOID)
{
    LARGE_INTEGER frequency, other, now, before = KeQueryPerformanceCounter(&frequency);
    ULONG i, back = 0, different = 0;
    KIRQL irql;

    for (i = 0; i < ROUNDS; i++) {
        TestGoTo(i % TestProcessors());
        KeRaiseIrql(HIGH_LEVEL, &irql);
        now = KeQueryPerformanceCounter(i % 2 == 0 ? &other : NULL);
        KeLowerIrql(irql);
        back += now.QuadPart < before.QuadPart;
        different += i % 2 == 0 && other.QuadPart != frequency.QuadPart;
        before = now;
    }
    TestAnywhere();
    ExpectEqual(back, 0, "KeQueryPerformanceCounter never goes back, on no processor");
    ExpectEqual(different, 0, "its frequency, which need not be asked for, is that of all");
    Expect(frequency.QuadPart >= UNITS_PER_SECOND / 10, "and finer than a microsecond");
}

static VOID CheckStalls(VOID)
{
    static const ULONG stalls[] = {0, 1, 50, 1000};
    LARGE_INTEGER frequency, before, after;
    LONGLONG passed;
    ULONG i, early = 0;
    KIRQL irql;

    for (i = 0; i < sizeof(stalls) / sizeof(stalls[0]); i++) {
        KeRaiseIrql(i % 2 == 0 ? HIGH_LEVEL : PASSIVE_LEVEL, &irql);
        before = KeQueryPerformanceCounter(&frequency);
        KeStallExecutionProcessor(stalls[i]);
        after = KeQueryPerformanceCounter(NULL);
        KeLowerIrql(irql);
        passed = (after.QuadPart - before.QuadPart) * 1000000 / frequency.QuadPart;
        early += passed + 1 < stalls[i];
    }
    ExpectEqual(early, 0,
                "KeStallExecutionProcessor takes at least as many microseconds, at any IRQL");
}

/* ---- delays --------------------------------------------------------------------------------- */

static LARGE_INTEGER Interval; /* not on the stack: a wait in user mode may have that paged out */

/* How long KeDelayExecutionThread takes, in 100 ns units; -1: it does not succeed. */
static LONGLONG DelayIn(KPROCESSOR_MODE Mode, LONGLONG Units, BOOLEAN Alertable)
{
    LARGE_INTEGER frequency, before = KeQueryPerformanceCounter(&frequency), after;
    NTSTATUS status;

    Interval.QuadPart = Units;
    status = KeDelayExecutionThread(Mode, Alertable, &Interval);

    after = KeQueryPerformanceCounter(NULL);
    if (status != STATUS_SUCCESS)
        return -1;
    return (after.QuadPart - before.QuadPart) * UNITS_PER_SECOND / frequency.QuadPart;
}

static LONGLONG Delay(LONGLONG Units, BOOLEAN Alertable)
{
    return DelayIn(KernelMode, Units, Alertable);
}

static VOID CheckDelays(VOID)
{
    LARGE_INTEGER now;
    LONGLONG due, passed;
    KIRQL irql, after;

    Expect(Delay(-30 * MS, FALSE) >= 30 * MS && Delay(-30 * MS, TRUE) >= 30 * MS,
           "KeDelayExecutionThread takes no less than a relative interval");
    SystemTime(&now);
    due = now.QuadPart + 30 * MS;
    passed = Delay(due, FALSE);
    SystemTime(&now);
    Expect(passed >= 0 && now.QuadPart >= due, "and to an absolute time");
    passed = Delay(now.QuadPart - 30 * MS, FALSE);
    Expect(passed >= 0 && passed < WAIT_MS * MS, "one in the past is over at once");
    Expect(Delay(0, FALSE) >= 0, "and one of nothing");
    Expect(DelayIn(UserMode, -10 * MS, FALSE) >= 10 * MS,
           "KeDelayExecutionThread takes no less in a UserMode wait");
    KeRaiseIrql(APC_LEVEL, &irql);
    passed = Delay(-10 * MS, FALSE);
    after = KeGetCurrentIrql();
    KeLowerIrql(irql);
    Expect(passed >= 10 * MS && after == APC_LEVEL,
           "KeDelayExecutionThread at APC_LEVEL comes back at that level");
}

/* ---- ticks ---------------------------------------------------------------------------------- */

static VOID CheckTicks(VOID)
{
    LARGE_INTEGER inlined, first, next, again;
    ULONGLONG before, after;
    ULONG i, back = 0, increment = KeQueryTimeIncrement();

    ExpectEqual(increment, DEFAULT_PERIOD, "KeQueryTimeIncrement is 15.625 ms");
    TickCount(&first);
    before = KeQueryInterruptTime();
    for (i = 0; i < ROUNDS; i++) {
        TickCount(&next);
        KeQueryTickCount(&inlined);
        TickCount(&again);
        back += inlined.QuadPart < next.QuadPart || again.QuadPart < inlined.QuadPart;
        TestPause(2);
    }
    TickCount(&next);
    after = KeQueryInterruptTime();
    ExpectEqual(back, 0, "KeQueryTickCount counts as its inline form does");
    Expect(next.QuadPart > first.QuadPart &&
               Distance((ULONGLONG)(next.QuadPart - first.QuadPart) * increment, after - before) <=
                   2 * increment,
           "one tick is KeQueryTimeIncrement");
}

/* ---- resolution ----------------------------------------------------------------------------- */

/* Whether the interrupt time of the shared page makes a step of no more than that. */
static BOOLEAN MovesBy(ULONGLONG Most)
{
    ULONGLONG before, now = KeQueryInterruptTime();
    ULONG i, spins;

    for (i = 0; i < STEPS; i++) {
        before = now;
        for (spins = 0; spins < WAIT_MS * 100 && now == before; spins++) {
            KeStallExecutionProcessor(10);
            now = KeQueryInterruptTime();
        }
        if (i > 0 && now - before <= Most) /* the first began before the call */
            return TRUE;
    }
    return FALSE;
}

static VOID CheckResolution(VOID)
{
    ULONG maximum, minimum, current;

    QueryResolution(&maximum, &minimum, &current);
    Expect(maximum == DEFAULT_PERIOD && minimum == FINE_PERIOD && current == maximum,
           "ExQueryTimerResolution tells the coarsest, the finest and the present resolution");
    ExpectEqual(ExSetTimerResolution(50000, TRUE), 50000, "ExSetTimerResolution sets 5 ms");
    QueryResolution(&maximum, &minimum, &current);
    ExpectEqual(current, 50000, "which ExQueryTimerResolution tells");
    ExpectEqual(ExSetTimerResolution(100000, TRUE), 50000,
                "a coarser resolution than the present is not set");
    ExpectEqual(ExSetTimerResolution(1, TRUE), FINE_PERIOD,
                "one finer than there is becomes the finest");
    /* A busy host makes steps longer, never shorter: one of many will do. */
    Expect(MovesBy(2 * FINE_PERIOD), "the interrupt time moves in steps of that size");
    ExpectEqual(ExSetTimerResolution(0, FALSE), FINE_PERIOD,
                "the resolution stays while others want it");
    ExpectEqual(ExSetTimerResolution(0, FALSE), FINE_PERIOD, "for each that asked");
    ExpectEqual(ExSetTimerResolution(0, FALSE), DEFAULT_PERIOD, "the last brings the default back");
    ExpectEqual(ExSetTimerResolution(0, FALSE), DEFAULT_PERIOD, "once too often changes nothing");
    QueryResolution(&maximum, &minimum, &current);
    ExpectEqual(current, DEFAULT_PERIOD, "ExQueryTimerResolution tells that, too");
}

VOID CheckClock(VOID)
{
    Find();
    CheckInterruptTime();
    CheckUnbiased();
    CheckSystemTime();
    CheckTickTimes();
    CheckAnyLevel();
    CheckCounter();
    CheckStalls();
    CheckDelays();
    CheckTicks();
    CheckResolution();
}
