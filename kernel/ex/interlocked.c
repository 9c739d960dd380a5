/*
 * ex/interlocked.c - lists and sums under a spin lock that any IRQL may share.
 *
 * Interrupts are off while the lock is held, so that a thread and an ISR may use one list with one
 * lock (LOCK-17, LOCK-18). IRQL is not touched. Lists by LIST_ENTRY and by SINGLE_LIST_ENTRY; the
 * lists without a lock are in ex/slist.c.
 */
#include <lib/export.h>
#include <nt/wdm.h>

#include "ke/lock.h"

/* WDK surface */

PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    PLIST_ENTRY first = ListHead->Flink;

    InsertHeadList(ListHead, ListEntry);
    ke_lock_release_irqoff(Lock, flags);
    return first == ListHead ? NULL : first;
}
LDR_EXPORT(ExInterlockedInsertHeadList);

PLIST_ENTRY NTAPI ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    PLIST_ENTRY last = ListHead->Blink;

    InsertTailList(ListHead, ListEntry);
    ke_lock_release_irqoff(Lock, flags);
    return last == ListHead ? NULL : last;
}
LDR_EXPORT(ExInterlockedInsertTailList);

PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    PLIST_ENTRY entry = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);

    ke_lock_release_irqoff(Lock, flags);
    return entry;
}
LDR_EXPORT(ExInterlockedRemoveHeadList);

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    PSINGLE_LIST_ENTRY entry = PopEntryList(ListHead);

    ke_lock_release_irqoff(Lock, flags);
    return entry;
}
LDR_EXPORT(ExInterlockedPopEntryList);

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                                    PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    PSINGLE_LIST_ENTRY first = ListHead->Next;

    PushEntryList(ListHead, ListEntry);
    ke_lock_release_irqoff(Lock, flags);
    return first;
}
LDR_EXPORT(ExInterlockedPushEntryList);

LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                                 PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    LARGE_INTEGER previous = *Addend;

    Addend->QuadPart = (LONGLONG)((ULONGLONG)previous.QuadPart + (ULONGLONG)Increment.QuadPart);
    ke_lock_release_irqoff(Lock, flags);
    return previous;
}
LDR_EXPORT(ExInterlockedAddLargeInteger);

ULONG NTAPI ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    ULONG previous = *Addend;

    *Addend = previous + Increment;
    ke_lock_release_irqoff(Lock, flags);
    return previous;
}
LDR_EXPORT(ExInterlockedAddUlong);
