/*
 * refused.c - memory that cannot be had, mapped or locked, and memory that is given back.
 */
#include "memory.h"

#define HUGE_BYTES ((SIZE_T)1 << 44) /* more than any machine here has */
#define BEYOND ((ULONG64)1 << 52)    /* the first physical address that there cannot be */
#define NOWHERE ((PVOID)(ULONG_PTR)0xFFFFFFFFFFFFF000)

/* ---- contiguous and noncached memory --------------------------------------------------------- */

static PVOID AllocateWithin(SIZE_T Bytes, ULONG64 Low, ULONG64 High, ULONG64 Boundary)
{
    return MmAllocateContiguousMemorySpecifyCache(Bytes, Physical(Low), Physical(High),
                                                  Physical(Boundary), MmCached);
}

/* Every page between these two is the caller's, or the block is NULL. */
#define LOW 0x2000000
#define PAGES 8

static VOID CheckContiguousMemory(VOID)
{
    PUCHAR block = MmAllocateContiguousMemory(100, Physical(0xFFFFFFFF));
    ULONG i, given = 0;

    Expect(block != NULL && BYTE_OFFSET(block) == 0,
           "MmAllocateContiguousMemory gives whole pages, from the beginning of one");
    MmFreeContiguousMemory(block);
    Expect(MmAllocateContiguousMemory(HUGE_BYTES, Physical(MAXLONGLONG)) == NULL &&
               MmAllocateContiguousMemory(PAGE_SIZE, Physical(0xFFE)) == NULL,
           "MmAllocateContiguousMemory gives NULL where there is no memory");
    block = AllocateWithin(PAGE_SIZE, LOW, 2 * LOW - 1, 0);
    Expect(block != NULL && MmGetPhysicalAddress(block).QuadPart >= LOW &&
               MmGetPhysicalAddress(block).QuadPart < 2 * LOW,
           "MmAllocateContiguousMemorySpecifyCache gives memory between two addresses");
    MmFreeContiguousMemorySpecifyCache(block, PAGE_SIZE, MmCached);
    Expect(AllocateWithin(PAGE_SIZE, 1ull << 50, 1ull << 51, 0) == NULL &&
               AllocateWithin(HUGE_BYTES, 0, MAXLONGLONG, 0) == NULL,
           "MmAllocateContiguousMemorySpecifyCache gives NULL where there is no memory");
    Expect(AllocateWithin(5 * PAGE_SIZE, 0, 0xFFFFFFFF, 4 * PAGE_SIZE) == NULL,
           "MmAllocateContiguousMemorySpecifyCache crosses no boundary");
    Expect(AllocateWithin(PAGE_SIZE, 0, 0xFFFFFFFF, 3 * PAGE_SIZE) == NULL,
           "MmAllocateContiguousMemorySpecifyCache refuses a boundary that is no power of two");
    for (i = 0; i < 4; i++) {
        block = AllocateWithin(PAGES * PAGE_SIZE, LOW, LOW + PAGES * PAGE_SIZE - 1, 0);
        given += block != NULL;
        if (block != NULL)
            MmFreeContiguousMemory(block);
    }
    ExpectEqual(given, 4, "MmFreeContiguousMemory gives the pages back, to be had again");
}

static VOID CheckNonCached(VOID)
{
    PUCHAR block = MmAllocateNonCachedMemory(PAGE_SIZE + 1);
    ULONG i, given = 0;

    Expect(block != NULL && BYTE_OFFSET(block) == 0 && MmIsAddressValid(block + PAGE_SIZE),
           "MmAllocateNonCachedMemory gives whole pages");
    MmFreeNonCachedMemory(block, PAGE_SIZE + 1);
    Expect(MmAllocateNonCachedMemory(HUGE_BYTES) == NULL && MmAllocateNonCachedMemory(0) == NULL,
           "MmAllocateNonCachedMemory gives NULL where there is not so much, or nothing is wanted");
    for (i = 0; i < 1000; i++) {
        block = MmAllocateNonCachedMemory(1024 * 1024);
        given += block != NULL;
        if (block != NULL)
            MmFreeNonCachedMemory(block, 1024 * 1024);
    }
    ExpectEqual(given, 1000, "MmFreeNonCachedMemory gives the pages back, more than there are");
}

/* ---- pages without addresses ----------------------------------------------------------------- */

