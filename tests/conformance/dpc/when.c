/*
 * when.c - how soon a DPC runs: by importance, processor, queue depth; and that the flush waits.
 */
#include "dpc.h"

#define TRIALS 12
#define DEPTH 6 /* above MaximumDpcQueueDepth, of which 4 is the value in public literature */
#define STALL_US 10
#define SOON_ROUNDS 50 /* stalls of the busy processor; a clock tick is some 1,500 */

static NOTED_DPC Noted[DEPTH];
static volatile LONG Rounds, Leave; /* of the busy processor: its own progress, not the time */
static volatile LONG RoundsThen;

/* ---- the own processor ---------------------------------------------------------------------- */

VOID CheckLowImportance(VOID)
{
    ULONG i, deferred = 0, ran = 0;
    KIRQL irql;

    TestGoTo(0);
    for (i = 0; i < TRIALS; i++) {
        NoteInitialize(&Noted[0]);
        KeSetImportanceDpc(&Noted[0].Dpc, LowImportance);
        KeInsertQueueDpc(&Noted[0].Dpc, NULL, NULL);
        deferred += Noted[0].Runs == 0;
        ran += TestSpinUntil(&Noted[0].Runs, 1, DPC_WAIT_MS);
    }
    Expect(deferred > 0, "TC-31, DPC-19 LowImportance is not run at once");
    ExpectEqual(ran, TRIALS, "TC-31, DPC-22 but before long, while the processor stays busy");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    for (i = 0; i < DEPTH; i++) {
        NoteInitialize(&Noted[i]);
        KeSetImportanceDpc(&Noted[i].Dpc, LowImportance);
        KeInsertQueueDpc(&Noted[i].Dpc, NULL, NULL);
    }
    KeLowerIrql(irql);
    for (i = 0, ran = 0; i < DEPTH; i++)
        ran += Noted[i].Runs == 1;
    ExpectEqual(ran, DEPTH, "DPC-19, DPC-23 at once when the queue has grown deep");
    TestAnywhere();
}

/* ---- another processor ---------------------------------------------------------------------- */

static VOID Spinner(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (!Leave) {
        Rounds++;
        KeStallExecutionProcessor(STALL_US);
    }
}

static VOID NTAPI RoundsRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    RoundsThen = Rounds;
    NoteRoutine(Dpc, Context, Argument1, Argument2);
}

/* Queued to a busy processor: how many of TRIALS have run so soon; each must run in the end. */
static ULONG CountSoon(KDPC_IMPORTANCE Importance, ULONG Target)
{
    ULONG i, soon = 0, ran = 0;
    LONG before;

    for (i = 0; i < TRIALS; i++) {
        NoteInitialize(&Noted[0]);
        KeInitializeDpc(&Noted[0].Dpc, RoundsRoutine, &Noted[0]);
        KeSetImportanceDpc(&Noted[0].Dpc, Importance);
        KeSetTargetProcessorDpc(&Noted[0].Dpc, (CCHAR)Target);
        before = Rounds;
        KeInsertQueueDpc(&Noted[0].Dpc, NULL, NULL);
        ran += TestSpinUntil(&Noted[0].Runs, 1, DPC_WAIT_MS) && Noted[0].Processor == Target;
        soon += RoundsThen - before < SOON_ROUNDS;
    }
    ExpectEqual(ran, TRIALS,
                "TC-29, DPC-16, DPC-22 a DPC for another processor runs there, if not at once then "
                "before long");
    return soon;
}

VOID CheckOtherProcessor(VOID)
{
    TEST_THREAD thread;
    ULONG urgent, deferred;

    if (TestProcessors() == 1) {
        ExpectSkip("DPC-20 importance decides when another processor is interrupted",
                   "one processor");
        return;
    }
    TestGoTo(0);
    Rounds = Leave = 0;
    if (!TestThreadStart(&thread, TestOtherProcessor(0), Spinner, NULL))
        return;
    while (Rounds == 0)
        TestPause(1);
    deferred =
        CountSoon(MediumImportance, thread.Processor) + CountSoon(LowImportance, thread.Processor);
    urgent = CountSoon(MediumHighImportance, thread.Processor) +
             CountSoon(HighImportance, thread.Processor);
    Leave = 1;
    TestThreadJoin(&thread);
    TestAnywhere();
    Expect(urgent > TRIALS,
           "TC-30, DPC-20 MediumHigh and High interrupt another processor at once");
    Expect(deferred < TRIALS && deferred < urgent, "TC-29, DPC-20, DPC-21 Medium and Low do not");
}

/* ---- the flush ------------------------------------------------------------------------------ */

#define FLUSHED_MAX 16
#define LONG_US 5000

static KDPC Flushed[FLUSHED_MAX];
static volatile LONG Finished;

static VOID NTAPI LongRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeStallExecutionProcessor(LONG_US);
    InterlockedIncrement(&Finished);
}

static VOID QueueEverywhere(KDPC_IMPORTANCE Importance)
{
    ULONG i, processors = TestProcessors();

    Finished = 0;
    for (i = 0; i < processors && i < FLUSHED_MAX; i++) {
        KeInitializeDpc(&Flushed[i], LongRoutine, NULL);
        KeSetImportanceDpc(&Flushed[i], Importance);
        KeSetTargetProcessorDpc(&Flushed[i], (CCHAR)i);
        KeInsertQueueDpc(&Flushed[i], NULL, NULL);
    }
}

VOID CheckFlush(VOID)
{
    QueueEverywhere(HighImportance);
    KeFlushQueuedDpcs();
    ExpectEqual(
        (ULONG)Finished, TestProcessors(),
        "TC-34, FLU-1, FLU-3 KeFlushQueuedDpcs returns when the DPCs of every processor have "
        "run to their end, also those that were running already");
    QueueEverywhere(LowImportance);
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)Finished, TestProcessors(),
                "FLU-1, FLU-3 also those of LowImportance that had been deferred");
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL, "FLU-1 it returns at PASSIVE_LEVEL");
}
