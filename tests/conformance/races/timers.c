/*
 * timers.c - timers by handle that call a routine: their time against setting anew, cancelling, and
 * the end of the thread that set them.
 */
#include "races.h"

#define ROUNDS 60
#define MICROSECONDS(Count) (-(LONGLONG)(Count)*10)

typedef struct _TIMER_RACE {
    HANDLE Shared;
    volatile LONG Calls;   /* of the routine by the shared timer */
    volatile LONG Expired; /* of the racers' own */
    volatile LONG Wrong;
} TIMER_RACE, *PTIMER_RACE;

static VOID NTAPI Tell(PVOID TimerContext, ULONG TimerLowValue, LONG TimerHighValue)
{
    UNREFERENCED_PARAMETER(TimerLowValue);
    UNREFERENCED_PARAMETER(TimerHighValue);
    InterlockedIncrement(TimerContext);
}

static HANDLE Create(VOID)
{
    HANDLE timer = NULL;

    ZwCreateTimer(&timer, STANDARD_RIGHTS_ALL, NULL, NotificationTimer);
    return timer;
}

static NTSTATUS Set(PRACER Racer, HANDLE Timer, LONG Period, volatile LONG *Calls)
{
    LARGE_INTEGER due;

    due.QuadPart = MICROSECONDS(RaceRandom(Racer) >> 8 & 511);
    return ZwSetTimer(Timer, &due, Tell, (PVOID)Calls, FALSE, Period, NULL);
}

static VOID SetAndEnd(PVOID Context)
{
    PRACER racer = Context;
    PTIMER_RACE race = racer->Shared;

    Set(racer, race->Shared, 1, &race->Calls);
}

/* Its own timer calls once at most, and not any more when it has been cancelled. */
static VOID RaceOwn(PRACER Racer, PTIMER_RACE Race, HANDLE Timer)
{
    volatile LONG calls = 0;
    LONG then;

    if (!NT_SUCCESS(Set(Racer, Timer, 0, &calls)))
        InterlockedIncrement(&Race->Wrong);
    KeStallExecutionProcessor(RaceRandom(Racer) >> 8 & 511);
    ZwCancelTimer(Timer, NULL);
    then = calls;
    TestPause(0);
    if (calls != then || calls > 1)
        InterlockedIncrement(&Race->Wrong);
    InterlockedExchangeAdd(&Race->Expired, calls);
}

static VOID TimerRacer(PRACER Racer)
{
    PTIMER_RACE race = Racer->Shared;
    HANDLE own = Create();
    TEST_THREAD thread;
    ULONG round;

    if (KeAreApcsDisabled())
        KeLeaveCriticalRegion(); /* that a system thread begins in */
    for (round = 0; own != NULL && round < ROUNDS && RaceGoesOn(Racer); round++) {
        RaceOwn(Racer, race, own);
        RacePause(Racer);
        if (round % 8 == 0 &&
            TestThreadStart(&thread, Racer->Index % TestProcessors(), SetAndEnd, Racer))
            TestThreadJoin(&thread);
        else if (Racer->Index % 2 == 0)
            Set(Racer, race->Shared, 1, &race->Calls);
        else
            ZwCancelTimer(race->Shared, NULL);
    }
    if (own == NULL)
        InterlockedIncrement(&race->Wrong);
    else
        ZwClose(own);
}

VOID RaceTimerHandles(VOID)
{
    static TIMER_RACE race;
    LONG calls;

    RtlZeroMemory(&race, sizeof(race));
    race.Shared = Create();
    if (race.Shared == NULL) {
        Expect(FALSE, "the timer of all can be made");
        return;
    }
    Race(TimerRacer, &race);
    calls = race.Calls;
    DbgPrint("# %u calls by own timers, %u by the one of all\n", (ULONG)race.Expired, (ULONG)calls);
    Expect(race.Wrong == 0, "a timer calls its routine at its time or is cancelled, never both");
    TestPause(5);
    ExpectEqual((ULONG)race.Calls, (ULONG)calls, "the threads' ends have cancelled their timers");
    ZwClose(race.Shared);
}