static ULONG PagesBetween(ULONG64 Low, ULONG64 High, ULONG64 Skip, SIZE_T Bytes)
{
    PMDL mdl = MmAllocatePagesForMdl(Physical(Low), Physical(High), Physical(Skip), Bytes);
    ULONG pages;

    if (mdl == NULL)
        return 0;
    pages = MmGetMdlByteCount(mdl) / PAGE_SIZE;
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
    return pages;
}

static VOID CheckPagesForMdl(VOID)
{
    ULONG64 high = LOW + PAGES * PAGE_SIZE - 1;
    ULONG i, most = 0, all = 0;

    ExpectEqual(PagesBetween(1ull << 50, 1ull << 51, 0, PAGE_SIZE), 0,
                "MmAllocatePagesForMdl gives NULL where there are no pages");
    for (i = 0; i < 4; i++) {
        ULONG pages = PagesBetween(LOW, high, 0, 2 * PAGES * PAGE_SIZE);

        most = pages > most ? pages : most;
        all += pages;
    }
    Expect(most != 0 && most <= PAGES,
           "MmAllocatePagesForMdl gives fewer pages where there are fewer");
    ExpectEqual(all, 4 * most, "MmFreePagesFromMdl gives all of the MDL's pages back");
    ExpectEqual(PagesBetween(0, MAXLONGLONG, 0, 0x100000000), 0,
                "MmAllocatePagesForMdl refuses 4 GB");
    ExpectEqual(PagesBetween(LOW, high, PAGE_SIZE / 2, PAGE_SIZE), 0,
                "MmAllocatePagesForMdl refuses to skip parts of pages");
}

/* ---- views ----------------------------------------------------------------------------------- */

static VOID CheckIoSpace(VOID)
{
    MAP_IO_SPACE_EX map = (MAP_IO_SPACE_EX)TestRoutine(L"MmMapIoSpaceEx");
    PHYSICAL_ADDRESS address = RegistersAddress();
    volatile ULONG *view = MmMapIoSpace(address, PAGE_SIZE, MmNonCached);

    Expect(view != NULL && view[0] == 0x010000ED &&
               MmGetPhysicalAddress((PVOID)view).QuadPart == address.QuadPart,
           "MmMapIoSpace maps registers");
    MmUnmapIoSpace((PVOID)view, PAGE_SIZE);
    Expect(!MmIsAddressValid((PVOID)view), "MmUnmapIoSpace ends a view");
    Expect(MmMapIoSpace(address, 0, MmNonCached) == NULL, "MmMapIoSpace maps no bytes nowhere");
    Expect(MmMapIoSpace(Physical(BEYOND), PAGE_SIZE, MmNonCached) == NULL &&
               MmMapIoSpace(Physical(BEYOND - PAGE_SIZE), PAGE_SIZE + 1, MmNonCached) == NULL &&
               MmMapIoSpace(address, (SIZE_T)-1, MmNonCached) == NULL,
           "MmMapIoSpace maps nothing beyond the last physical address");
    view = map(address, PAGE_SIZE, PAGE_EXECUTE_READ | PAGE_NOCACHE);
    Expect(view != NULL && view[0] == 0x010000ED, "MmMapIoSpaceEx maps registers to execute");
    if (view != NULL)
        MmUnmapIoSpace((PVOID)view, PAGE_SIZE);
    Expect(map(address, PAGE_SIZE, PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE) == NULL,
           "MmMapIoSpaceEx refuses two cache types at once");
    Expect(map(address, PAGE_SIZE, PAGE_READWRITE | PAGE_READONLY) == NULL,
           "MmMapIoSpaceEx refuses two protections at once");
}

static VOID MapOld(PVOID Mdl)
{
    (VOID) MmMapLockedPages(Mdl, UserMode);
}

static VOID MapForUser(PVOID Mdl)
{
    (VOID) MmMapLockedPagesSpecifyCache(Mdl, UserMode, MmCached, NULL, FALSE, NormalPagePriority);
}

static VOID CheckLockedViews(PMDL Mdl)
{
    PVOID view;

    ExpectStatus(TestCatch(MapOld, Mdl), STATUS_NOT_SUPPORTED,
                 "MmMapLockedPages raises for user mode, of which there is none");
    ExpectStatus(TestCatch(MapForUser, Mdl), STATUS_NOT_SUPPORTED,
                 "MmMapLockedPagesSpecifyCache raises for user mode, of which there is none");
    Expect((Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0, "and the MDL is not mapped then");
    view = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                        NormalPagePriority | MdlMappingNoWrite);
    Expect(view != NULL && MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority) == view,
           "MmMapLockedPagesSpecifyCache maps an MDL once");
    MmUnlockPages(Mdl);
    Expect((Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED)) == 0 &&
               !MmIsAddressValid(view),
           "MmUnlockPages ends the view of the pages, too");
}

