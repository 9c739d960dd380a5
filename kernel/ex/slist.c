/*
 * ex/slist.c - sequenced singly linked lists: stacks that any IRQL and any CPU shares without a
 * lock.
 *
 * The 16-byte head holds depth, sequence number and first entry and is replaced as a whole by
 * cmpxchg16b. A push changes the sequence number, so that a pop which read the first entry's Next
 * before that entry went away and came back fails and starts over. A pop may therefore read an
 * entry that another CPU has just taken: entries live in memory that stays mapped, as pool does.
 *
 * The exports have the Exp names: what drivers write as ExInterlockedPushEntrySList is a macro over
 * them, its lock argument unused on x64 (G-EX-27).
 */
#include <stdbool.h>

#include <lib/export.h>
#include <nt/wdm.h>

/* WDK: SLIST_HEADER.HeaderX64 */
#define SLIST_DEPTH_MASK 0xFFFFull    /* Alignment */
#define SLIST_SEQUENCE_ONE 0x10000ull /* Alignment */
#define SLIST_RESERVED_MASK 0xFull    /* Region: below a 16-byte aligned pointer */
#define SLIST_IN_USE 1ull             /* Region: "HeaderType", set once something was pushed */

/* Replace *head if it still is *expected; else *expected becomes what is there. */
static bool slist_exchange(PSLIST_HEADER head, SLIST_HEADER *expected, const SLIST_HEADER *desired)
{
    bool done;

    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*head), "+a"(expected->Alignment), "+d"(expected->Region)
                     : "b"(desired->Alignment), "c"(desired->Region)
                     : "memory");
    return done;
}

/* The two halves may be of different states: the exchange finds out. */
static SLIST_HEADER slist_read(PSLIST_HEADER head)
{
    SLIST_HEADER seen;

    seen.Alignment = *(volatile ULONGLONG *)&head->Alignment;
    seen.Region = *(volatile ULONGLONG *)&head->Region;
    return seen;
}

static PSLIST_ENTRY slist_first(const SLIST_HEADER *head)
{
    return (PSLIST_ENTRY)(head->Region & ~SLIST_RESERVED_MASK);
}

/* WDK surface */

static VOID NTAPI initialize_slist_head(PSLIST_HEADER SListHead)
{
    InitializeSListHead(SListHead);
}
LDR_EXPORT_AS("InitializeSListHead", initialize_slist_head);
LDR_EXPORT_AS("ExInitializeSListHead", initialize_slist_head);

PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry)
{
    SLIST_HEADER seen = slist_read(ListHead);
    SLIST_HEADER next;

    do {
        ListEntry->Next = slist_first(&seen);
        next.Alignment = ((seen.Alignment + 1) & SLIST_DEPTH_MASK) |
                         ((seen.Alignment & ~SLIST_DEPTH_MASK) + SLIST_SEQUENCE_ONE);
        next.Region = (ULONGLONG)ListEntry | SLIST_IN_USE;
    } while (!slist_exchange(ListHead, &seen, &next));
    return slist_first(&seen);
}
LDR_EXPORT(ExpInterlockedPushEntrySList);

PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead)
{
    SLIST_HEADER seen = slist_read(ListHead);
    SLIST_HEADER next;
    PSLIST_ENTRY first;

    do {
        first = slist_first(&seen);
        if (first == NULL)
            return NULL;
        next.Region = (ULONGLONG) * (PSLIST_ENTRY volatile *)&first->Next | SLIST_IN_USE;
        next.Alignment =
            ((seen.Alignment - 1) & SLIST_DEPTH_MASK) | (seen.Alignment & ~SLIST_DEPTH_MASK);
    } while (!slist_exchange(ListHead, &seen, &next));
    return first;
}
LDR_EXPORT(ExpInterlockedPopEntrySList);

PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(PSLIST_HEADER ListHead)
{
    SLIST_HEADER seen = slist_read(ListHead);
    SLIST_HEADER next;

    do {
        if (slist_first(&seen) == NULL)
            return NULL;
        next.Region = SLIST_IN_USE;
        next.Alignment = seen.Alignment & ~SLIST_DEPTH_MASK;
    } while (!slist_exchange(ListHead, &seen, &next));
    return slist_first(&seen);
}
LDR_EXPORT(ExpInterlockedFlushSList);

USHORT NTAPI ExQueryDepthSList(PSLIST_HEADER SListHead)
{
    return (USHORT)(*(volatile ULONGLONG *)&SListHead->Alignment & SLIST_DEPTH_MASK);
}
LDR_EXPORT(ExQueryDepthSList);
