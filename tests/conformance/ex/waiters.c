/*
 * waiters.c - who waits for an executive resource or for rundown, and what that does to others.
 */
#include "ex.h"

#define WAIT_MS 10000
#define READERS 12 /* more owners than a resource has room for at first */

typedef BOOLEAN(NTAPI *PACQUIRE)(PERESOURCE Resource, BOOLEAN Wait);

static ERESOURCE Resource;

/* ---- another thread that waits for the resource --------------------------------------------- */

typedef struct _WAITER {
    TEST_THREAD Thread;
    PACQUIRE Acquire;
    volatile LONG Has;
    KEVENT Leave;
} WAITER, *PWAITER;

static VOID WaiterMain(PVOID Context)
{
    PWAITER waiter = Context;

    KeEnterCriticalRegion();
    waiter->Acquire(&Resource, TRUE);
    waiter->Has = 1;
    TestWait(&waiter->Leave, WAIT_MS);
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static BOOLEAN Start(PWAITER Waiter, PACQUIRE Acquire)
{
    Waiter->Acquire = Acquire;
    Waiter->Has = 0;
    KeInitializeEvent(&Waiter->Leave, NotificationEvent, FALSE);
    return TestThreadStart(&Waiter->Thread, TestOtherProcessor(TestCurrentProcessor()), WaiterMain,
                           Waiter);
}

static BOOLEAN HasSoon(PWAITER Waiter)
{
    ULONG i;

    for (i = 0; i < WAIT_MS && !Waiter->Has; i++)
        TestPause(1);
    return Waiter->Has != 0;
}

static VOID Leave(PWAITER Waiter)
{
    KeSetEvent(&Waiter->Leave, IO_NO_INCREMENT, FALSE);
    TestThreadJoin(&Waiter->Thread);
}

static BOOLEAN Waiting(ULONG(NTAPI *Count)(PERESOURCE Resource), ULONG Wanted)
{
    ULONG i;

    for (i = 0; i < WAIT_MS && Count(&Resource) != Wanted; i++)
        TestPause(1);
    return Count(&Resource) == Wanted;
}

/* What a thread that has nothing yet can have at once: bit n for the n-th way. */
static VOID TryWays(PVOID Context)
{
    static const PACQUIRE ways[] = {ExAcquireResourceSharedLite, ExAcquireSharedStarveExclusive,
                                    ExAcquireSharedWaitForExclusive,
                                    ExAcquireResourceExclusiveLite};
    ULONG i;

    KeEnterCriticalRegion();
    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (ways[i](&Resource, FALSE)) {
            *(PULONG)Context |= 1 << i;
            ExReleaseResourceLite(&Resource);
        }
    }
    KeLeaveCriticalRegion();
}

static ULONG WaysOfOther(VOID)
{
    TEST_THREAD thread;
    ULONG ways = 0;

    if (TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), TryWays, &ways))
        TestThreadJoin(&thread);
    return ways;
}

/* ---- resources ------------------------------------------------------------------------------ */

static VOID CheckWaitingWriter(VOID)
{
    static WAITER writer;

    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&Resource, TRUE);
    Expect(Start(&writer, ExAcquireResourceExclusiveLite) &&
               Waiting(ExGetExclusiveWaiterCount, 1) && !writer.Has,
           "a writer waits for a reader, and ExGetExclusiveWaiterCount counts it");
    ExpectEqual(WaysOfOther(), 2,
                "a new reader waits behind it, unless by ExAcquireSharedStarveExclusive");
    Expect(ExAcquireResourceSharedLite(&Resource, FALSE),
           "who reads already may do so again, by ExAcquireResourceSharedLite");
    ExReleaseResourceLite(&Resource);
    Expect(!ExAcquireSharedWaitForExclusive(&Resource, FALSE),
           "not by ExAcquireSharedWaitForExclusive");
    Expect(!ExAcquireResourceExclusiveLite(&Resource, FALSE), "nor does it become the writer");
    ExReleaseResourceLite(&Resource);
    Expect(HasSoon(&writer) && ExGetExclusiveWaiterCount(&Resource) == 0,
           "the writer has the resource when the last reader has left");
    ExpectEqual(WaysOfOther(), 0, "and nobody else");
    Leave(&writer);
    ExpectEqual(WaysOfOther(), 0xF, "until it leaves");
    KeLeaveCriticalRegion();
}

