/*
 * blocks.c - limits and failures of each routine that allocates pool; frees that are wrong.
 */
#include "ex.h"

#define TOO_LARGE ((SIZE_T)1 << 40)
#define NO_TAG 0
#define STEP 23 /* sizes that are tried */

#define PARAMETER_PRIORITY 1ull /* POOL_EXTENDED_PARAMETER: its type, then whether it is optional */
#define PARAMETER_SECURE 2ull

static PALLOCATE2 Allocate2;
static PALLOCATE3 Allocate3;
static PFREE2 Free2;

static VOID Find(VOID)
{
    Allocate2 = (PALLOCATE2)TestRoutine(L"ExAllocatePool2");
    Allocate3 = (PALLOCATE3)TestRoutine(L"ExAllocatePool3");
    Free2 = (PFREE2)TestRoutine(L"ExFreePool2");
}

/* ---- one form for all ----------------------------------------------------------------------- */

static PVOID Plain(ULONG Flags, SIZE_T Size)
{
    return ExAllocatePool((POOL_TYPE)(NonPagedPool | Flags), Size);
}

static PVOID Tagged(ULONG Flags, SIZE_T Size)
{
    return ExAllocatePoolWithTag((POOL_TYPE)(NonPagedPool | Flags), Size, TEST_TAG);
}

static PVOID Quota(ULONG Flags, SIZE_T Size)
{
    return ExAllocatePoolWithQuota((POOL_TYPE)(NonPagedPool | Flags), Size);
}

static PVOID QuotaTagged(ULONG Flags, SIZE_T Size)
{
    return ExAllocatePoolWithQuotaTag((POOL_TYPE)(NonPagedPool | Flags), Size, TEST_TAG);
}

static PVOID Priority(ULONG Flags, SIZE_T Size)
{
    return ExAllocatePoolWithTagPriority((POOL_TYPE)(NonPagedPool | Flags), Size, TEST_TAG,
                                         HighPoolPriority);
}

static PVOID Second(ULONG Flags, SIZE_T Size)
{
    return Allocate2(FLAG_NON_PAGED | Flags, Size, TEST_TAG);
}

static PVOID Third(ULONG Flags, SIZE_T Size)
{
    static const ULONG64 priority[] = {PARAMETER_PRIORITY, NormalPoolPriority};

    return Allocate3(FLAG_NON_PAGED | Flags, Size, TEST_TAG, priority, 1);
}

static PVOID (*const Forms[])(ULONG Flags, SIZE_T Size) = {Plain,    Tagged, Quota, QuotaTagged,
                                                           Priority, Second, Third};

#define FORMS (sizeof(Forms) / sizeof(Forms[0]))
#define OLD_FORMS 5 /* those that take a type */

/* ---- blocks --------------------------------------------------------------------------------- */

static VOID CheckSizes(VOID)
{
    ULONG form, crossing = 0, misaligned = 0, missing = 0;
    PUCHAR block;
    SIZE_T size;

    for (form = 0; form < FORMS; form++) {
        for (size = 1; size <= PAGE_SIZE; size += size + STEP < PAGE_SIZE ? STEP : 1) {
            block = Forms[form](0, size);
            if (block == NULL) {
                missing++;
                continue;
            }
            misaligned += ((ULONG_PTR)block & (size < PAGE_SIZE ? 15 : PAGE_SIZE - 1)) != 0;
            crossing += BYTE_OFFSET(block) + size > PAGE_SIZE;
            block[0] = block[size - 1] = 1;
            ExFreePool(block);
        }
    }
    ExpectEqual(missing, 0, "all routines allocate blocks of all sizes up to a page");
    ExpectEqual(crossing, 0, "a block of a page or less lies within one page");
    ExpectEqual(misaligned, 0, "below a page it is aligned to 16 bytes, a page begins at a page");
}

/* More than there is memory, one after the other. */
static ULONG Cycle(ULONG Free)
{
    ULONG i, missing = 0;

    for (i = 0; i < 600; i++) {
        PVOID block = ExAllocatePoolWithTag(NonPagedPool, 1 << 20, TEST_TAG);

        if (block == NULL)
            missing++;
        else if (Free == 0)
            ExFreePool(block);
        else if (Free == 1)
            ExFreePoolWithTag(block, TEST_TAG);
        else
            Free2(block, TEST_TAG, NULL, 0);
    }
    return missing;
}

static VOID CheckFrees(VOID)
{
    ExpectEqual(Cycle(0), 0, "what ExFreePool frees can be allocated again");
    ExpectEqual(Cycle(1), 0, "what ExFreePoolWithTag frees can be allocated again");
    ExpectEqual(Cycle(2), 0, "what ExFreePool2 frees can be allocated again");
}

