/*
 * pages.c - MmAllocatePagesForMdlEx: where its pages may be, what is in them, how many come.
 */
#include "memory.h"

#define MB 0x100000u
#define LOW (16 * MB)

static PMDL Allocate(ULONG64 Low, ULONG64 High, ULONG64 Skip, SIZE_T Bytes, ULONG Flags)
{
    return MmAllocatePagesForMdlEx(Physical(Low), Physical(High), Physical(Skip), Bytes, MmCached,
                                   Flags);
}

static VOID Free(PMDL Mdl)
{
    if (Mdl == NULL)
        return;
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
}

static ULONG64 Page(PMDL Mdl, ULONG Index)
{
    return (ULONG64)MmGetMdlPfnArray(Mdl)[Index] << PAGE_SHIFT;
}

static ULONG Pages(PMDL Mdl)
{
    return Mdl == NULL ? 0 : MmGetMdlByteCount(Mdl) / PAGE_SIZE;
}

static BOOLEAN AllWithin(PMDL Mdl, ULONG64 Low, ULONG64 High)
{
    ULONG i;

    for (i = 0; i < Pages(Mdl); i++)
        if (Page(Mdl, i) < Low || Page(Mdl, i) + PAGE_SIZE - 1 > High)
            return FALSE;
    return Pages(Mdl) != 0;
}

