/*
 * lookaside.c - lookaside lists of all kinds, with routines of the driver's own.
 */
#include "ex.h"

#define ENTRY_SIZE 48
#define MANY 300 /* more entries than a list keeps */
#define TOO_LARGE 0x7FFFFFF0

#define NX 512          /* POOL_NX_ALLOCATION */
#define RAISE_ON_FAIL 1 /* EX_LOOKASIDE_LIST_EX_FLAGS_... */
#define FAIL_NO_RAISE 2

typedef PVOID(NTAPI *PTAKE)(PLOOKASIDE_LIST_EX List);
typedef VOID(NTAPI *PGIVE)(PLOOKASIDE_LIST_EX List, PVOID Entry);

typedef struct _OWN_LIST {
    DECLSPEC_ALIGN(16) LOOKASIDE_LIST_EX List;
    ULONG Allocated, Freed, Wrong;
    POOL_TYPE Type; /* as the routine was given it */
} OWN_LIST, *POWN_LIST;

static OWN_LIST Own;
static PVOID Entries[MANY];

static PVOID NTAPI OwnAllocate(POOL_TYPE PoolType, SIZE_T Size, ULONG Tag, PLOOKASIDE_LIST_EX List)
{
    POWN_LIST own = CONTAINING_RECORD(List, OWN_LIST, List);

    own->Allocated++;
    own->Type = PoolType;
    own->Wrong += Size != ENTRY_SIZE || Tag != TEST_TAG;
    return ExAllocatePoolWithTag(NonPagedPool, Size, Tag);
}

static VOID NTAPI OwnFree(PVOID Entry, PLOOKASIDE_LIST_EX List)
{
    CONTAINING_RECORD(List, OWN_LIST, List)->Freed++;
    ExFreePoolWithTag(Entry, TEST_TAG);
}

static NTSTATUS Initialize(POOL_TYPE Type, ULONG Flags)
{
    RtlZeroMemory(&Own, sizeof(Own));
    return ExInitializeLookasideListEx(&Own.List, OwnAllocate, OwnFree, Type, Flags, ENTRY_SIZE,
                                       TEST_TAG, 0);
}

static VOID CheckParameters(VOID)
{
    static const POOL_TYPE types[] = {NonPagedPool, PagedPool, NonPagedPoolCacheAligned,
                                      (POOL_TYPE)NX /* NonPagedPoolNx */};
    ULONG i, wrong = 0;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        wrong += Initialize(types[i], 0) != STATUS_SUCCESS;
        ExFreeToLookasideListEx(&Own.List, ExAllocateFromLookasideListEx(&Own.List));
        wrong += Own.Type != types[i] || Own.Allocated != 1;
        ExDeleteLookasideListEx(&Own.List);
    }
    ExpectEqual(wrong, 0, "ExInitializeLookasideListEx takes each type of pool, and hands it on");
    ExpectStatus(Initialize((POOL_TYPE)0x7F, 0), STATUS_INVALID_PARAMETER_4,
                 "and refuses what is none");
    ExpectStatus(Initialize(NonPagedPool, RAISE_ON_FAIL | FAIL_NO_RAISE),
                 STATUS_INVALID_PARAMETER_5, "flags that exclude one another");
    ExpectStatus(Initialize(NonPagedPool, 4), STATUS_INVALID_PARAMETER_5,
                 "and a flag that there is not");
    Initialize(NonPagedPool, RAISE_ON_FAIL);
    ExFreeToLookasideListEx(&Own.List, ExAllocateFromLookasideListEx(&Own.List));
    ExDeleteLookasideListEx(&Own.List);
    ExpectEqual(Own.Type, NonPagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE,
                "RAISE_ON_FAIL makes it POOL_RAISE_IF_ALLOCATION_FAILURE");
    Initialize(NonPagedPool, FAIL_NO_RAISE);
    ExFreeToLookasideListEx(&Own.List, ExAllocateFromLookasideListEx(&Own.List));
    ExDeleteLookasideListEx(&Own.List);
    ExpectEqual(Own.Type, NonPagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE,
                "FAIL_NO_RAISE makes it POOL_QUOTA_FAIL_INSTEAD_OF_RAISE");
}

/* Takes and gives by the routines given: all the list's entries go through. */
static VOID CheckEntries(PTAKE Take, PGIVE Give)
{
    PVOID first, second;
    ULONG i, kept;
    KIRQL irql;

    Initialize(NonPagedPool, 0);
    ExpectEqual(Own.Allocated, 0, "a new list has no entries");
    first = Take(&Own.List);
    Give(&Own.List, first);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    second = Take(&Own.List);
    KeLowerIrql(irql);
    Expect(first != NULL && second == first && Own.Allocated == 1,
           "an entry that was freed is allocated again, at DISPATCH_LEVEL, too");
    Give(&Own.List, second);
    for (i = 0; i < MANY; i++)
        Entries[i] = Take(&Own.List);
    ExpectEqual(Own.Allocated, MANY, "an empty list asks its routine");
    for (i = 0; i < MANY; i++)
        Give(&Own.List, Entries[i]);
    kept = MANY - Own.Freed;
    Expect(kept > 0 && kept < MANY, "a full list frees what it is given");
    ExFlushLookasideListEx(&Own.List);
    ExpectEqual(Own.Freed, MANY, "ExFlushLookasideListEx frees what it has");
    first = Take(&Own.List);
    ExpectEqual(Own.Allocated, MANY + 1, "and the list can be used on");
    Give(&Own.List, first);
    ExDeleteLookasideListEx(&Own.List);
    ExpectEqual(Own.Freed, MANY + 1, "ExDeleteLookasideListEx frees what is left");
    ExpectEqual(Own.Wrong, 0, "the routines were given size and tag");
}

