/*
 * memory.c - physical pages, contiguous memory, mappings, and the sections of driver images.
 */
#include "memory.h"

PHYSICAL_ADDRESS RegistersAddress(VOID)
{
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);
    PCM_PARTIAL_RESOURCE_LIST list = &device->TranslatedList->List[0].PartialResourceList;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR at = &list->PartialDescriptors[0];

    while (at->Type != CmResourceTypeMemory)
        at++;
    return at->u.Memory.Start;
}

static VOID CheckBounds(VOID)
{
    UCHAR here;
    PVOID bits;

    Expect(MmHighestUserAddress == (PVOID)0x7FFFFFFEFFFF,
           "MmHighestUserAddress is the last byte below the 64 KB that nobody may use");
    Expect(MmSystemRangeStart == (PVOID)0xFFFF800000000000,
           "MmSystemRangeStart is where the upper half begins");
    Expect((PVOID)&here > MmSystemRangeStart && (PVOID)CheckBounds > MmSystemRangeStart,
           "a driver's stack and code lie above it");
    Expect(!MmIsAddressValid(MmHighestUserAddress), "nothing is below");
    /* A BOOLEAN to Microsoft's import library, a pointer to one to older headers. */
    bits = TestRoutine(L"Mm64BitPhysicalAddress");
    Expect(*(PBOOLEAN)bits != FALSE && **(PBOOLEAN *)bits != FALSE,
           "Mm64BitPhysicalAddress says that addresses have 64 bits, whoever reads it");
}

static VOID Run(VOID)
{
    CheckBounds();
    CheckPages();
    CheckContiguous();
    CheckViews();
    CheckImages();
    CheckRefused();
}

/* ---- bug checks ------------------------------------------------------------------------------ */

static VOID WriteThroughReadOnly(VOID)
{
    MAP_IO_SPACE_EX map = (MAP_IO_SPACE_EX)TestRoutine(L"MmMapIoSpaceEx");
    volatile ULONG *view = map(RegistersAddress(), PAGE_SIZE, PAGE_READONLY | PAGE_NOCACHE);

    ExpectStop(0xBE, (ULONG64)view + 4, TEST_ANY, TEST_ANY, TEST_ANY,
               "writing through a view that is for reading is ATTEMPTED_WRITE_TO_READONLY_MEMORY");
    view[1] = 0;
}

static VOID FreeTwice(VOID)
{
    PVOID block = MmAllocateContiguousMemorySpecifyCacheNode(
        PAGE_SIZE, Physical(0), Physical(0xFFFFFFFF), Physical(0), MmCached, 0);

    MmFreeContiguousMemory(block);
    ExpectStop(0xC2, 0x60, (ULONG64)block, TEST_ANY, TEST_ANY,
               "freeing contiguous memory twice is BAD_POOL_CALLER 0x60");
    MmFreeContiguousMemory(block);
}

static VOID MapUnlocked(VOID)
{
    PVOID page = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TEST_TAG);
    PMDL mdl = IoAllocateMdl(page, PAGE_SIZE, FALSE, FALSE, NULL);

    ExpectStop(0xC4, 0x83, (ULONG64)mdl, TEST_ANY, TEST_ANY,
               "MmMapLockedPages of pages that are not locked is "
               "DRIVER_VERIFIER_DETECTED_VIOLATION 0x83");
    MmMapLockedPages(mdl, KernelMode);
}

static VOID UnmapUnmapped(VOID)
{
    ExpectStop(0xDA, 0x01, (ULONG64)&RegistersAddress & ~(ULONG64)0xFFF, TEST_ANY, TEST_ANY,
               "unmapping what MmMapIoSpaceEx has not mapped is SYSTEM_PTE_MISUSE");
    MmUnmapIoSpace((PVOID)((ULONG64)&RegistersAddress & ~(ULONG64)0xFFF), PAGE_SIZE);
}

static VOID WriteThroughNoWrite(VOID)
{
    PULONG page = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TEST_TAG);
    PMDL mdl = IoAllocateMdl(page, PAGE_SIZE, FALSE, FALSE, NULL);
    volatile ULONG *view;

    MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
    view = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE,
                                        NormalPagePriority | MdlMappingNoWrite);
    page[0] = view[0] + 1; /* by another address it can be written */
    ExpectStop(0xBE, (ULONG64)view, TEST_ANY, TEST_ANY, TEST_ANY,
               "a view with MdlMappingNoWrite is read only");
    view[0] = 0;
}

/* test_conformance.py lets the mapping run out of memory. */
static VOID MapWithoutMemory(VOID)
{
    PHYSICAL_ADDRESS low = {.QuadPart = 0}, high = {.QuadPart = MAXLONGLONG};
    PMDL mdl = MmAllocatePagesForMdl(low, high, low, 2 * PAGE_SIZE);

    ExpectStop(0x3F, 0, 2, TEST_ANY, TEST_ANY,
               "MmMapLockedPages without memory is a bug check, NO_MORE_SYSTEM_PTES");
    MmMapLockedPages(mdl, KernelMode);
}

static VOID Stop(ULONG Number)
{
    static VOID (*const stops[])(VOID) = {WriteThroughReadOnly, FreeTwice,
                                          MapUnlocked,          UnmapUnmapped,
                                          WriteThroughNoWrite,  MapWithoutMemory};

    if (Number < sizeof(stops) / sizeof(stops[0]))
        stops[Number]();
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
