/*
 * views.c - MmMapLockedPages and MmMapIoSpaceEx: second views of pages and of registers.
 */
#include "memory.h"

#define EDU_IDENTIFICATION 0 /* 0x010000ED */
#define EDU_LIVENESS 1       /* gives back the complement of what was written */

static VOID CheckLockedPages(VOID)
{
    PUCHAR pages = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, TEST_TAG);
    PMDL mdl = pages == NULL ? NULL : IoAllocateMdl(pages + 16, PAGE_SIZE, FALSE, FALSE, NULL);
    PUCHAR view;

    if (mdl == NULL) {
        Expect(FALSE, "there is memory for pages and an MDL");
        return;
    }
    MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
    view = MmMapLockedPages(mdl, KernelMode);
    Expect(view != NULL && BYTE_OFFSET(view) == 16, "MmMapLockedPages keeps the byte offset");
    Expect((mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) != 0 && mdl->MappedSystemVa == view,
           "and notes the view in the MDL");
    if (view != NULL) {
        pages[16] = 0x11;
        view[PAGE_SIZE - 1] = 0x22;
        Expect(view[0] == 0x11 && pages[16 + PAGE_SIZE - 1] == 0x22,
               "both views show the same memory");
        Expect(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == view,
               "MmGetSystemAddressForMdlSafe finds that view");
        MmUnmapLockedPages(view, mdl);
    }
    Expect((mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0, "MmUnmapLockedPages ends it");
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
    ExFreePoolWithTag(pages, TEST_TAG);
}

static VOID CheckDeviceMemory(VOID)
{
    static const ULONG protections[] = {PAGE_READONLY | PAGE_NOCACHE, PAGE_READWRITE | PAGE_NOCACHE,
                                        PAGE_READWRITE | PAGE_WRITECOMBINE};
    MAP_IO_SPACE_EX map = (MAP_IO_SPACE_EX)TestRoutine(L"MmMapIoSpaceEx");
    PHYSICAL_ADDRESS address = RegistersAddress();
    volatile ULONG *view;
    BOOLEAN right = TRUE;
    ULONG i;

    for (i = 0; i < 3; i++) {
        view = map(address, PAGE_SIZE, protections[i]);
        right = right && view != NULL && view[EDU_IDENTIFICATION] == 0x010000ED &&
                MmGetPhysicalAddress((PVOID)view).QuadPart == address.QuadPart;
        if (view != NULL)
            MmUnmapIoSpace((PVOID)view, PAGE_SIZE);
    }
    Expect(right, "MmMapIoSpaceEx maps registers for reading, or for writing, too");
    view = map(address, PAGE_SIZE, PAGE_READWRITE | PAGE_NOCACHE);
    if (view != NULL) {
        view[EDU_LIVENESS] = 0x12345678;
        ExpectEqual(view[EDU_LIVENESS], 0xEDCBA987, "what is written arrives in the device");
        MmUnmapIoSpace((PVOID)view, PAGE_SIZE);
    }
    address.QuadPart += EDU_LIVENESS * sizeof(ULONG);
    view = map(address, sizeof(ULONG), PAGE_READWRITE | PAGE_NOCACHE);
    Expect(view != NULL && BYTE_OFFSET(view) == EDU_LIVENESS * sizeof(ULONG) && *view == 0xEDCBA987,
           "a view may begin inside of a page");
    if (view != NULL)
        MmUnmapIoSpace((PVOID)view, sizeof(ULONG));
    Expect(map(address, 0, PAGE_READWRITE) == NULL, "no bytes are no view");
    Expect(map(address, PAGE_SIZE, 0) == NULL, "nor is one without a protection");
    Expect(map(address, PAGE_SIZE, PAGE_NOCACHE) == NULL, "or with a cache type alone");
}

VOID CheckViews(VOID)
{
    CheckLockedPages();
    CheckDeviceMemory();
}