static VOID CheckPriorities(VOID)
{
    static const EX_POOL_PRIORITY priorities[] = {
        LowPoolPriority,
        LowPoolPrioritySpecialPoolOverrun,
        LowPoolPrioritySpecialPoolUnderrun,
        NormalPoolPriority,
        NormalPoolPrioritySpecialPoolOverrun,
        NormalPoolPrioritySpecialPoolUnderrun,
        HighPoolPriority,
        HighPoolPrioritySpecialPoolOverrun,
        HighPoolPrioritySpecialPoolUnderrun,
    };
    ULONG i, missing = 0, found = 0;
    PVOID block;

    for (i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++) {
        block = ExAllocatePoolWithTagPriority(PagedPool, 100, TEST_TAG, priorities[i]);
        missing += block == NULL;
        if (block != NULL)
            ExFreePoolWithTag(block, TEST_TAG);
        found +=
            ExAllocatePoolWithTagPriority(NonPagedPool, TOO_LARGE, TEST_TAG, priorities[i]) != NULL;
    }
    ExpectEqual(missing, 0, "ExAllocatePoolWithTagPriority takes each priority");
    ExpectEqual(found, 0, "ExAllocatePoolWithTagPriority gives NULL where there is no memory");
}

/* POOL_COLD_ALLOCATION is a hint. */
static VOID CheckCold(VOID)
{
    ULONG form, missing = 0;
    PVOID block;

    for (form = 0; form < OLD_FORMS; form++) {
        block = Forms[form](POOL_COLD_ALLOCATION, 100);
        missing += block == NULL;
        if (block != NULL)
            ExFreePool(block);
    }
    ExpectEqual(missing, 0, "POOL_COLD_ALLOCATION may be asked for");
}

/* Where no verifier looks, which stops the machine. */
static VOID CheckNothing(VOID)
{
    ULONG form, missing = 0;
    PVOID block;

    if (MmIsDriverVerifying(TestDriver)) {
        ExpectSkip("a block of no bytes can be had, and freed", "the verifier forbids it");
        return;
    }
    for (form = 0; form < OLD_FORMS; form++) {
        block = Forms[form](0, 0);
        missing += block == NULL;
        if (block != NULL)
            ExFreePool(block);
    }
    ExpectEqual(missing, 0, "a block of no bytes can be had, and freed");
}

/* ---- failures ------------------------------------------------------------------------------- */

typedef struct _REQUEST {
    ULONG64 Flags;
    SIZE_T Size;
    ULONG Tag;
    ULONG64 Parameter[2]; /* 0: none */
    NTSTATUS Status;      /* raised if the flags ask for it */
    PCSTR Name;
} REQUEST;

static PVOID Ask(const REQUEST *Request, ULONG64 More)
{
    if (Request->Parameter[0] == 0)
        return Allocate2(Request->Flags | More, Request->Size, Request->Tag);
    return Allocate3(Request->Flags | More, Request->Size, Request->Tag, Request->Parameter, 1);
}

static VOID AskAndRaise(PVOID Context)
{
    Ask(Context, FLAG_RAISE);
}

static VOID CheckNewFailures(VOID)
{
    static const REQUEST requests[] = {
        {FLAG_NON_PAGED,
         TOO_LARGE,
         TEST_TAG,
         {0},
         STATUS_INSUFFICIENT_RESOURCES,
         "ExAllocatePool2 without memory gives NULL, or raises STATUS_INSUFFICIENT_RESOURCES"},
        {FLAG_PAGED | FLAG_USE_QUOTA,
         TOO_LARGE,
         TEST_TAG,
         {0},
         STATUS_INSUFFICIENT_RESOURCES,
         "and with quota, which alone makes no exception"},
        {FLAG_NON_PAGED | FLAG_PAGED,
         8,
         TEST_TAG,
         {0},
         STATUS_INVALID_PARAMETER,
         "ExAllocatePool2 of wrong flags gives NULL, or raises STATUS_INVALID_PARAMETER"},
        {FLAG_EXECUTE,
         8,
         TEST_TAG,
         {0},
         STATUS_INVALID_PARAMETER,
         "ExAllocatePool2 has no memory that can be executed"},
        {FLAG_NON_PAGED,
         8,
         NO_TAG,
         {0},
         STATUS_INVALID_PARAMETER,
         "ExAllocatePool2 without a tag gives NULL, or raises STATUS_INVALID_PARAMETER"},
        {FLAG_NON_PAGED,
         TOO_LARGE,
         TEST_TAG,
         {PARAMETER_PRIORITY},
         STATUS_INSUFFICIENT_RESOURCES,
         "ExAllocatePool3 without memory gives NULL, or raises STATUS_INSUFFICIENT_RESOURCES"},
        {FLAG_NON_PAGED | FLAG_PAGED,
         8,
         TEST_TAG,
         {PARAMETER_PRIORITY},
         STATUS_INVALID_PARAMETER,
         "ExAllocatePool3 of wrong flags gives NULL, or raises STATUS_INVALID_PARAMETER"},
        {FLAG_NON_PAGED,
         8,
         NO_TAG,
         {PARAMETER_PRIORITY},
         STATUS_INVALID_PARAMETER,
         "ExAllocatePool3 without a tag gives NULL, or raises STATUS_INVALID_PARAMETER"},
        {FLAG_NON_PAGED,
         8,
         TEST_TAG,
         {PARAMETER_PRIORITY, 7},
         STATUS_INVALID_PARAMETER,
         "ExAllocatePool3 with a priority that is none gives NULL, or raises an exception"},
        {FLAG_NON_PAGED,
         8,
         TEST_TAG,
         {PARAMETER_SECURE},
         STATUS_INVALID_PARAMETER,
         "ExAllocatePool3 with a parameter it cannot meet gives NULL, or raises an exception"},
    };
    ULONG i;

    for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        Expect(Ask(&requests[i], 0) == NULL &&
                   TestCatch(AskAndRaise, (PVOID)&requests[i]) == requests[i].Status,
               requests[i].Name);
    }
}

