/*
 * memory.c - pool and contiguous memory.
 */
#include "kernel.h"

#define POOL_BLOCKS 64

VOID CheckPool(PKTAP Report)
{
    static const ULONG sizes[] = {1,         16,           24, 100, 512, 2000, PAGE_SIZE - 1,
                                  PAGE_SIZE, 3 * PAGE_SIZE};
    PUCHAR blocks[POOL_BLOCKS];
    BOOLEAN aligned = TRUE, apart = TRUE, all = TRUE;
    ULONG i, j;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        PVOID block = ExAllocatePoolWithTag(NonPagedPool, sizes[i], TEST_TAG);

        all &= block != NULL;
        aligned &= ((ULONG_PTR)block & (sizes[i] >= PAGE_SIZE ? PAGE_SIZE - 1 : 15)) == 0;
        if (block != NULL) {
            RtlFillMemory(block, sizes[i], 0x5A);
            ExFreePoolWithTag(block, TEST_TAG);
        }
    }
    KtapCheck(Report, all, "pool blocks of all sizes can be had");
    KtapCheck(Report, aligned, "a block is aligned to 16 bytes, one of a page to a page");
    for (i = 0; i < POOL_BLOCKS; i++) {
        blocks[i] = ExAllocatePoolWithTag(NonPagedPool, 40, TEST_TAG);
        if (blocks[i] != NULL)
            RtlFillMemory(blocks[i], 40, (UCHAR)i);
    }
    for (i = 0; i < POOL_BLOCKS; i++) {
        for (j = 0; blocks[i] != NULL && j < 40; j++)
            apart &= blocks[i][j] == (UCHAR)i;
    }
    KtapCheck(Report, apart, "blocks do not overlap");
    for (i = 0; i < POOL_BLOCKS; i++) {
        if (blocks[i] != NULL)
            ExFreePoolWithTag(blocks[i], TEST_TAG);
    }
}

VOID CheckContiguous(PKTAP Report)
{
    PHYSICAL_ADDRESS highest, first, last;
    PUCHAR memory;
    PMDL mdl;

    highest.QuadPart = 0x0FFFFFFF;
    memory = MmAllocateContiguousMemory(4 * PAGE_SIZE, highest);
    KtapCheck(Report, memory != NULL, "contiguous memory below 256 MiB can be had");
    if (memory == NULL)
        return;
    first = MmGetPhysicalAddress(memory);
    last = MmGetPhysicalAddress(memory + 4 * PAGE_SIZE - 1);
    KtapEqual(Report, (ULONG64)(last.QuadPart - first.QuadPart), 4 * PAGE_SIZE - 1,
              "its pages follow each other");
    KtapCheck(Report, last.QuadPart <= highest.QuadPart, "it lies where it was asked for");
    mdl = IoAllocateMdl(memory + 100, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    KtapCheck(Report, mdl != NULL, "an MDL can be had");
    if (mdl != NULL) {
        MmBuildMdlForNonPagedPool(mdl);
        KtapEqual(Report, MmGetMdlByteCount(mdl), 2 * PAGE_SIZE, "an MDL knows its length");
        KtapEqual(Report, MmGetMdlByteOffset(mdl), 100, "an MDL knows its offset");
        KtapEqual(Report, MmGetMdlPfnArray(mdl)[2], (ULONG64)first.QuadPart / PAGE_SIZE + 2,
                  "an MDL names its page frames");
        KtapCheck(Report,
                  MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == (PVOID)(memory + 100),
                  "an MDL of pool has its address already");
        IoFreeMdl(mdl);
    }
    MmFreeContiguousMemory(memory);
}
