/*
 * rwlock.c - reader-writer spin locks, by the routines for DISPATCH_LEVEL.
 */
#include "ex.h"

#define WAIT_MS 10000
#define SHORT_MS 5

typedef VOID(NTAPI *PCHANGE)(PLONG Lock);
typedef ULONG(NTAPI *PTRY)(PLONG Lock);

static PCHANGE AcquireShared, AcquireExclusive, ReleaseShared, ReleaseExclusive;
static PTRY TryShared, TryExclusive, TryConvert;

/* An EX_SPIN_LOCK has 32 bits. */
static struct {
    LONG Before, Lock, After;
} Words = {0x11111111, 0, 0x22222222};

static VOID Find(VOID)
{
    AcquireShared = (PCHANGE)TestRoutine(L"ExAcquireSpinLockSharedAtDpcLevel");
    AcquireExclusive = (PCHANGE)TestRoutine(L"ExAcquireSpinLockExclusiveAtDpcLevel");
    ReleaseShared = (PCHANGE)TestRoutine(L"ExReleaseSpinLockSharedFromDpcLevel");
    ReleaseExclusive = (PCHANGE)TestRoutine(L"ExReleaseSpinLockExclusiveFromDpcLevel");
    TryShared = (PTRY)TestRoutine(L"ExTryAcquireSpinLockSharedAtDpcLevel");
    TryExclusive = (PTRY)TestRoutine(L"ExTryAcquireSpinLockExclusiveAtDpcLevel");
    TryConvert = (PTRY)TestRoutine(L"ExTryConvertSharedSpinLockExclusive");
}

/* Bit n of the result: step n went wrong. At DISPATCH_LEVEL. */
static ULONG Steps(VOID)
{
    ULONG wrong = 0;

    AcquireExclusive(&Words.Lock);
    wrong |= (TryShared(&Words.Lock) || TryExclusive(&Words.Lock)) << 0;
    ReleaseExclusive(&Words.Lock);
    AcquireShared(&Words.Lock);
    wrong |= (TryExclusive(&Words.Lock) != 0) << 1;
    wrong |= (TryShared(&Words.Lock) == 0) << 2;
    wrong |= (TryConvert(&Words.Lock) != 0) << 3; /* there are two readers */
    wrong |= (TryExclusive(&Words.Lock) != 0 || TryShared(&Words.Lock) == 0)
             << 4; /* still readers */
    ReleaseShared(&Words.Lock);
    ReleaseShared(&Words.Lock);
    wrong |= (TryConvert(&Words.Lock) == 0) << 5;
    wrong |= (TryShared(&Words.Lock) || TryExclusive(&Words.Lock)) << 6;
    ReleaseExclusive(&Words.Lock);
    wrong |= (TryExclusive(&Words.Lock) == 0) << 7;
    wrong |= (TryShared(&Words.Lock) != 0) << 8;
    ReleaseExclusive(&Words.Lock);
    wrong |= (TryShared(&Words.Lock) == 0) << 9;
    ReleaseShared(&Words.Lock);
    wrong |= (KeGetCurrentIrql() != DISPATCH_LEVEL) << 10;
    return wrong;
}

static VOID CheckSteps(VOID)
{
    ULONG wrong;
    KIRQL irql;

    Words.Lock = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    wrong = Steps();
    KeLowerIrql(irql);
    Expect(!(wrong & 1), "LOCK-19 a writer keeps others out");
    Expect(!(wrong & 6), "LOCK-19 a reader keeps writers out, and no readers");
    Expect(!(wrong & 0x18),
           "ExTryConvertSharedSpinLockExclusive fails beside other readers, and all stay readers");
    Expect(!(wrong & 0x60), "a reader alone becomes the writer");
    Expect(!(wrong & 0x380), "the Try routines acquire a free lock");
    Expect(!(wrong & 0x400) && Words.Lock == 0,
           "all leave the IRQL, and in the end the lock is free");
}

/* ---- the forms that raise ------------------------------------------------------------------- */