static VOID TooLargeTagged(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Tagged(POOL_RAISE_IF_ALLOCATION_FAILURE, TOO_LARGE);
}

static VOID TooLargePriority(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Priority(POOL_RAISE_IF_ALLOCATION_FAILURE, TOO_LARGE);
}

static VOID TooLargeQuota(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    QuotaTagged(0, TOO_LARGE);
}

static VOID CheckOldFailures(VOID)
{
    ExpectStatus(TestCatch(TooLargeTagged, NULL), STATUS_INSUFFICIENT_RESOURCES,
                 "ExAllocatePoolWithTag raises an exception with POOL_RAISE_IF_ALLOCATION_FAILURE");
    ExpectStatus(TestCatch(TooLargePriority, NULL), STATUS_INSUFFICIENT_RESOURCES,
                 "and so does ExAllocatePoolWithTagPriority");
    ExpectStatus(TestCatch(TooLargeQuota, NULL), STATUS_INSUFFICIENT_RESOURCES,
                 "ExAllocatePoolWithQuotaTag raises an exception where there is no memory");
}

VOID CheckBlocks(VOID)
{
    Find();
    CheckSizes();
    CheckFrees();
    CheckPriorities();
    CheckCold();
    CheckNothing();
    CheckNewFailures();
    CheckOldFailures();
}

/* ---- stops ---------------------------------------------------------------------------------- */

VOID StopFree(ULONG Number)
{
    static const ULONG64 parameter[] = {PARAMETER_SECURE, 0};
    PUCHAR block = ExAllocatePoolWithTag(NonPagedPool, 100, TEST_TAG);
    ULONG64 address = (ULONG64)(ULONG_PTR)block;
    KIRQL irql;

    Find();
    if (Number == 40) {
        ExpectStop(0xC2, 0x46, address + 16, TEST_ANY, TEST_ANY,
                   "G-EX-4, BC-C2-1 ExFreePool of an address within a block");
        ExFreePool(block + 16);
    } else if (Number == 41) {
        ExpectStop(0xC2, 0x0A, address, TEST_TAG, TEST_TAG + 1,
                   "G-EX-5, BC-C2-1 ExFreePoolWithTag of another tag than the allocation's");
        ExFreePoolWithTag(block, TEST_TAG + 1);
    } else if (Number == 42) {
        ExpectStop(0xC2, 0x07, TEST_ANY, TEST_ANY, address,
                   "BC-C2-1 ExFreePool2 of a block that has been freed");
        Free2(block, TEST_TAG, NULL, 0);
        Free2(block, TEST_TAG, NULL, 0);
    } else if (Number == 43) {
        ExpectStop(0xC2, 0x99, address, 1, (ULONG64)(ULONG_PTR)parameter,
                   "ExFreePool2 with the parameters of a secure pool that there is not");
        Free2(block, TEST_TAG, parameter, 1);
    } else if (Number == 44) {
        ExpectStop(0xC2, TEST_ANY, 0, TEST_ANY, TEST_ANY, "BC-C2-1 ExFreePool2 of NULL");
        Free2(NULL, TEST_TAG, NULL, 0);
    } else if (Number == 45) {
        ExpectStop(0xC2, 0x9B, NonPagedPool, 100, TEST_ANY,
                   "BC-C2-1 ExAllocatePoolWithTag with no tag");
        ExAllocatePoolWithTag(NonPagedPool, 100, NO_TAG);
    } else {
        ExpectStop(0xC2, 0x09, DISPATCH_LEVEL + 1, NonPagedPool, address,
                   "BC-C2-1 ExFreePoolWithTag above DISPATCH_LEVEL");
        KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
        ExFreePoolWithTag(block, TEST_TAG);
    }
}
