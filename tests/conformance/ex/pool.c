/*
 * pool.c - pool of all kinds, lookaside lists, lists under a lock and without one.
 */
#include "ex.h"

#define FLAG_UNKNOWN_REQUIRED 0x80000000ull
#define FLAG_UNKNOWN_OPTIONAL (1ull << 40)

static BOOLEAN IsZero(const UCHAR *Bytes, SIZE_T Size)
{
    while (Size != 0 && Bytes[Size - 1] == 0)
        Size--;
    return Size == 0;
}

static VOID CheckOld(VOID)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPool, 100, TEST_TAG);
    PVOID page = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TEST_TAG);
    PVOID aligned = ExAllocatePoolWithTag(NonPagedPoolCacheAligned, 10, TEST_TAG);

    Expect(block != NULL && ((ULONG_PTR)block & 15) == 0, "a pool block is aligned to 16 bytes");
    Expect(page != NULL && BYTE_OFFSET(page) == 0, "a block of a page or more begins at a page");
    Expect(aligned != NULL && ((ULONG_PTR)aligned & 63) == 0, "a cache aligned block is so");
    ExFreePoolWithTag(block, TEST_TAG);
    ExFreePoolWithTag(page, TEST_TAG);
    ExFreePool(aligned);
    block = ExAllocatePoolWithTag(NonPagedPool, (SIZE_T)1 << 40, TEST_TAG);
    Expect(block == NULL, "what there is no memory for is not allocated");
    block = ExAllocatePoolWithQuotaTag((POOL_TYPE)(NonPagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
                                       (SIZE_T)1 << 40, TEST_TAG);
    Expect(block == NULL, "POOL_QUOTA_FAIL_INSTEAD_OF_RAISE makes a failure a NULL");
    block = ExAllocatePoolWithQuotaTag(NonPagedPool, 10, TEST_TAG);
    Expect(block != NULL, "pool with quota can be had");
    ExFreePoolWithTag(block, TEST_TAG);
    block = ExAllocatePoolWithTagPriority(NonPagedPool, 10, TEST_TAG, LowPoolPriority);
    Expect(block != NULL, "pool of a low priority can be had");
    ExFreePoolWithTag(block, TEST_TAG);
}

static VOID CheckNew(VOID)
{
    PALLOCATE2 allocate = (PALLOCATE2)TestRoutine(L"ExAllocatePool2");
    PALLOCATE3 allocate3 = (PALLOCATE3)TestRoutine(L"ExAllocatePool3");
    PFREE2 release = (PFREE2)TestRoutine(L"ExFreePool2");
    static const ULONG64 optional[] = {2 | 0x100, 0}, required[] = {2, 0}, priority[] = {1, 0};
    PVOID block = allocate(FLAG_NON_PAGED, 300, TEST_TAG);

    Expect(block != NULL && IsZero(block, 300), "ExAllocatePool2 zeroes the block");
    ExFreePoolWithTag(block, TEST_TAG);
    block = allocate(FLAG_PAGED | FLAG_UNINITIALIZED | FLAG_UNKNOWN_OPTIONAL, 300, TEST_TAG);
    Expect(block != NULL, "ExAllocatePool2 ignores an optional flag that it does not know");
    ExFreePoolWithTag(block, TEST_TAG);
    Expect(allocate(FLAG_NON_PAGED | FLAG_UNKNOWN_REQUIRED, 8, TEST_TAG) == NULL,
           "ExAllocatePool2 fails for a required flag that it does not know");
    Expect(allocate(FLAG_NON_PAGED | FLAG_PAGED, 8, TEST_TAG) == NULL,
           "ExAllocatePool2 fails for two kinds of pool");
    Expect(allocate(0, 8, TEST_TAG) == NULL, "ExAllocatePool2 fails for none");
    if (!MmIsDriverVerifying(TestDriver)) { /* which would stop the machine */
        Expect(allocate(FLAG_NON_PAGED, 0, TEST_TAG) == NULL, "ExAllocatePool2 fails for no bytes");
        Expect(allocate(FLAG_NON_PAGED, 8, 0) == NULL, "ExAllocatePool2 fails without a tag");
    }
    block = allocate3(FLAG_NON_PAGED, 16, TEST_TAG, priority, 1);
    Expect(block != NULL, "ExAllocatePool3 takes a priority");
    release(block, TEST_TAG, NULL, 0);
    block = allocate3(FLAG_NON_PAGED | FLAG_CACHE_ALIGNED, 16, TEST_TAG, optional, 1);
    Expect(block != NULL && ((ULONG_PTR)block & 63) == 0,
           "ExAllocatePool3 ignores an optional parameter that it cannot meet");
    release(block, TEST_TAG, NULL, 0);
    Expect(allocate3(FLAG_NON_PAGED, 16, TEST_TAG, required, 1) == NULL,
           "ExAllocatePool3 fails for a required one");
}

VOID CheckPool(VOID)
{
    CheckOld();
    CheckNew();
}

/* ---- lists ----------------------------------------------------------------------------------- */