static VOID CheckLimits(VOID)
{
    PMDL mdl = Allocate(LOW, 2 * LOW - 1, 0, 16 * PAGE_SIZE, 0);
    KIRQL irql;

    Expect(Pages(mdl) == 16 && AllWithin(mdl, LOW, 2 * LOW - 1),
           "MmAllocatePagesForMdlEx gives pages between two addresses");
    Expect(mdl != NULL && (mdl->MdlFlags & MDL_PAGES_LOCKED) != 0 &&
               (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0,
           "which are locked and not mapped");
    Free(mdl);
    mdl = Allocate(0, ~0ull >> 1, 0, PAGE_SIZE + 1, 0);
    Expect(mdl != NULL && BYTES_TO_PAGES(MmGetMdlByteCount(mdl)) == 2, "bytes are rounded up");
    Free(mdl);
    Expect(Allocate(0, ~0ull >> 1, 0, 0, 0) == NULL, "no bytes are no MDL");
    Expect(Allocate(0, ~0ull >> 1, 0, 0x100000000, 0) == NULL, "nor are 4 GB at once");
    Expect(Allocate(1ull << 50, 1ull << 51, 0, PAGE_SIZE, 0) == NULL,
           "nor pages where there is no memory");
    KeRaiseIrql(APC_LEVEL, &irql);
    mdl = Allocate(0, ~0ull >> 1, 0, PAGE_SIZE, MM_ALLOCATE_NO_WAIT);
    Expect(Pages(mdl) == 1, "pages can be had at APC_LEVEL");
    Free(mdl);
    KeLowerIrql(irql);
}

static VOID CheckShort(VOID)
{
    PMDL mdl = Allocate(LOW, LOW + 4 * PAGE_SIZE - 1, 0, 8 * PAGE_SIZE, 0);

    Expect(Pages(mdl) != 0 && Pages(mdl) <= 4 && AllWithin(mdl, LOW, LOW + 4 * PAGE_SIZE - 1),
           "when there are fewer pages than wanted the MDL has fewer");
    Free(mdl);
    Expect(Allocate(LOW, LOW + 4 * PAGE_SIZE - 1, 0, 8 * PAGE_SIZE, MM_ALLOCATE_FULLY_REQUIRED) ==
               NULL,
           "with MM_ALLOCATE_FULLY_REQUIRED there is none");
}

/* Four pages at the beginning of each megabyte. */
static VOID CheckSkip(VOID)
{
    PMDL mdl = Allocate(LOW, LOW + 4 * PAGE_SIZE - 1, MB, 8 * PAGE_SIZE, 0);
    BOOLEAN right = TRUE;
    ULONG beyond = 0, i;

    for (i = 0; i < Pages(mdl); i++) {
        right = right && Page(mdl, i) >= LOW && Page(mdl, i) % MB < 4 * PAGE_SIZE;
        beyond += Page(mdl, i) >= LOW + MB;
    }
    ExpectEqual(Pages(mdl), 8, "with SkipBytes what one range lacks comes from the next ones");
    Expect(right && beyond >= 4, "each as long as the first, so many bytes further on");
    Free(mdl);
    Expect(Allocate(LOW, LOW + PAGE_SIZE - 1, 100, PAGE_SIZE, 0) == NULL,
           "SkipBytes that are no whole pages are refused");
}

/* Does every page begin with, and end with, that byte? */
static BOOLEAN AllBytes(PMDL Mdl, UCHAR Byte)
{
    PUCHAR view =
        MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    ULONG i, bytes = MmGetMdlByteCount(Mdl);

    for (i = 0; view != NULL && i < bytes && view[i] == Byte; i++)
        ;
    if (view != NULL)
        MmUnmapLockedPages(view, Mdl);
    return view != NULL && i == bytes;
}

static VOID CheckContents(VOID)
{
    ULONG64 high = LOW + 8 * PAGE_SIZE - 1;
    PMDL mdl = Allocate(LOW, high, 0, 8 * PAGE_SIZE, 0);
    PVOID view;

    if (mdl == NULL) {
        Expect(FALSE, "there are pages at 16 MB");
        return;
    }
    view = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    Expect(view != NULL, "its pages can be mapped");
    if (view != NULL) {
        RtlFillMemory(view, MmGetMdlByteCount(mdl), 0x5A);
        MmUnmapLockedPages(view, mdl);
    }
    Expect(AllBytes(mdl, 0x5A), "what is written through one view is read through another");
    Free(mdl);
    mdl = Allocate(LOW, high, 0, 8 * PAGE_SIZE, 0);
    Expect(mdl != NULL && AllBytes(mdl, 0), "pages that were used before come as zeros");
    Free(mdl);
    mdl = Allocate(LOW, high, 0, 8 * PAGE_SIZE, MM_DONT_ZERO_ALLOCATION);
    Expect(AllWithin(mdl, LOW, high), "with MM_DONT_ZERO_ALLOCATION they come as well");
    Free(mdl);
}

static VOID CheckChunks(VOID)
{
    ULONG flags = MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS | MM_ALLOCATE_FULLY_REQUIRED;
    PMDL mdl = Allocate(0, ~0ull >> 1, 4 * PAGE_SIZE, 16 * PAGE_SIZE, flags);
    BOOLEAN right = TRUE;
    ULONG i;

    for (i = 0; i < Pages(mdl); i++)
        right = right && (i % 4 == 0 || Page(mdl, i) == Page(mdl, i - 1) + PAGE_SIZE);
    Expect(Pages(mdl) == 16 && right,
           "with MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS each SkipBytes are contiguous");
    Free(mdl);
    mdl = Allocate(0, ~0ull >> 1, 0, 16 * PAGE_SIZE, flags);
    for (i = 1, right = TRUE; i < Pages(mdl); i++)
        right = right && Page(mdl, i) == Page(mdl, i - 1) + PAGE_SIZE;
    Expect(Pages(mdl) == 16 && right, "without SkipBytes all of it is");
    Free(mdl);
    Expect(Allocate(0, ~0ull >> 1, 4 * PAGE_SIZE, 6 * PAGE_SIZE, flags) == NULL,
           "bytes that are no whole chunks are refused");
    Expect(Allocate(0, ~0ull >> 1, 3 * PAGE_SIZE, 6 * PAGE_SIZE, flags) == NULL,
           "and chunks that are no power of two");
}

VOID CheckPages(VOID)
{
    CheckLimits();
    CheckShort();
    CheckSkip();
    CheckContents();
    CheckChunks();
}