typedef KIRQL(NTAPI *PRAISE)(PLONG Lock);
typedef VOID(NTAPI *PLOWER)(PLONG Lock, KIRQL OldIrql);

static VOID CheckRaise(PCWSTR Acquire, PCWSTR Release, BOOLEAN Shares, PCSTR Name)
{
    static const KIRQL from[] = {PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL};
    PRAISE acquire = (PRAISE)TestRoutine(Acquire);
    PLOWER release = (PLOWER)TestRoutine(Release);
    ULONG i, wrong = 0;
    KIRQL irql, old;

    for (i = 0; i < sizeof(from); i++) {
        KeRaiseIrql(from[i], &irql);
        old = acquire(&Words.Lock);
        wrong += old != from[i] || KeGetCurrentIrql() != DISPATCH_LEVEL;
        wrong += TryExclusive(&Words.Lock) != 0;
        if (TryShared(&Words.Lock)) {
            wrong += !Shares;
            ReleaseShared(&Words.Lock);
        } else {
            wrong += Shares;
        }
        release(&Words.Lock, old);
        wrong += KeGetCurrentIrql() != from[i] || Words.Lock != 0;
        KeLowerIrql(irql);
    }
    ExpectEqual(wrong, 0, Name);
}

/* ---- waiting -------------------------------------------------------------------------------- */

static volatile LONG Go, Arrived, Entered;

typedef struct _SIDE {
    PCHANGE Acquire, Release;
} SIDE, *PSIDE;

static VOID Comer(PVOID Context)
{
    PSIDE side = Context;
    KIRQL irql;

    while (!Go)
        YieldProcessor();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Arrived = 1;
    side->Acquire(&Words.Lock);
    Entered = 1;
    side->Release(&Words.Lock);
    KeLowerIrql(irql);
}

/* Another processor comes while this one holds the lock; TRUE: it did not enter for so long. */
static BOOLEAN Waits(PSIDE Other, PSIDE Own, ULONG Milliseconds)
{
    TEST_THREAD thread;
    BOOLEAN waited;
    KIRQL irql;

    Go = Arrived = Entered = 0;
    TestGoTo(0);
    if (!TestThreadStart(&thread, 1, Comer, Other))
        return FALSE;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Own->Acquire(&Words.Lock);
    Go = 1;
    waited = TestSpinUntil(&Arrived, 1, WAIT_MS) && !TestSpinUntil(&Entered, 1, Milliseconds);
    Own->Release(&Words.Lock);
    KeLowerIrql(irql);
    TestThreadJoin(&thread);
    TestAnywhere();
    return waited;
}

static VOID CheckWaits(VOID)
{
    SIDE reader = {AcquireShared, ReleaseShared}, writer = {AcquireExclusive, ReleaseExclusive};

    if (TestProcessors() == 1) {
        ExpectSkip("LOCK-19 processors wait for each other", "one processor");
        return;
    }
    Expect(Waits(&reader, &writer, SHORT_MS), "LOCK-19 a reader waits for the writer");
    Expect(Waits(&writer, &writer, SHORT_MS), "LOCK-19 a writer waits for the writer");
    Expect(Waits(&writer, &reader, SHORT_MS), "LOCK-19 a writer waits for the readers");
    Expect(!Waits(&reader, &reader, WAIT_MS), "LOCK-19 a reader does not wait for readers");
}

VOID CheckReaderWriter(VOID)
{
    Find();
    CheckSteps();
    CheckRaise(
        L"ExAcquireSpinLockExclusive", L"ExReleaseSpinLockExclusive", FALSE,
        "LOCK-19 ExAcquireSpinLockExclusive raises to DISPATCH_LEVEL, its release goes back");
    CheckRaise(L"ExAcquireSpinLockShared", L"ExReleaseSpinLockShared", TRUE,
               "LOCK-19 and so do ExAcquireSpinLockShared and its release");
    CheckWaits();
    Expect(Words.Before == 0x11111111 && Words.After == 0x22222222 && Words.Lock == 0,
           "LOCK-19 a reader-writer spin lock is a variable of 32 bits");
}
