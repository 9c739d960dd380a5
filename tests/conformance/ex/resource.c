/*
 * resource.c - executive resources in critical regions, and owners that are not threads.
 */
#include "ex.h"

/* Not in the headers of WDM drivers. */
NTKERNELAPI VOID NTAPI ExDisableResourceBoostLite(PERESOURCE Resource);

static ERESOURCE Resource;
static volatile LONG Shared, Exclusive;

/* What another thread can have now. */
static VOID TryBoth(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    Shared = ExAcquireResourceSharedLite(&Resource, FALSE);
    if (Shared)
        ExReleaseResourceLite(&Resource);
    Exclusive = ExAcquireResourceExclusiveLite(&Resource, FALSE);
    if (Exclusive)
        ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static BOOLEAN OthersCan(BOOLEAN Share, BOOLEAN Own)
{
    TEST_THREAD thread;

    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), TryBoth, NULL))
        return FALSE;
    TestThreadJoin(&thread);
    return (Shared != 0) == Share && (Exclusive != 0) == Own;
}

static VOID CheckRegion(VOID)
{
    PVOID owner;

    owner = ExEnterCriticalRegionAndAcquireResourceExclusive(&Resource);
    Expect(owner != NULL && KeAreApcsDisabled() && !KeAreAllApcsDisabled() &&
               ExIsResourceAcquiredExclusiveLite(&Resource),
           "ExEnterCriticalRegionAndAcquireResourceExclusive does both");
    Expect(OthersCan(FALSE, FALSE), "nobody else has the resource");
    ExEnterCriticalRegionAndAcquireResourceExclusive(&Resource);
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    Expect(KeAreApcsDisabled() && ExIsResourceAcquiredExclusiveLite(&Resource),
           "the pairs of routines nest");
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    Expect(!KeAreApcsDisabled() && !ExIsResourceAcquiredExclusiveLite(&Resource) &&
               OthersCan(TRUE, TRUE),
           "ExReleaseResourceAndLeaveCriticalRegion undoes both");
    ExEnterCriticalRegionAndAcquireResourceShared(&Resource);
    Expect(KeAreApcsDisabled() && ExIsResourceAcquiredSharedLite(&Resource) == 1 &&
               OthersCan(TRUE, FALSE),
           "ExEnterCriticalRegionAndAcquireResourceShared shares it");
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    Expect(!KeAreApcsDisabled() && OthersCan(TRUE, TRUE), "until it is released the same way");
}

/* ---- owners --------------------------------------------------------------------------------- */

static VOID ReleaseForOwner(PVOID Context)
{
    ExReleaseResourceForThreadLite(&Resource, (ERESOURCE_THREAD)Context);
}

static VOID ReleaseElsewhere(PVOID Owner)
{
    TEST_THREAD thread;

    if (TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), ReleaseForOwner,
                        Owner))
        TestThreadJoin(&thread);
}

/* An owner pointer has its two low bits set: no thread's address has. */
static PVOID OwnerPointer(PULONG64 Memory)
{
    return (PVOID)((ULONG_PTR)Memory | 3);
}

static VOID CheckOwner(VOID)
{
    static ULONG64 first, second;
    KIRQL irql;

    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    ExSetResourceOwnerPointer(&Resource, OwnerPointer(&first));
    Expect(!ExIsResourceAcquiredExclusiveLite(&Resource) && OthersCan(FALSE, FALSE),
           "ExSetResourceOwnerPointer passes a resource on, which stays acquired");
    ReleaseElsewhere(OwnerPointer(&first));
    Expect(OthersCan(TRUE, TRUE), "any thread may release it for that owner");
    ExAcquireResourceSharedLite(&Resource, TRUE);
    ExSetResourceOwnerPointer(&Resource, OwnerPointer(&first));
    ExAcquireResourceSharedLite(&Resource, TRUE);
    ExAcquireResourceSharedLite(&Resource, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExSetResourceOwnerPointer(&Resource, OwnerPointer(&second));
    KeLowerIrql(irql);
    Expect(ExIsResourceAcquiredSharedLite(&Resource) == 0 && OthersCan(TRUE, FALSE),
           "a shared resource can have several such owners");
    ReleaseElsewhere(OwnerPointer(&first));
    ExReleaseResourceForThreadLite(&Resource, (ERESOURCE_THREAD)OwnerPointer(&second));
    Expect(OthersCan(TRUE, FALSE), "each releases it as often as it was acquired");
    ExReleaseResourceForThreadLite(&Resource, (ERESOURCE_THREAD)OwnerPointer(&second));
    Expect(OthersCan(TRUE, TRUE), "then it is free");
    KeLeaveCriticalRegion();
}

/* ---- boosts --------------------------------------------------------------------------------- */

static volatile LONG Waiting, Got;

static VOID WaitForResource(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), 14);
    KeEnterCriticalRegion();
    Waiting = 1;
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    Got = 1;
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static VOID CheckBoost(VOID)
{
    KPRIORITY before, during;
    TEST_THREAD thread;
    LONG got;
    ULONG i;

    ExDisableResourceBoostLite(&Resource);
    Waiting = Got = 0;
    TestGoTo(0);
    before = KeQueryPriorityThread(KeGetCurrentThread());
    ExEnterCriticalRegionAndAcquireResourceExclusive(&Resource);
    if (!TestThreadStart(&thread, 0, WaitForResource, NULL))
        return;
    while (!Waiting || ExGetExclusiveWaiterCount(&Resource) == 0)
        TestPause(1);
    for (i = 0, during = 0; i < 5; i++) {
        TestPause(1);
        during = max(during, KeQueryPriorityThread(KeGetCurrentThread()));
    }
    got = Got;
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    TestThreadJoin(&thread);
    TestAnywhere();
    Expect(during <= before && got == 0 && Got == 1,
           "after ExDisableResourceBoostLite an owner keeps its priority while others wait");
}

VOID CheckResourceOwners(VOID)
{
    ExInitializeResourceLite(&Resource);
    CheckRegion();
    CheckOwner();
    CheckBoost();
    ExDeleteResourceLite(&Resource);
}

/* ---- stops ---------------------------------------------------------------------------------- */

VOID StopResource(ULONG Number)
{
    static ULONG64 memory;

    ExInitializeResourceLite(&Resource);
    KeEnterCriticalRegion();
    if (Number == 20) {
        ExpectStop(0xE3, (ULONG64)(ULONG_PTR)&Resource, (ULONG64)(ULONG_PTR)KeGetCurrentThread(),
                   TEST_ANY, TEST_ANY,
                   "ExReleaseResourceAndLeaveCriticalRegion of what the thread does not own");
        ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    } else {
        ExpectStop(0xE3, (ULONG64)(ULONG_PTR)&Resource, (ULONG64)(ULONG_PTR)KeGetCurrentThread(),
                   TEST_ANY, TEST_ANY,
                   "ExSetResourceOwnerPointer for what the thread does not own");
        ExSetResourceOwnerPointer(&Resource, OwnerPointer(&memory));
    }
}
