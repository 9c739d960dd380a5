/*
 * races.c - the group: racers, their random pauses, the seed.
 */
#include "races.h"

#define SECONDS_MAX 2

static ULONG Seed;

typedef struct _START {
    RACER Racer;
    RACE_ROUTINE Routine;
    volatile LONG *Ready;
    TEST_THREAD Thread;
} START, *PSTART;

ULONG RaceRandom(PRACER Racer)
{
    /* xorshift32: Marsaglia, "Xorshift RNGs" (2003), section 2 */
    Racer->Random ^= Racer->Random << 13;
    Racer->Random ^= Racer->Random >> 17;
    Racer->Random ^= Racer->Random << 5;
    return Racer->Random;
}

BOOLEAN RaceGoesOn(PRACER Racer)
{
    return KeQueryInterruptTime() < Racer->Until;
}

VOID RacePause(PRACER Racer)
{
    ULONG pause = RaceRandom(Racer) >> 8 & 7;

    if (pause < 4)
        KeStallExecutionProcessor(pause);
}

VOID RaceMeet(volatile LONG *Count)
{
    LONG meeting = (InterlockedIncrement(Count) - 1) / RACERS;

    while (*Count < (meeting + 1) * RACERS)
        TestPause(0);
}

static VOID RacerMain(PVOID Context)
{
    PSTART start = Context;

    RaceMeet(start->Ready);
    start->Routine(&start->Racer);
}

VOID Race(RACE_ROUTINE Routine, PVOID Shared)
{
    volatile LONG ready = 0;
    START starts[RACERS];
    ULONG64 until = KeQueryInterruptTime() + SECONDS_MAX * 10000000ull;
    ULONG i;

    for (i = 0; i < RACERS; i++) {
        starts[i].Racer.Index = i;
        starts[i].Racer.Random = (Seed + i) * 2654435761U | 1;
        starts[i].Racer.Until = until;
        starts[i].Racer.Shared = Shared;
        starts[i].Routine = Routine;
        starts[i].Ready = &ready;
        /* A racer without a thread would leave the others waiting: nothing can be said then. */
        NT_VERIFY(TestThreadStart(&starts[i].Thread, i % TestProcessors(), RacerMain, &starts[i]));
    }
    for (i = 0; i < RACERS; i++)
        TestThreadJoin(&starts[i].Thread);
}

static VOID RunWith(ULONG Number)
{
    Seed = Number;
    DbgPrint("# seed %u: `dev ioctl races-test` with code 0x%X and this number repeats it\n",
             Number, (ULONG)IOCTL_TEST_STEP);
    RaceLocks();
    RaceObjects();
    RaceIrps();
    RaceFiles();
    RaceTimerHandles();
    RacePackets();
    RaceSystem();
    RaceExecutive();
    RaceNotices();
    RaceTraces();
    RaceConnects();
}

static VOID Run(VOID)
{
    LARGE_INTEGER counter = KeQueryPerformanceCounter(NULL);

    RunWith(counter.LowPart);
}

const TEST_GROUP TestGroup = {.Run = Run, .Step = RunWith};
