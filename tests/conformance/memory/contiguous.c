/*
 * contiguous.c - MmAllocateContiguousMemorySpecifyCacheNode: limits, boundaries, cache types. There
 * is one node.
 */
#include "memory.h"

static PUCHAR Allocate(SIZE_T Bytes, ULONG64 Low, ULONG64 High, ULONG64 Boundary,
                       MEMORY_CACHING_TYPE Type, ULONG Node)
{
    return MmAllocateContiguousMemorySpecifyCacheNode(Bytes, Physical(Low), Physical(High),
                                                      Physical(Boundary), Type, Node);
}

static ULONG64 AddressOf(PVOID Block)
{
    return (ULONG64)MmGetPhysicalAddress(Block).QuadPart;
}

static BOOLEAN IsContiguous(PUCHAR Block, SIZE_T Bytes)
{
    SIZE_T at;

    for (at = PAGE_SIZE; at < Bytes; at += PAGE_SIZE)
        if (AddressOf(Block + at) != AddressOf(Block) + at)
            return FALSE;
    return TRUE;
}

static VOID CheckLimits(VOID)
{
    PUCHAR block = Allocate(5 * PAGE_SIZE, 0x2000000, 0x2FFFFFF, 0, MmCached, 0);
    KIRQL irql;

    Expect(block != NULL && BYTE_OFFSET(block) == 0 && AddressOf(block) >= 0x2000000 &&
               AddressOf(block) + 5 * PAGE_SIZE <= 0x3000000,
           "contiguous memory lies between two addresses");
    Expect(block != NULL && IsContiguous(block, 5 * PAGE_SIZE), "and is contiguous");
    if (block != NULL)
        MmFreeContiguousMemorySpecifyCache(block, 5 * PAGE_SIZE, MmCached);
    Expect(Allocate(PAGE_SIZE, 1ull << 50, 1ull << 51, 0, MmCached, 0) == NULL,
           "where there is no memory there is none");
    Expect(Allocate(0, 0, 0xFFFFFFFF, 0, MmCached, 0) == NULL, "no bytes are none");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    block = Allocate(PAGE_SIZE, 0, 0xFFFFFFFF, 0, MmCached, MM_ANY_NODE_OK);
    Expect(block != NULL, "it can be had at DISPATCH_LEVEL, from any node");
    if (block != NULL)
        MmFreeContiguousMemory(block);
    KeLowerIrql(irql);
}

/* Three pages at a time would cross a 16 KB boundary sooner or later. */
static VOID CheckBoundary(VOID)
{
    PUCHAR blocks[8];
    BOOLEAN right = TRUE;
    ULONG i;

    for (i = 0; i < 8; i++) {
        ULONG64 at;

        blocks[i] = Allocate(3 * PAGE_SIZE, 0, 0xFFFFFFFF, 4 * PAGE_SIZE, MmCached, 0);
        at = blocks[i] == NULL ? 0 : AddressOf(blocks[i]);
        right = right && blocks[i] != NULL &&
                at / (4 * PAGE_SIZE) == (at + 3 * PAGE_SIZE - 1) / (4 * PAGE_SIZE);
    }
    Expect(right, "no block crosses a multiple of BoundaryAddressMultiple");
    for (i = 0; i < 8; i++)
        if (blocks[i] != NULL)
            MmFreeContiguousMemory(blocks[i]);
    Expect(Allocate(5 * PAGE_SIZE, 0, 0xFFFFFFFF, 4 * PAGE_SIZE, MmCached, 0) == NULL,
           "one that is larger than that can not be had");
    Expect(Allocate(PAGE_SIZE, 0, 0xFFFFFFFF, 3 * PAGE_SIZE, MmCached, 0) == NULL,
           "a boundary that is no power of two is refused");
}

static VOID CheckTypes(VOID)
{
    static const MEMORY_CACHING_TYPE types[] = {MmNonCached, MmCached, MmWriteCombined};
    BOOLEAN right = TRUE;
    ULONG i;

    for (i = 0; i < 3; i++) {
        volatile UCHAR *block = Allocate(2 * PAGE_SIZE, 0, 0xFFFFFFFF, 0, types[i], 0);

        right = right && block != NULL;
        if (block == NULL)
            continue;
        RtlFillMemory((PVOID)block, 2 * PAGE_SIZE, 0x3C);
        right = right && block[0] == 0x3C && block[2 * PAGE_SIZE - 1] == 0x3C;
        MmFreeContiguousMemorySpecifyCache((PVOID)block, 2 * PAGE_SIZE, types[i]);
    }
    Expect(right, "memory of each cache type can be had, used and freed");
}

VOID CheckContiguous(VOID)
{
    CheckLimits();
    CheckBoundary();
    CheckTypes();
}
