/*
 * timer.c - EX_TIMER: timers in memory of the system's, with a callback and a period.
 */
#include "ex.h"

#define HIGH_RESOLUTION 4 /* EX_TIMER_... */
#define NO_WAKE 8
#define NOTIFICATION 0x80000000

#define MS 10000LL
#define LATER (-600000 * MS)
#define WAIT_MS 10000

/* EXT_DELETE_PARAMETERS */
typedef struct _DELETION {
    ULONG Version;
    ULONG Reserved;
    VOID(NTAPI *Callback)(PVOID Context);
    PVOID Context;
} DELETION;

/* EXT_SET_PARAMETERS */
typedef struct _SETTING {
    ULONG Version;
    ULONG Reserved;
    LONGLONG NoWakeTolerance;
} SETTING;

#define UNLIMITED_TOLERANCE (-1LL) /* EX_TIMER_... */

static PALLOCATE_TIMER Allocate;
static PSET_TIMER Set;
static PCANCEL_TIMER Cancel;
static PDELETE_TIMER Delete;

typedef struct _NOTES {
    volatile LONG Calls, Deletions, Wrong;
    PTIMER Timer;
    LONG Again;         /* how often the callback sets the timer again */
    BOOLEAN DeleteSelf; /* the callback deletes the timer */
    ULONG StallMs;      /* how long the callback takes */
    volatile LONG Finished;
    KEVENT Called;
} NOTES, *PNOTES;

static NOTES Notes;