static VOID CheckLookaside(VOID)
{
    static NPAGED_LOOKASIDE_LIST nonpaged;
    static PAGED_LOOKASIDE_LIST paged;
    PVOID first, second;

    ExInitializeNPagedLookasideList(&nonpaged, NULL, NULL, 0, 48, TEST_TAG, 0);
    first = ExAllocateFromNPagedLookasideList(&nonpaged);
    Expect(first != NULL, "a lookaside list allocates when it is empty");
    ExFreeToNPagedLookasideList(&nonpaged, first);
    second = ExAllocateFromNPagedLookasideList(&nonpaged);
    Expect(second == first, "and gives back what was freed to it");
    ExFreeToNPagedLookasideList(&nonpaged, second);
    ExDeleteNPagedLookasideList(&nonpaged);
    ExInitializePagedLookasideList(&paged, NULL, NULL, 0, 48, TEST_TAG, 0);
    first = ExAllocateFromPagedLookasideList(&paged);
    Expect(first != NULL, "and so does a paged one");
    ExFreeToPagedLookasideList(&paged, first);
    ExDeletePagedLookasideList(&paged);
}

static VOID CheckInterlocked(VOID)
{
    static LIST_ENTRY head, entries[2];
    static SINGLE_LIST_ENTRY single, links[2];
    KSPIN_LOCK lock;
    LARGE_INTEGER sum, addend;
    ULONG number = 5;

    KeInitializeSpinLock(&lock);
    InitializeListHead(&head);
    Expect(ExInterlockedInsertHeadList(&head, &entries[0], &lock) == NULL,
           "the first of an empty list was NULL");
    Expect(ExInterlockedInsertHeadList(&head, &entries[1], &lock) == &entries[0],
           "ExInterlockedInsertHeadList returns the first entry before");
    Expect(ExInterlockedRemoveHeadList(&head, &lock) == &entries[1],
           "ExInterlockedRemoveHeadList takes the first");
    Expect(ExInterlockedInsertTailList(&head, &entries[1], &lock) == &entries[0],
           "ExInterlockedInsertTailList returns the last entry before");
    ExInterlockedRemoveHeadList(&head, &lock);
    ExInterlockedRemoveHeadList(&head, &lock);
    Expect(ExInterlockedRemoveHeadList(&head, &lock) == NULL, "an empty list gives NULL");
    single.Next = NULL;
    Expect(ExInterlockedPushEntryList(&single, &links[0], &lock) == NULL &&
               ExInterlockedPushEntryList(&single, &links[1], &lock) == &links[0],
           "ExInterlockedPushEntryList returns the first entry before");
    Expect(ExInterlockedPopEntryList(&single, &lock) == &links[1] &&
               ExInterlockedPopEntryList(&single, &lock) == &links[0] &&
               ExInterlockedPopEntryList(&single, &lock) == NULL,
           "ExInterlockedPopEntryList takes the last that was pushed");
    ExpectEqual(ExInterlockedAddUlong(&number, 7, &lock), 5,
                "ExInterlockedAddUlong returns what was before");
    ExpectEqual(number, 12, "and adds");
    sum.QuadPart = 0xFFFFFFFF;
    addend.QuadPart = 1;
    sum = ExInterlockedAddLargeInteger(&addend, sum, &lock);
    Expect(sum.QuadPart == 1 && addend.QuadPart == 0x100000000,
           "ExInterlockedAddLargeInteger adds 64 bits and returns what was before");
}

static VOID InitializeMisaligned(PVOID Context)
{
    ExInitializeSListHead(Context);
}

static VOID CheckSList(VOID)
{
    static DECLSPEC_ALIGN(16) SLIST_HEADER head;
    static DECLSPEC_ALIGN(16) SLIST_ENTRY entries[3];
    ULONG i;

    ExInitializeSListHead(&head);
    Expect(ExInterlockedFlushSList(&head) == NULL, "flushing an empty sequenced list gives NULL");
    Expect(ExQueryDepthSList(&head) == 0 && ExInterlockedPopEntrySList(&head, NULL) == NULL,
           "a new sequenced list is empty");
    Expect(ExInterlockedPushEntrySList(&head, &entries[0], NULL) == NULL,
           "the first entry of a sequenced list comes before NULL");
    for (i = 1; i < 3; i++)
        Expect(ExInterlockedPushEntrySList(&head, &entries[i], NULL) == &entries[i - 1],
               "ExInterlockedPushEntrySList returns the first entry before");
    ExpectEqual(ExQueryDepthSList(&head), 3, "ExQueryDepthSList counts");
    Expect(ExInterlockedPopEntrySList(&head, NULL) == &entries[2], "the last comes first");
    Expect(ExInterlockedFlushSList(&head) == &entries[1] && ExQueryDepthSList(&head) == 0,
           "ExInterlockedFlushSList takes them all");
    ExpectStatus(TestCatch(InitializeMisaligned, (PUCHAR)&head + 8), STATUS_DATATYPE_MISALIGNMENT,
                 "the header of a sequenced list must be aligned to 16 bytes");
}

VOID CheckLists(VOID)
{
    CheckLookaside();
    CheckInterlocked();
    CheckSList();
}