static VOID CheckWaitingReaders(VOID)
{
    static WAITER readers[2];

    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    Expect(Start(&readers[0], ExAcquireResourceSharedLite) &&
               Start(&readers[1], ExAcquireSharedWaitForExclusive) &&
               Waiting(ExGetSharedWaiterCount, 2) && !readers[0].Has && !readers[1].Has,
           "readers wait for the writer, and ExGetSharedWaiterCount counts them");
    ExConvertExclusiveToSharedLite(&Resource);
    Expect(HasSoon(&readers[0]) && HasSoon(&readers[1]) && ExGetSharedWaiterCount(&Resource) == 0,
           "ExConvertExclusiveToSharedLite lets all of them in");
    Expect(ExIsResourceAcquiredSharedLite(&Resource) == 1 &&
               !ExIsResourceAcquiredExclusiveLite(&Resource),
           "beside the writer, which is a reader then");
    ExReleaseResourceLite(&Resource);
    Leave(&readers[0]);
    Leave(&readers[1]);
    ExpectEqual(WaysOfOther(), 0xF, "the resource is free when all have left");
    KeLeaveCriticalRegion();
}

static VOID CheckDepth(VOID)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    Expect(ExAcquireResourceSharedLite(&Resource, FALSE) &&
               ExAcquireSharedStarveExclusive(&Resource, FALSE) &&
               ExAcquireSharedWaitForExclusive(&Resource, FALSE) &&
               ExIsResourceAcquiredSharedLite(&Resource) == 4,
           "the writer may acquire the resource shared, each time a level deeper");
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    ExpectEqual(WaysOfOther(), 0, "and is the writer until the last level");
    ExConvertExclusiveToSharedLite(&Resource);
    Expect(ExIsResourceAcquiredSharedLite(&Resource) == 2 && WaysOfOther() == 7,
           "ExConvertExclusiveToSharedLite converts all levels");
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    ExpectEqual(WaysOfOther(), 0xF, "then the resource is free");
    KeLeaveCriticalRegion();
}

static VOID CheckManyReaders(VOID)
{
    static WAITER readers[READERS];
    ULONG i, have = 0;

    for (i = 0; i < READERS; i++)
        have += Start(&readers[i], ExAcquireResourceSharedLite) && HasSoon(&readers[i]);
    ExpectEqual(have, READERS, "many threads share a resource");
    ExpectEqual(WaysOfOther(), 7, "none has it alone then");
    for (i = 0; i < READERS; i++)
        Leave(&readers[i]);
    ExpectEqual(WaysOfOther(), 0xF, "in the end it is free");
}

/* ---- rundown -------------------------------------------------------------------------------- */

static EX_RUNDOWN_REF Rundown;
static volatile LONG RunDown;

static VOID WaitForRundown(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ExWaitForRundownProtectionRelease(&Rundown);
    RunDown = 1;
}

static VOID CheckRundownWaits(VOID)
{
    TEST_THREAD thread;
    ULONG i;

    ExInitializeRundownProtection(&Rundown);
    RunDown = 0;
    ExAcquireRundownProtection(&Rundown);
    ExAcquireRundownProtectionEx(&Rundown, 2);
    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), WaitForRundown, NULL))
        return;
    for (i = 0; i < WAIT_MS && ExAcquireRundownProtection(&Rundown); i++) {
        ExReleaseRundownProtection(&Rundown);
        TestPause(1);
    }
    Expect(i < WAIT_MS && !RunDown, "once rundown has begun nobody is protected any more");
    ExReleaseRundownProtection(&Rundown);
    Expect(TestWait(thread.Object, 20) == STATUS_TIMEOUT && !RunDown,
           "who waits for it waits for those who are");
    ExReleaseRundownProtectionEx(&Rundown, 2);
    Expect(TestWait(thread.Object, WAIT_MS) == STATUS_SUCCESS && RunDown, "until the last of them");
    TestThreadJoin(&thread);
    ExWaitForRundownProtectionRelease(&Rundown);
    Expect(!ExAcquireRundownProtectionEx(&Rundown, 1), "a second wait is over at once");
}

VOID CheckWaiters(VOID)
{
    ExInitializeResourceLite(&Resource);
    CheckWaitingWriter();
    CheckWaitingReaders();
    CheckDepth();
    CheckManyReaders();
    ExDeleteResourceLite(&Resource);
    CheckRundownWaits();
}
