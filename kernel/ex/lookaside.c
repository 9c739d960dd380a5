/*
 * ex/lookaside.c - lookaside lists: initialisation and deletion.
 *
 * Allocation and free are inlines of the WDK's headers over the list head and the two routines
 * filled in here. The depth is fixed: lists are not tuned by use.
 */
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

enum { LOOKASIDE_DEPTH = 16, LOOKASIDE_DEPTH_MAX = 256 };

static PVOID NTAPI allocate_ex(POOL_TYPE type, SIZE_T size, ULONG tag, PLOOKASIDE_LIST_EX list)
{
    UNREFERENCED_PARAMETER(list);
    return ExAllocatePoolWithTag(type, size, tag);
}

static VOID NTAPI free_ex(PVOID buffer, PLOOKASIDE_LIST_EX list)
{
    UNREFERENCED_PARAMETER(list);
    ExFreePool(buffer);
}

/* The members that all kinds of list share; GENERAL_LOOKASIDE_POOL has the same ones. */
static void lookaside_fill(PGENERAL_LOOKASIDE_POOL list, POOL_TYPE type, SIZE_T size, ULONG tag)
{
    memset(list, 0, sizeof(*list));
    list->Depth = LOOKASIDE_DEPTH;
    list->MaximumDepth = LOOKASIDE_DEPTH_MAX;
    list->Type = type;
    list->Tag = tag;
    list->Size = size < sizeof(SLIST_ENTRY) ? (ULONG)sizeof(SLIST_ENTRY) : (ULONG)size;
}

static void lookaside_drain(PGENERAL_LOOKASIDE_POOL list, bool ex)
{
    PSLIST_ENTRY entry;

    while ((entry = ExpInterlockedPopEntrySList(&list->ListHead)) != NULL) {
        if (ex)
            list->FreeEx(entry, (PLOOKASIDE_LIST_EX)(PVOID)list);
        else
            list->Free(entry);
    }
}

static void lookaside_init(PVOID memory, POOL_TYPE type, PALLOCATE_FUNCTION allocate,
                           PFREE_FUNCTION release, SIZE_T size, ULONG tag)
{
    PGENERAL_LOOKASIDE_POOL list = memory;

    lookaside_fill(list, type, size, tag);
    list->Allocate = allocate != NULL ? allocate : ExAllocatePoolWithTag;
    list->Free = release != NULL ? release : ExFreePool;
}

/* WDK surface */

VOID NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
                                           PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                           ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Depth);
    lookaside_init(Lookaside, NonPagedPoolNx, Allocate, Free, Size, Tag);
}
LDR_EXPORT(ExInitializeNPagedLookasideList);

VOID NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    lookaside_drain((PGENERAL_LOOKASIDE_POOL)(PVOID)Lookaside, false);
}
LDR_EXPORT(ExDeleteNPagedLookasideList);

VOID NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
                                          PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                          ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Depth);
    lookaside_init(Lookaside, PagedPool, Allocate, Free, Size, Tag);
}
LDR_EXPORT(ExInitializePagedLookasideList);

VOID NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    lookaside_drain((PGENERAL_LOOKASIDE_POOL)(PVOID)Lookaside, false);
}
LDR_EXPORT(ExDeletePagedLookasideList);

NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside,
                                           PALLOCATE_FUNCTION_EX Allocate, PFREE_FUNCTION_EX Free,
                                           POOL_TYPE PoolType, ULONG Flags, SIZE_T Size, ULONG Tag,
                                           USHORT Depth)
{
    const ULONG known =
        EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL | EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE;

    if (Depth != 0)
        return STATUS_INVALID_PARAMETER_8;
    if ((Flags & ~known) != 0 || Flags == known)
        return STATUS_INVALID_PARAMETER_5;
    lookaside_fill(&Lookaside->L, PoolType, Size, Tag);
    Lookaside->L.AllocateEx = Allocate != NULL ? Allocate : allocate_ex;
    Lookaside->L.FreeEx = Free != NULL ? Free : free_ex;
    return STATUS_SUCCESS;
}
LDR_EXPORT(ExInitializeLookasideListEx);

VOID NTAPI ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    lookaside_drain(&Lookaside->L, true);
}
LDR_EXPORT(ExFlushLookasideListEx);

VOID NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    lookaside_drain(&Lookaside->L, true);
}
LDR_EXPORT(ExDeleteLookasideListEx);
