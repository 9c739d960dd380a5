/*
 * ex/lookaside.c - lookaside lists: blocks of one size kept at hand between uses.
 *
 * A list is an SList of free blocks in front of an allocate and a free routine. Drivers built with
 * most headers take and give blocks by inline code over the same members, so the layout and the
 * meaning of Depth are fixed: a free block is kept while fewer than Depth are. Depth is the same
 * for all lists and does not adapt. Pool is never paged here, so paged lists are the same thing.
 */
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

enum { LOOKASIDE_DEPTH = 32 };

/* The NPAGED, PAGED and EX lists begin with the same members. */
typedef GENERAL_LOOKASIDE_POOL LOOKASIDE;

static void lookaside_init(LOOKASIDE *list, POOL_TYPE type, SIZE_T size, ULONG tag)
{
    memset(list, 0, sizeof *list);
    InitializeSListHead(&list->ListHead);
    list->Depth = LOOKASIDE_DEPTH;
    list->MaximumDepth = LOOKASIDE_DEPTH;
    list->Type = type;
    list->Tag = tag;
    list->Size = (ULONG)(size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : size);
}

static VOID NTAPI free_to_pool(PVOID Buffer)
{
    ExFreePool(Buffer);
}

static PVOID NTAPI allocate_ex(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                               PLOOKASIDE_LIST_EX Lookaside)
{
    (void)Lookaside;
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

static PVOID NTAPI allocate_quota_ex(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                     PLOOKASIDE_LIST_EX Lookaside)
{
    (void)Lookaside;
    return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag);
}

static VOID NTAPI free_ex(PVOID Buffer, PLOOKASIDE_LIST_EX Lookaside)
{
    (void)Lookaside;
    ExFreePool(Buffer);
}

static void lookaside_init_plain(LOOKASIDE *list, POOL_TYPE type, PALLOCATE_FUNCTION allocate,
                                 PFREE_FUNCTION release, SIZE_T size, ULONG tag)
{
    lookaside_init(list, type, size, tag);
    list->Allocate = allocate != NULL ? allocate : ExAllocatePoolWithTag;
    list->Free = release != NULL ? release : free_to_pool;
}

static void lookaside_flush(LOOKASIDE *list, bool has_context)
{
    PSLIST_ENTRY entry;

    while ((entry = ExpInterlockedPopEntrySList(&list->ListHead)) != NULL) {
        if (has_context)
            list->FreeEx(entry, (PLOOKASIDE_LIST_EX)list);
        else
            list->Free(entry);
    }
}

/* WDK surface */

VOID NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
                                           PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                           ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    UNREFERENCED_PARAMETER(Depth); /* reserved */
    lookaside_init_plain((LOOKASIDE *)&Lookaside->L, NonPagedPool | (POOL_TYPE)Flags, Allocate,
                         Free, Size, Tag);
}
LDR_EXPORT(ExInitializeNPagedLookasideList);

VOID NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    lookaside_flush((LOOKASIDE *)&Lookaside->L, false);
}
LDR_EXPORT(ExDeleteNPagedLookasideList);

VOID NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
                                          PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                          ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    UNREFERENCED_PARAMETER(Depth); /* reserved */
    lookaside_init_plain((LOOKASIDE *)&Lookaside->L, PagedPool | (POOL_TYPE)Flags, Allocate, Free,
                         Size, Tag);
}
LDR_EXPORT(ExInitializePagedLookasideList);

VOID NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    ExDeleteNPagedLookasideList((PNPAGED_LOOKASIDE_LIST)Lookaside);
}
LDR_EXPORT(ExDeletePagedLookasideList);

NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside,
                                           PALLOCATE_FUNCTION_EX Allocate, PFREE_FUNCTION_EX Free,
                                           POOL_TYPE PoolType, ULONG Flags, SIZE_T Size, ULONG Tag,
                                           USHORT Depth)
{
    const ULONG flags =
        EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL | EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE;
    POOL_TYPE base = PoolType & ~(POOL_TYPE)POOL_NX_ALLOCATION;
    PALLOCATE_FUNCTION_EX allocate = allocate_ex;

    UNREFERENCED_PARAMETER(Depth); /* reserved */
    if (base >= MaxPoolType)
        return STATUS_INVALID_PARAMETER_4;
    if (Flags & ~flags || Flags == flags)
        return STATUS_INVALID_PARAMETER_5;
    if (Flags == EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL)
        PoolType |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    if (Flags == EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE) {
        PoolType |= POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;
        allocate = allocate_quota_ex;
    }
    lookaside_init(&Lookaside->L, PoolType, Size, Tag);
    Lookaside->L.AllocateEx = Allocate != NULL ? Allocate : allocate;
    Lookaside->L.FreeEx = Free != NULL ? Free : free_ex;
    return STATUS_SUCCESS;
}
LDR_EXPORT(ExInitializeLookasideListEx);

VOID NTAPI ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    lookaside_flush(&Lookaside->L, true);
}
LDR_EXPORT(ExFlushLookasideListEx);

VOID NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    lookaside_flush(&Lookaside->L, true);
}
LDR_EXPORT(ExDeleteLookasideListEx);

static PVOID NTAPI lookaside_allocate(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    return ExAllocateFromNPagedLookasideList(Lookaside);
}
LDR_EXPORT_AS("ExAllocateFromNPagedLookasideList", lookaside_allocate);
LDR_EXPORT_AS("ExAllocateFromPagedLookasideList", lookaside_allocate);

static VOID NTAPI lookaside_free(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    ExFreeToNPagedLookasideList(Lookaside, Entry);
}
LDR_EXPORT_AS("ExFreeToNPagedLookasideList", lookaside_free);
LDR_EXPORT_AS("ExFreeToPagedLookasideList", lookaside_free);

static PVOID NTAPI lookaside_allocate_ex(PLOOKASIDE_LIST_EX Lookaside)
{
    return ExAllocateFromLookasideListEx(Lookaside);
}
LDR_EXPORT_AS("ExAllocateFromLookasideListEx", lookaside_allocate_ex);

static VOID NTAPI lookaside_free_ex(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry)
{
    ExFreeToLookasideListEx(Lookaside, Entry);
}
LDR_EXPORT_AS("ExFreeToLookasideListEx", lookaside_free_ex);
