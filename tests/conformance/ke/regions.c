/*
 * regions.c - critical and guarded regions: how they nest, and that they are the thread's own.
 */
#include "ke.h"

#define DEPTH 5

/* Bit 0: KeAreApcsDisabled; bit 1: KeAreAllApcsDisabled. */
static ULONG Disabled(VOID)
{
    return (KeAreApcsDisabled() ? 1 : 0) | (KeAreAllApcsDisabled() ? 2 : 0);
}

static VOID NoteDisabled(PVOID Context)
{
    *(PULONG)Context = Disabled();
}

static ULONG DisabledElsewhere(VOID)
{
    ULONG seen = MAXULONG;
    TEST_THREAD thread;

    if (TestThreadStart(&thread, 0, NoteDisabled, &seen))
        TestThreadJoin(&thread);
    return seen;
}

/* How often, on the way into and out of so many regions, that is not what is disabled. */
static ULONG Nest(VOID(NTAPI *Enter)(VOID), VOID(NTAPI *Leave)(VOID), ULONG Inside)
{
    ULONG i, wrong = 0;

    for (i = 0; i < DEPTH; i++) {
        Enter();
        wrong += Disabled() != Inside;
    }
    for (i = 0; i < DEPTH; i++) {
        wrong += Disabled() != Inside;
        Leave();
    }
    return wrong;
}

VOID CheckRegions(VOID)
{
    ULONG elsewhere, outside, both, one, levels[3];
    KIRQL irql;

    ExpectEqual(Nest(KeEnterCriticalRegion, KeLeaveCriticalRegion, 1), 0,
                "KeEnterCriticalRegion disables normal kernel APCs, not all, until the outermost "
                "region is left");
    ExpectEqual(Disabled(), 0, "KeAreApcsDisabled and KeAreAllApcsDisabled are FALSE outside");
    ExpectEqual(Nest(KeEnterGuardedRegion, KeLeaveGuardedRegion, 3), 0,
                "KeEnterGuardedRegion disables all APCs until the outermost region is left");
    ExpectEqual(Disabled(), 0, "KeAreApcsDisabled and KeAreAllApcsDisabled are FALSE again");
    outside = DisabledElsewhere();
    KeEnterCriticalRegion();
    KeEnterGuardedRegion();
    elsewhere = DisabledElsewhere();
    KeLeaveCriticalRegion();
    both = Disabled();
    KeEnterCriticalRegion();
    KeLeaveGuardedRegion();
    one = Disabled();
    KeLeaveCriticalRegion();
    Expect(both == 3 && one == 1 && Disabled() == 0, "regions of both kinds may overlap");
    ExpectEqual(elsewhere, outside, "a region is that of its thread: another is not in it");
    KeRaiseIrql(APC_LEVEL, &irql);
    levels[0] = Disabled();
    KeEnterCriticalRegion();
    levels[1] = Disabled();
    KeLeaveCriticalRegion();
    KeLowerIrql(irql);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    levels[2] = Disabled();
    KeLowerIrql(irql);
    Expect(levels[0] == 2 && levels[2] == 2,
           "KeAreAllApcsDisabled is TRUE at APC_LEVEL and at DISPATCH_LEVEL, where "
           "KeAreApcsDisabled is FALSE outside of any region");
    ExpectEqual(levels[1], 3, "KeEnterCriticalRegion works at APC_LEVEL");
}