static PVOID NTAPI TakeInline(PLOOKASIDE_LIST_EX List)
{
    return ExAllocateFromLookasideListEx(List);
}

static VOID NTAPI GiveInline(PLOOKASIDE_LIST_EX List, PVOID Entry)
{
    ExFreeToLookasideListEx(List, Entry);
}

static VOID TakeOne(PVOID Context)
{
    ExAllocateFromLookasideListEx(Context);
}

static VOID CheckDefaults(VOID)
{
    PVOID entry;

    ExpectStatus(
        ExInitializeLookasideListEx(&Own.List, NULL, NULL, PagedPool, 0, ENTRY_SIZE, TEST_TAG, 0),
        STATUS_SUCCESS, "a list without routines uses pool");
    entry = ExAllocateFromLookasideListEx(&Own.List);
    Expect(entry != NULL, "of which it allocates");
    ExFreeToLookasideListEx(&Own.List, entry);
    ExDeleteLookasideListEx(&Own.List);
    ExInitializeLookasideListEx(&Own.List, NULL, NULL, NonPagedPool, 0, TOO_LARGE, TEST_TAG, 0);
    Expect(ExAllocateFromLookasideListEx(&Own.List) == NULL, "NULL where there is none");
    ExDeleteLookasideListEx(&Own.List);
    ExInitializeLookasideListEx(&Own.List, NULL, NULL, NonPagedPool, RAISE_ON_FAIL, TOO_LARGE,
                                TEST_TAG, 0);
    ExpectStatus(TestCatch(TakeOne, &Own.List), STATUS_INSUFFICIENT_RESOURCES,
                 "or an exception with RAISE_ON_FAIL");
    ExDeleteLookasideListEx(&Own.List);
}

/* ---- the older kinds, whose routines are not given the list --------------------------------- */

static ULONG OldAllocated, OldFreed, OldWrong;

static PVOID NTAPI OldAllocate(POOL_TYPE PoolType, SIZE_T Size, ULONG Tag)
{
    OldAllocated++;
    OldWrong += (PoolType != NonPagedPool && PoolType != PagedPool) || Size != ENTRY_SIZE ||
                Tag != TEST_TAG;
    return ExAllocatePoolWithTag(NonPagedPool, Size, Tag);
}

static VOID NTAPI OldFree(PVOID Entry)
{
    OldFreed++;
    ExFreePoolWithTag(Entry, TEST_TAG);
}

typedef PVOID(NTAPI *POLD_TAKE)(PVOID List);
typedef VOID(NTAPI *POLD_GIVE)(PVOID List, PVOID Entry);

/* The exported forms, of which the headers have inline ones. */
static VOID CheckOldEntries(PVOID List, PCWSTR Take, PCWSTR Give)
{
    POLD_TAKE take = (POLD_TAKE)TestRoutine(Take);
    POLD_GIVE give = (POLD_GIVE)TestRoutine(Give);
    PVOID first = take(List), second;
    ULONG i;

    give(List, first);
    second = take(List);
    Expect(first != NULL && second == first && OldAllocated == 1,
           "a list of an older kind gives back what was freed to it");
    give(List, second);
    for (i = 0; i < MANY; i++)
        Entries[i] = take(List);
    for (i = 0; i < MANY; i++)
        give(List, Entries[i]);
    Expect(OldAllocated == MANY && OldFreed > 0 && OldFreed < MANY && OldWrong == 0,
           "it asks its routines when it is empty, and when it is full");
}

static VOID CheckOldKinds(VOID)
{
    static DECLSPEC_ALIGN(16) NPAGED_LOOKASIDE_LIST nonpaged;
    static DECLSPEC_ALIGN(16) PAGED_LOOKASIDE_LIST paged;

    OldAllocated = OldFreed = OldWrong = 0;
    ExInitializeNPagedLookasideList(&nonpaged, OldAllocate, OldFree, 0, ENTRY_SIZE, TEST_TAG, 0);
    CheckOldEntries(&nonpaged, L"ExAllocateFromNPagedLookasideList",
                    L"ExFreeToNPagedLookasideList");
    ExDeleteNPagedLookasideList(&nonpaged);
    ExpectEqual(OldFreed, MANY, "ExDeleteNPagedLookasideList frees what is left");
    OldAllocated = OldFreed = OldWrong = 0;
    ExInitializePagedLookasideList(&paged, OldAllocate, OldFree, 0, ENTRY_SIZE, TEST_TAG, 0);
    CheckOldEntries(&paged, L"ExAllocateFromPagedLookasideList", L"ExFreeToPagedLookasideList");
    ExDeletePagedLookasideList(&paged);
    ExpectEqual(OldFreed, MANY, "and so does ExDeletePagedLookasideList");
}

