/*
 * ex/rundown.c - rundown protection: use an object until somebody wants it gone, then wait for
 * the last user.
 *
 * The word counts users in steps of two while bit 0 is clear. Rundown sets bit 0: the word then
 * holds the address of the waiter's record on its stack, which counts down the users left, or
 * nothing more once they are gone. From then on acquiring fails until ExReInitialize.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <nt/wdm.h>

#define RUNDOWN_ACTIVE ((ULONG_PTR)1)
#define RUNDOWN_ONE ((ULONG_PTR)2)

struct rundown_waiter {
    volatile ULONG_PTR users; /* how many have still to leave */
    KEVENT gone;
};

static void rundown_waiter_release(ULONG_PTR word, ULONG count)
{
    struct rundown_waiter *waiter = (struct rundown_waiter *)(word & ~RUNDOWN_ACTIVE);

    if (__atomic_sub_fetch(&waiter->users, count, __ATOMIC_ACQ_REL) == 0)
        KeSetEvent(&waiter->gone, IO_NO_INCREMENT, FALSE);
}

/* WDK surface */

VOID NTAPI ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    RunRef->Count = 0;
}
LDR_EXPORT(ExInitializeRundownProtection);

VOID NTAPI ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, 0, __ATOMIC_RELEASE);
}
LDR_EXPORT(ExReInitializeRundownProtection);

BOOLEAN NTAPI ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    ULONG_PTR seen = __atomic_load_n(&RunRef->Count, __ATOMIC_RELAXED);

    while (!(seen & RUNDOWN_ACTIVE)) {
        if (__atomic_compare_exchange_n(&RunRef->Count, &seen, seen + Count * RUNDOWN_ONE, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return TRUE;
    }
    return FALSE;
}
LDR_EXPORT(ExAcquireRundownProtectionEx);

BOOLEAN NTAPI ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    return ExAcquireRundownProtectionEx(RunRef, 1);
}
LDR_EXPORT(ExAcquireRundownProtection);

VOID NTAPI ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    ULONG_PTR seen = __atomic_load_n(&RunRef->Count, __ATOMIC_RELAXED);

    while (!(seen & RUNDOWN_ACTIVE)) {
        if (__atomic_compare_exchange_n(&RunRef->Count, &seen, seen - Count * RUNDOWN_ONE, false,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return;
    }
    rundown_waiter_release(seen, Count);
}
LDR_EXPORT(ExReleaseRundownProtectionEx);

VOID NTAPI ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    ExReleaseRundownProtectionEx(RunRef, 1);
}
LDR_EXPORT(ExReleaseRundownProtection);

VOID NTAPI ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, RUNDOWN_ACTIVE, __ATOMIC_RELEASE);
}
LDR_EXPORT(ExRundownCompleted);

VOID NTAPI ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
    ULONG_PTR seen = __atomic_load_n(&RunRef->Count, __ATOMIC_RELAXED);
    struct rundown_waiter waiter;

    ASSERT_IRQL(APC_LEVEL);
    KeInitializeEvent(&waiter.gone, SynchronizationEvent, FALSE);
    do {
        if (seen & RUNDOWN_ACTIVE) /* already run down */
            return;
        waiter.users = seen / RUNDOWN_ONE;
    } while (!__atomic_compare_exchange_n(
        &RunRef->Count, &seen, seen ? (ULONG_PTR)&waiter | RUNDOWN_ACTIVE : RUNDOWN_ACTIVE, false,
        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    if (seen) {
        KeWaitForSingleObject(&waiter.gone, WrRundown, KernelMode, FALSE, NULL);
        ExRundownCompleted(RunRef);
    }
}
LDR_EXPORT(ExWaitForRundownProtectionRelease);
