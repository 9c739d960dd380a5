/*
 * mdls.c - parts of MDLs, and MDLs of the longest buffers.
 */
#include "io.h"

#define PAGES 3
#define LONGEST 0xFFFFF000u /* 4 GiB less a page */
#define LARGE 0x4000000u    /* its MDL has more bytes than MDL.Size can say */

static VOID CheckRest(PUCHAR Pages, PMDL Source, PMDL Target)
{
    IoBuildPartialMdl(Source, Target, Pages + PAGE_SIZE + 16, 0);
    Expect(MmGetMdlVirtualAddress(Target) == Pages + PAGE_SIZE + 16 &&
               MmGetMdlByteCount(Target) == 2 * PAGE_SIZE - 16,
           "G-IO-60 a partial MDL of length 0 goes to the end of its source");
    Expect(MmGetMdlPfnArray(Target)[0] == MmGetMdlPfnArray(Source)[1] &&
               MmGetMdlPfnArray(Target)[1] == MmGetMdlPfnArray(Source)[2],
           "with all pages of it");
    Expect(MmGetSystemAddressForMdlSafe(Target, NormalPagePriority) == Pages + PAGE_SIZE + 16,
           "a part of what has a system address has one, too");
    MmPrepareMdlForReuse(Target);
    IoBuildPartialMdl(Source, Target, Pages + 2 * PAGE_SIZE, 8);
    Expect(MmGetMdlByteCount(Target) == 8 &&
               MmGetMdlPfnArray(Target)[0] == MmGetMdlPfnArray(Source)[2],
           "a partial MDL can be built anew");
}

/* Pages without an address of the system's: a part of them is mapped by itself. */
static VOID CheckMapped(VOID)
{
    PHYSICAL_ADDRESS low = {{0, 0}}, high = {{0xFFFFFFFF, 0}}, skip = {{0, 0}};
    PMDL source = MmAllocatePagesForMdl(low, high, skip, 2 * PAGE_SIZE), target;
    PUCHAR view;

    if (source == NULL) {
        Expect(FALSE, "two pages can be had");
        return;
    }
    target = IoAllocateMdl(NULL, PAGE_SIZE, FALSE, FALSE, NULL);
    IoBuildPartialMdl(source, target, (PUCHAR)MmGetMdlVirtualAddress(source) + PAGE_SIZE,
                      PAGE_SIZE);
    view = MmGetSystemAddressForMdlSafe(target, NormalPagePriority);
    Expect(view != NULL && (target->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED) != 0,
           "a partial MDL of pages without an address is mapped by itself");
    IoFreeMdl(target);
    Expect(view != NULL && !MmIsAddressValid(view), "IoFreeMdl unmaps it");
    MmFreePagesFromMdl(source);
    ExFreePool(source);
}

static VOID CheckLongest(PUCHAR Pages, PMDL Source)
{
    PMDL mdl = IoAllocateMdl(NULL, LONGEST, FALSE, FALSE, NULL);

    Expect(mdl != NULL && MmGetMdlByteCount(mdl) == LONGEST,
           "an MDL can describe 4 gigabytes less a page");
    if (mdl != NULL)
        IoFreeMdl(mdl);
    Expect(IoAllocateMdl(NULL, LONGEST + 1, FALSE, FALSE, NULL) == NULL,
           "no MDL describes a byte more than that");
    mdl = IoAllocateMdl(Pages, LARGE, FALSE, FALSE, NULL);
    if (mdl == NULL) {
        Expect(FALSE, "an MDL of 64 MiB can be had");
        return;
    }
    IoBuildPartialMdl(Source, mdl, Pages, PAGES * PAGE_SIZE);
    Expect(MmGetMdlByteCount(mdl) == PAGES * PAGE_SIZE &&
               MmGetMdlPfnArray(mdl)[2] == MmGetMdlPfnArray(Source)[2],
           "an MDL that has more room than its Size can say can be a part's");
    IoFreeMdl(mdl);
}

VOID CheckPartialMdls(VOID)
{
    PUCHAR pages = ExAllocatePoolWithTag(NonPagedPool, PAGES * PAGE_SIZE, TEST_TAG);
    PMDL source, target;

    if (pages == NULL) {
        Expect(FALSE, "three pages of pool can be had");
        return;
    }
    source = IoAllocateMdl(pages, PAGES * PAGE_SIZE, FALSE, FALSE, NULL);
    target = IoAllocateMdl(pages, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    if (source != NULL && target != NULL) {
        MmBuildMdlForNonPagedPool(source);
        CheckRest(pages, source, target);
        CheckMapped();
        CheckLongest(pages, source);
    } else {
        Expect(FALSE, "two MDLs can be had");
    }
    if (target != NULL)
        IoFreeMdl(target);
    if (source != NULL)
        IoFreeMdl(source);
    ExFreePoolWithTag(pages, TEST_TAG);
}