static VOID TakeOld(PVOID Context)
{
    ExAllocateFromNPagedLookasideList(Context);
}

static VOID TakeOldPaged(PVOID Context)
{
    ExAllocateFromPagedLookasideList(Context);
}

static VOID CheckOldFailures(VOID)
{
    static DECLSPEC_ALIGN(16) NPAGED_LOOKASIDE_LIST nonpaged;
    static DECLSPEC_ALIGN(16) PAGED_LOOKASIDE_LIST paged;

    ExInitializeNPagedLookasideList(&nonpaged, NULL, NULL, 0, TOO_LARGE, TEST_TAG, 0);
    Expect(ExAllocateFromNPagedLookasideList(&nonpaged) == NULL,
           "ExAllocateFromNPagedLookasideList gives NULL where there is no memory");
    ExDeleteNPagedLookasideList(&nonpaged);
    ExInitializePagedLookasideList(&paged, NULL, NULL, 0, TOO_LARGE, TEST_TAG, 0);
    Expect(ExAllocateFromPagedLookasideList(&paged) == NULL,
           "ExAllocateFromPagedLookasideList gives NULL where there is no memory");
    ExDeletePagedLookasideList(&paged);
    ExInitializeNPagedLookasideList(&nonpaged, NULL, NULL, POOL_RAISE_IF_ALLOCATION_FAILURE,
                                    TOO_LARGE, TEST_TAG, 0);
    ExpectStatus(TestCatch(TakeOld, &nonpaged), STATUS_INSUFFICIENT_RESOURCES,
                 "a list of nonpaged entries raises an exception if its flags ask for it");
    ExDeleteNPagedLookasideList(&nonpaged);
    ExInitializePagedLookasideList(&paged, NULL, NULL, POOL_RAISE_IF_ALLOCATION_FAILURE, TOO_LARGE,
                                   TEST_TAG, 0);
    ExpectStatus(TestCatch(TakeOldPaged, &paged), STATUS_INSUFFICIENT_RESOURCES,
                 "and so does one of paged entries");
    ExDeletePagedLookasideList(&paged);
}

static ULONG LeastSize;

static PVOID NTAPI AllocateLeast(POOL_TYPE PoolType, SIZE_T Size, ULONG Tag)
{
    LeastSize = (ULONG)Size;
    return ExAllocatePoolWithTag(PoolType, Size, Tag);
}

static VOID InitializeMisaligned(PVOID Context)
{
    ExInitializeLookasideListEx(Context, NULL, NULL, NonPagedPool, 0, ENTRY_SIZE, TEST_TAG, 0);
}

static VOID InitializeOldMisaligned(PVOID Context)
{
    ExInitializeNPagedLookasideList(Context, NULL, NULL, 0, ENTRY_SIZE, TEST_TAG, 0);
}

static VOID InitializePagedMisaligned(PVOID Context)
{
    ExInitializePagedLookasideList(Context, NULL, NULL, 0, ENTRY_SIZE, TEST_TAG, 0);
}

static VOID CheckLimits(VOID)
{
    static DECLSPEC_ALIGN(16) NPAGED_LOOKASIDE_LIST list;
    static DECLSPEC_ALIGN(16) UCHAR room[sizeof(list) + 16];
    PVOID entry;

    ExInitializeNPagedLookasideList(&list, AllocateLeast, NULL, NX, 1, TEST_TAG, 0);
    entry = ExAllocateFromNPagedLookasideList(&list);
    Expect(entry != NULL && LeastSize >= LOOKASIDE_MINIMUM_BLOCK_SIZE,
           "no entry is smaller than LOOKASIDE_MINIMUM_BLOCK_SIZE");
    ExFreeToNPagedLookasideList(&list, entry);
    ExDeleteNPagedLookasideList(&list);
    ExpectStatus(TestCatch(InitializeMisaligned, room + 8), STATUS_DATATYPE_MISALIGNMENT,
                 "a lookaside list must be aligned to 16 bytes");
    ExpectStatus(TestCatch(InitializeOldMisaligned, room + 8), STATUS_DATATYPE_MISALIGNMENT,
                 "one of nonpaged entries, too");
    ExpectStatus(TestCatch(InitializePagedMisaligned, room + 8), STATUS_DATATYPE_MISALIGNMENT,
                 "and one of paged entries, though its entries are paged");
}

VOID CheckLookasideEx(VOID)
{
    CheckOldKinds();
    CheckOldFailures();
    CheckLimits();
    CheckParameters();
    CheckEntries(TakeInline, GiveInline);
    CheckEntries((PTAKE)TestRoutine(L"ExAllocateFromLookasideListEx"),
                 (PGIVE)TestRoutine(L"ExFreeToLookasideListEx"));
    CheckDefaults();
}