static VOID NTAPI Deleted(PVOID Context)
{
    PNOTES notes = Context;

    if (KeGetCurrentIrql() > DISPATCH_LEVEL)
        InterlockedIncrement(&notes->Wrong);
    InterlockedIncrement(&notes->Deletions);
    KeSetEvent(&notes->Called, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI Expired(PTIMER Timer, PVOID Context)
{
    DELETION deletion = {.Callback = Deleted, .Context = Context};
    PNOTES notes = Context;
    ULONG i;

    if (Timer != notes->Timer || KeGetCurrentIrql() != DISPATCH_LEVEL || notes->Deletions)
        InterlockedIncrement(&notes->Wrong);
    InterlockedIncrement(&notes->Calls);
    for (i = 0; i < notes->StallMs; i++)
        KeStallExecutionProcessor(1000);
    if (notes->Again-- > 0 && Set(Timer, -1, 0, NULL))
        InterlockedIncrement(&notes->Wrong);
    if (notes->DeleteSelf)
        Delete(Timer, TRUE, FALSE, &deletion);
    else
        KeSetEvent(&notes->Called, IO_NO_INCREMENT, FALSE);
    InterlockedIncrement(&notes->Finished);
}

static PTIMER New(ULONG Attributes)
{
    RtlZeroMemory(&Notes, sizeof(Notes));
    KeInitializeEvent(&Notes.Called, SynchronizationEvent, FALSE);
    Notes.Timer = Allocate(Expired, &Notes, Attributes);
    return Notes.Timer;
}

static BOOLEAN WaitCalls(LONG Calls)
{
    while (Notes.Calls < Calls)
        if (TestWait(&Notes.Called, WAIT_MS) != STATUS_SUCCESS)
            return FALSE;
    return TRUE;
}

/* ---- setting and cancelling ----------------------------------------------------------------- */

static VOID CheckAttributes(VOID)
{
    static const ULONG attributes[] = {0,
                                       HIGH_RESOLUTION,
                                       NO_WAKE,
                                       NOTIFICATION,
                                       HIGH_RESOLUTION | NOTIFICATION,
                                       NO_WAKE | NOTIFICATION};
    ULONG i, wrong = 0;
    PTIMER timer;

    for (i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        timer = Allocate(NULL, NULL, attributes[i]);
        if (timer == NULL) {
            wrong++;
            continue;
        }
        wrong += Set(timer, -MS, 0, NULL);
        wrong += TestWait(timer, WAIT_MS) != STATUS_SUCCESS;
        /* A notification timer stays signaled, another one has let its one wait through. */
        wrong += (TestWait(timer, 0) == STATUS_SUCCESS) != ((attributes[i] & NOTIFICATION) != 0);
        wrong += Delete(timer, TRUE, TRUE, NULL);
    }
    ExpectEqual(wrong, 0,
                "ExAllocateTimer: timers of all kinds, without a callback, are waited for");
    Expect(Allocate(NULL, NULL, NO_WAKE << 1) == NULL,
           "ExAllocateTimer gives NULL for attributes that there are not");
}

static VOID CheckCancel(VOID)
{
    PTIMER timer = New(0);
    BOOLEAN first, second, cancelled, again;
    KIRQL irql;

    Expect(timer != NULL && !Cancel(timer, NULL), "ExCancelTimer of a timer never set is FALSE");
    Expect(!Set(timer, LATER, 0, NULL), "ExSetTimer of a timer that is not set returns FALSE");
    Expect(Set(timer, LATER, 0, NULL), "of one that is TRUE");
    Expect(Cancel(timer, NULL) && !Cancel(timer, NULL), "ExCancelTimer cancels it, once");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    first = Set(timer, LATER, 0, NULL);
    second = Set(timer, -30 * MS, 0, NULL);
    cancelled = Cancel(timer, NULL);
    again = Cancel(timer, NULL);
    KeLowerIrql(irql);
    Expect(!first && second && cancelled && !again, "at DISPATCH_LEVEL, too");
    Set(timer, MINLONGLONG, 0, NULL);
    Expect(TestWait(timer, 20) == STATUS_TIMEOUT && Cancel(timer, NULL),
           "the furthest due time there is is far off");
    ExpectStatus(TestWait(timer, 60), STATUS_TIMEOUT, "a cancelled timer is not signaled");
    ExpectEqual((ULONG)Notes.Calls, 0, "and its callback not called");
    Set(timer, LATER, 0, NULL);
    Set(timer, -MS, 0, NULL);
    Expect(WaitCalls(1) && TestWait(timer, 0) == STATUS_SUCCESS,
           "a later call replaces the due time; the expired timer is signaled");
    Expect(!Cancel(timer, NULL), "then there is nothing to cancel");
    Expect(!Delete(timer, TRUE, TRUE, NULL), "ExDeleteTimer of a timer that is not set is FALSE");
    Expect(Notes.Calls == 1 && Notes.Wrong == 0,
           "the callback was called once, at DISPATCH_LEVEL, with timer and context");
}

/* How long until the timer expires, in 100 ns units. */
static LONGLONG Measure(PTIMER Timer, LONGLONG DueTime)
{
    LARGE_INTEGER frequency, before = KeQueryPerformanceCounter(&frequency), after;

    Set(Timer, DueTime, 0, NULL);
    TestWait(Timer, WAIT_MS);
    after = KeQueryPerformanceCounter(NULL);
    return (after.QuadPart - before.QuadPart) * 10000000 / frequency.QuadPart;
}

static VOID CheckDueTimes(VOID)
{
    PTIMER timer = Allocate(NULL, NULL, HIGH_RESOLUTION), plain = Allocate(NULL, NULL, 0);
    LONGLONG passed, least = MAXLONGLONG;
    ULONG i, early = 0;
    LARGE_INTEGER now;

    /* The host may be busy: the least of many is the system's own. */
    for (i = 0; i < 10 || (i < 200 && least >= 4 * MS); i++) {
        passed = Measure(timer, -2 * MS);
        early += passed < 2 * MS;
        least = passed < least ? passed : least;
    }
    ExpectEqual(early, 0, "a relative timer does not expire early");
    Expect(least < 4 * MS, "one of high resolution hardly later");
    KeQuerySystemTime(&now); /* up to a tick old: then the timer seems early by that */
    passed = Measure(plain, now.QuadPart + 60 * MS);
    Expect(passed >= 40 * MS, "an absolute timer expires at the system time it was given");
    KeQuerySystemTime(&now);
    passed = Measure(plain, now.QuadPart - 1000 * MS);
    Expect(passed < WAIT_MS * MS, "one in the past at once");
    Delete(timer, TRUE, TRUE, NULL);
    Delete(plain, TRUE, TRUE, NULL);
}

static VOID CheckPeriod(VOID)
{
    PTIMER timer = New(0);
    LARGE_INTEGER frequency, before, after;
    LONGLONG passed;
    LONG calls;

    before = KeQueryPerformanceCounter(&frequency);
    Set(timer, -10 * MS, 5 * MS, NULL);
    Expect(WaitCalls(4), "a periodic timer calls back again and again");
    after = KeQueryPerformanceCounter(NULL);
    passed = (after.QuadPart - before.QuadPart) * 10000000 / frequency.QuadPart;
    Expect(passed >= 10 * MS + 3 * 5 * MS, "not more often than its period says");
    Expect(TestWait(timer, WAIT_MS) == STATUS_SUCCESS && TestWait(timer, WAIT_MS) == STATUS_SUCCESS,
           "and is signaled each time");
    Expect(Set(timer, LATER, 5 * MS, NULL), "it stays set all the time");
    KeFlushQueuedDpcs();
    calls = Notes.Calls;
    TestPause(20);
    ExpectEqual((ULONG)Notes.Calls, (ULONG)calls, "a new due time puts its period off");
    Set(timer, -MS, MS, NULL);
    WaitCalls(calls + 2);
    Expect(Cancel(timer, NULL), "until it is cancelled");
    KeFlushQueuedDpcs();
    calls = Notes.Calls;
    TestPause(20);
    ExpectEqual((ULONG)Notes.Calls, (ULONG)calls, "which ends it");
    calls = Notes.Calls;
    Set(timer, -MS, MAXLONG, NULL);
    Expect(WaitCalls(calls + 1) && Cancel(timer, NULL), "a period may be as long as MAXLONG");
    Set(timer, -MS, 0, NULL);
    Expect(WaitCalls(calls + 2) && !Cancel(timer, NULL), "and with a period of 0 it is over");
    Delete(timer, TRUE, TRUE, NULL);
    ExpectEqual((ULONG)Notes.Wrong, 0, "its callback was called as it should be");
}

static VOID CheckTolerance(VOID)
{
    static const LONGLONG tolerances[] = {0, 5 * MS, UNLIMITED_TOLERANCE};
    PTIMER timer = New(NO_WAKE);
    ULONG i, wrong = 0;

    for (i = 0; i < sizeof(tolerances) / sizeof(tolerances[0]); i++) {
        SETTING setting = {.NoWakeTolerance = tolerances[i]};

        wrong += Set(timer, -MS, 0, &setting) || !WaitCalls((LONG)i + 1);
    }
    Delete(timer, TRUE, TRUE, NULL);
    ExpectEqual(wrong, 0, "ExSetTimer takes a tolerance, also one without a limit");
}

static VOID CheckAgain(VOID)
{
    PTIMER timer = New(0);

    Notes.Again = 5;
    Set(timer, -MS, 0, NULL);
    Expect(WaitCalls(6) && Notes.Wrong == 0, "a callback may set its timer again");
    Delete(timer, TRUE, TRUE, NULL);
}

/* ---- deleting ------------------------------------------------------------------------------- */

/*
 * Sets the timer and deletes it, which it expires before; TRUE: nothing was cancelled or set then.
 * At DISPATCH_LEVEL on processor 0, which serves timers, so that it does not expire meanwhile.
 */
static BOOLEAN DeleteOnly(PTIMER Timer, LONGLONG Period, DELETION *Deletion)
{
    BOOLEAN done;
    KIRQL irql;

    TestGoTo(0);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Set(Timer, -20 * MS, Period, NULL);
    done = Delete(Timer, FALSE, FALSE, Deletion) || Set(Timer, LATER, 0, NULL) ||
           Cancel(Timer, NULL) || Delete(Timer, TRUE, FALSE, NULL);
    KeLowerIrql(irql);
    TestAnywhere();
    return !done;
}

static VOID CheckDelete(VOID)
{
    DELETION deletion = {.Callback = Deleted, .Context = &Notes};
    PTIMER timer = New(0);

    Set(timer, LATER, 0, NULL);
    Expect(Delete(timer, TRUE, TRUE, &deletion) && Notes.Calls == 0,
           "ExDeleteTimer returns TRUE if it cancels the timer");
    ExpectEqual((ULONG)Notes.Deletions, 1, "with Wait its delete callback has been called");
    timer = New(0);
    Expect(DeleteOnly(timer, 0, &deletion), "without Cancel it returns FALSE, and then nothing can "
                                            "be done with the timer any more");
    while (Notes.Deletions == 0 && TestWait(&Notes.Called, WAIT_MS) == STATUS_SUCCESS)
        continue;
    Expect(Notes.Calls == 1 && Notes.Deletions == 1 && Notes.Wrong == 0,
           "the timer expires, then it is deleted");
    timer = New(0);
    DeleteOnly(timer, MS, &deletion);
    while (Notes.Deletions == 0 && TestWait(&Notes.Called, WAIT_MS) == STATUS_SUCCESS)
        continue;
    Expect(Notes.Calls == 1 && Notes.Deletions == 1, "a periodic one once more only");
    timer = New(0);
    Notes.DeleteSelf = TRUE;
    Set(timer, -MS, 0, NULL);
    while (Notes.Deletions == 0 && TestWait(&Notes.Called, WAIT_MS) == STATUS_SUCCESS)
        continue;
    Expect(Notes.Calls == 1 && Notes.Deletions == 1 && Notes.Wrong == 0,
           "a callback may delete its timer");
}

static VOID CheckDeleteWaits(VOID)
{
    PTIMER timer = New(0);
    LONG finished;

    if (TestProcessors() == 1) {
        Delete(timer, TRUE, TRUE, NULL);
        ExpectSkip("ExDeleteTimer with Wait waits for the callback", "one processor");
        return;
    }
    TestGoTo(1); /* callbacks need not run here: then the loop below would hold them up */
    Notes.StallMs = 20;
    Set(timer, -MS, 0, NULL);
    TestSpinUntil(&Notes.Calls, 1, WAIT_MS);
    Delete(timer, TRUE, TRUE, NULL);
    finished = Notes.Finished;
    TestAnywhere();
    ExpectEqual((ULONG)finished, 1, "ExDeleteTimer with Wait waits for the callback");
}

static VOID Find(VOID)
{
    Allocate = (PALLOCATE_TIMER)TestRoutine(L"ExAllocateTimer");
    Set = (PSET_TIMER)TestRoutine(L"ExSetTimer");
    Cancel = (PCANCEL_TIMER)TestRoutine(L"ExCancelTimer");
    Delete = (PDELETE_TIMER)TestRoutine(L"ExDeleteTimer");
}

VOID CheckTimers(VOID)
{
    Find();
    CheckAttributes();
    CheckCancel();
    CheckDueTimes();
    CheckPeriod();
    CheckTolerance();
    CheckAgain();
    CheckDelete();
    CheckDeleteWaits();
}

/* ---- stops: the pages say that there is a bug check, and not which -------------------------- */

VOID StopTimer(ULONG Number)
{
    static SETTING setting = {.NoWakeTolerance = -2};
    PTIMER timer;

    Find();
    timer = Allocate(NULL, NULL, HIGH_RESOLUTION);
    if (Number == 1) {
        ExpectStop(0x121, 5, 0, HIGH_RESOLUTION | NO_WAKE, TEST_ANY,
                   "ExAllocateTimer of high resolution that does not wake");
        Allocate(NULL, NULL, HIGH_RESOLUTION | NO_WAKE);
    } else if (Number == 2) {
        ExpectStop(0x121, 5, (ULONG64)(ULONG_PTR)timer, 77, TEST_ANY,
                   "ExSetTimer of high resolution for an absolute time");
        Set(timer, 77, 0, NULL);
    } else if (Number == 4) {
        ExpectStop(0x121, 5, (ULONG64)(ULONG_PTR)timer, (ULONG64)-2, TEST_ANY,
                   "ExSetTimer with a tolerance below zero");
        Set(timer, -MS, 0, &setting);
    } else {
        ExpectStop(0x121, 5, (ULONG64)(ULONG_PTR)timer, 0, TEST_ANY,
                   "ExDeleteTimer with Wait and without Cancel");
        Delete(timer, FALSE, TRUE, NULL);
    }
}