/* ---- locking --------------------------------------------------------------------------------- */

typedef struct _LOCKING {
    PMDL Mdl;
    KPROCESSOR_MODE Mode;
    LOCK_OPERATION Operation;
} LOCKING;

static VOID Lock(PVOID Context)
{
    const LOCKING *locking = Context;

    MmProbeAndLockPages(locking->Mdl, locking->Mode, locking->Operation);
}

/* What locking two pages at an address raises. */
static NTSTATUS StatusOfLock(PVOID Address, KPROCESSOR_MODE Mode, LOCK_OPERATION Operation)
{
    LOCKING locking = {IoAllocateMdl(Address, PAGE_SIZE, FALSE, FALSE, NULL), Mode, Operation};
    NTSTATUS status;

    if (locking.Mdl == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = TestCatch(Lock, &locking);
    if (NT_SUCCESS(status))
        MmUnlockPages(locking.Mdl);
    else if (locking.Mdl->MdlFlags & MDL_PAGES_LOCKED)
        Expect(FALSE, "an MDL is not locked when that raised");
    IoFreeMdl(locking.Mdl);
    return status;
}

static VOID CheckLocking(VOID)
{
    PUCHAR pages = ExAllocatePoolWithTag(NonPagedPool, 2 * PAGE_SIZE, TEST_TAG);
    PVOID code = (PVOID)(ULONG_PTR)CheckLocking;
    PMDL mdl;

    if (pages == NULL) {
        Expect(FALSE, "there are pages to lock");
        return;
    }
    ExpectStatus(StatusOfLock(code, KernelMode, IoReadAccess), STATUS_SUCCESS,
                 "MmProbeAndLockPages locks code to be read");
    ExpectStatus(StatusOfLock(code, KernelMode, IoWriteAccess), STATUS_ACCESS_VIOLATION,
                 "MmProbeAndLockPages raises about pages that may not be written");
    ExpectStatus(StatusOfLock(code, KernelMode, IoModifyAccess), STATUS_ACCESS_VIOLATION,
                 "MmProbeAndLockPages: IoModifyAccess is as IoWriteAccess");
    ExpectStatus(StatusOfLock(NOWHERE, KernelMode, IoReadAccess), STATUS_ACCESS_VIOLATION,
                 "MmProbeAndLockPages raises about an address where nothing is");
    ExpectStatus(StatusOfLock((PVOID)(ULONG_PTR)0x10000, UserMode, IoReadAccess),
                 STATUS_ACCESS_VIOLATION, "MmProbeAndLockPages raises about user addresses");
    ExpectStatus(StatusOfLock(pages, UserMode, IoReadAccess), STATUS_ACCESS_VIOLATION,
                 "MmProbeAndLockPages raises about the system's memory for user mode");
    ExpectStatus(StatusOfLock(pages, KernelMode, IoWriteAccess), STATUS_SUCCESS,
                 "MmProbeAndLockPages locks it for kernel mode");
    mdl = IoAllocateMdl(pages, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    if (mdl != NULL) {
        MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
        CheckLockedViews(mdl);
        IoFreeMdl(mdl);
    }
    ExFreePoolWithTag(pages, TEST_TAG);
}

static VOID CheckRoutines(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"ZwClose"),
                   driver = RTL_CONSTANT_STRING(L"DriverEntry"), none = {0, 0, NULL};
    NTSTATUS(NTAPI * close)(HANDLE) = MmGetSystemRoutineAddress(&name);

    Expect(close != NULL && close((HANDLE)(ULONG_PTR)0x7FFFFFFC) == STATUS_INVALID_HANDLE,
           "MmGetSystemRoutineAddress finds an export, which can be called");
    Expect(MmGetSystemRoutineAddress(&driver) == NULL && MmGetSystemRoutineAddress(&none) == NULL,
           "MmGetSystemRoutineAddress gives NULL for what is not exported");
}

VOID CheckRefused(VOID)
{
    CheckContiguousMemory();
    CheckNonCached();
    CheckPagesForMdl();
    CheckIoSpace();
    CheckLocking();
    CheckRoutines();
}
