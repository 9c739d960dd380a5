/*
 * ex/interlocked.c - interlocked lists and sums, sequenced lists, reader/writer spin locks.
 *
 * The list routines may be called at any IRQL, so the driver's spin lock is taken with interrupts
 * off. A sequenced list is a 16-byte head, changed as a whole by cmpxchg16b: its sequence number
 * makes a pop fail whose first entry was popped and pushed again meanwhile.
 */
#include <lib/export.h>
#include <nt/wdm.h>

#include "ke/lock.h"

enum {
    SLIST_SEQUENCE_SHIFT = 16, /* SLIST_HEADER.HeaderX64: Depth 15:0, Sequence 63:16 */
    SLIST_ENTRY_SHIFT = 4,     /* second half: NextEntry 63:4 */
};

struct slist_head {
    uint64_t low;  /* depth and sequence */
    uint64_t high; /* first entry */
};

/* One attempt; on failure *expected becomes what is there. */
static bool slist_exchange(PSLIST_HEADER head, struct slist_head *expected,
                           struct slist_head wanted)
{
    bool done;

    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*head), "+a"(expected->low), "+d"(expected->high)
                     : "b"(wanted.low), "c"(wanted.high)
                     : "memory");
    return done;
}

static PSLIST_ENTRY slist_first(const struct slist_head *head)
{
    return (PSLIST_ENTRY)(head->high >> SLIST_ENTRY_SHIFT << SLIST_ENTRY_SHIFT);
}

static uint64_t slist_low(const struct slist_head *old, int change)
{
    uint64_t sequence = (old->low >> SLIST_SEQUENCE_SHIFT) + 1;

    return sequence << SLIST_SEQUENCE_SHIFT | (uint16_t)(old->low + (uint64_t)change);
}

static struct slist_head slist_read(PSLIST_HEADER head)
{
    /* The halves may not belong together: then the exchange fails and brings the true ones. */
    return (struct slist_head){.low = *(volatile ULONGLONG *)&head->Alignment,
                               .high = *(volatile ULONGLONG *)&head->Region};
}

/* WDK surface */

PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry)
{
    struct slist_head old = slist_read(ListHead);
    struct slist_head wanted;

    do {
        ListEntry->Next = slist_first(&old);
        wanted.low = slist_low(&old, 1);
        wanted.high = (uint64_t)ListEntry;
    } while (!slist_exchange(ListHead, &old, wanted));
    return slist_first(&old);
}
LDR_EXPORT(ExpInterlockedPushEntrySList);

PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead)
{
    struct slist_head old = slist_read(ListHead);
    struct slist_head wanted;

    do {
        if (slist_first(&old) == NULL)
            return NULL;
        /* The entry may have been popped and freed: pool stays mapped, and the exchange fails. */
        wanted.high = (uint64_t)((volatile SLIST_ENTRY *)slist_first(&old))->Next;
        wanted.low = slist_low(&old, -1);
    } while (!slist_exchange(ListHead, &old, wanted));
    return slist_first(&old);
}
LDR_EXPORT(ExpInterlockedPopEntrySList);

PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(PSLIST_HEADER ListHead)
{
    struct slist_head old = slist_read(ListHead);
    struct slist_head wanted = {.high = 0};

    do {
        wanted.low = ((old.low >> SLIST_SEQUENCE_SHIFT) + 1) << SLIST_SEQUENCE_SHIFT;
    } while (!slist_exchange(ListHead, &old, wanted));
    return slist_first(&old);
}
LDR_EXPORT(ExpInterlockedFlushSList);

USHORT NTAPI ExQueryDepthSList(PSLIST_HEADER SListHead)
{
    return (USHORT)SListHead->HeaderX64.Depth;
}
LDR_EXPORT(ExQueryDepthSList);

static VOID NTAPI initialize_slist_head(PSLIST_HEADER SListHead)
{
    SListHead->Alignment = 0;
    SListHead->Region = 0;
}
LDR_EXPORT_AS("InitializeSListHead", initialize_slist_head);

PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    PLIST_ENTRY first = IsListEmpty(ListHead) ? NULL : ListHead->Flink;

    InsertHeadList(ListHead, ListEntry);
    ke_lock_release_irqoff(Lock, flags);
    return first;
}
LDR_EXPORT(ExInterlockedInsertHeadList);

PLIST_ENTRY NTAPI ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    PLIST_ENTRY last = IsListEmpty(ListHead) ? NULL : ListHead->Blink;

    InsertTailList(ListHead, ListEntry);
    ke_lock_release_irqoff(Lock, flags);
    return last;
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

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                                    PSINGLE_LIST_ENTRY ListEntry,
                                                    PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    PSINGLE_LIST_ENTRY first = ListHead->Next;

    ListEntry->Next = first;
    ListHead->Next = ListEntry;
    ke_lock_release_irqoff(Lock, flags);
    return first;
}
LDR_EXPORT(ExInterlockedPushEntryList);

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    PSINGLE_LIST_ENTRY entry = ListHead->Next;

    if (entry != NULL)
        ListHead->Next = entry->Next;
    ke_lock_release_irqoff(Lock, flags);
    return entry;
}
LDR_EXPORT(ExInterlockedPopEntryList);

LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                                 PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    LARGE_INTEGER old = *Addend;

    Addend->QuadPart += Increment.QuadPart;
    ke_lock_release_irqoff(Lock, flags);
    return old;
}
LDR_EXPORT(ExInterlockedAddLargeInteger);

ULONG NTAPI ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock)
{
    uint64_t flags = ke_lock_acquire_irqoff(Lock);
    ULONG old = *Addend;

    *Addend = old + Increment;
    ke_lock_release_irqoff(Lock, flags);
    return old;
}
LDR_EXPORT(ExInterlockedAddUlong);
