/*
 * ex/rundown.c - rundown protection: users of an object that may go away.
 *
 * The word is twice the number of users; its lowest bit says that rundown has begun, and then the
 * rest is the address of the waiter's block, which counts the users that are left.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <nt/wdm.h>

#define RUNDOWN_ACTIVE 1ul
#define RUNDOWN_USER 2ul

struct rundown_waiter {
    volatile LONG64 users;
    KEVENT gone;
};

/* WDK surface */

VOID NTAPI ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    RunRef->Count = 0;
}
LDR_EXPORT(ExInitializeRundownProtection);

VOID NTAPI ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, 0, __ATOMIC_SEQ_CST);
}
LDR_EXPORT(ExReInitializeRundownProtection);

VOID NTAPI ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, RUNDOWN_ACTIVE, __ATOMIC_SEQ_CST);
}
LDR_EXPORT(ExRundownCompleted);

BOOLEAN NTAPI ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    ULONG_PTR value = RunRef->Count;

    do {
        if ((value & RUNDOWN_ACTIVE) != 0)
            return FALSE;
    } while (!__atomic_compare_exchange_n(&RunRef->Count, &value, value + RUNDOWN_USER, false,
                                          __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return TRUE;
}
LDR_EXPORT(ExAcquireRundownProtection);

VOID NTAPI ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    ULONG_PTR value = RunRef->Count;

    while ((value & RUNDOWN_ACTIVE) == 0) {
        if (__atomic_compare_exchange_n(&RunRef->Count, &value, value - RUNDOWN_USER, false,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return;
    }
    struct rundown_waiter *waiter = (struct rundown_waiter *)(value & ~RUNDOWN_ACTIVE);

    if (InterlockedDecrement64(&waiter->users) == 0)
        KeSetEvent(&waiter->gone, IO_NO_INCREMENT, FALSE);
}
LDR_EXPORT(ExReleaseRundownProtection);

VOID NTAPI ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
    struct rundown_waiter waiter;
    ULONG_PTR value = RunRef->Count;

    KeInitializeEvent(&waiter.gone, SynchronizationEvent, FALSE);
    do {
        if ((value & RUNDOWN_ACTIVE) != 0)
            return; /* it has been run down already */
        waiter.users = (LONG64)(value / RUNDOWN_USER);
    } while (!__atomic_compare_exchange_n(
        &RunRef->Count, &value,
        value == 0 ? RUNDOWN_ACTIVE : ((ULONG_PTR)&waiter | RUNDOWN_ACTIVE), false,
        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    if (value == 0)
        return;
    KeWaitForSingleObject(&waiter.gone, WrRundown, KernelMode, FALSE, NULL);
    __atomic_store_n(&RunRef->Count, RUNDOWN_ACTIVE, __ATOMIC_SEQ_CST);
}
LDR_EXPORT(ExWaitForRundownProtectionRelease);
