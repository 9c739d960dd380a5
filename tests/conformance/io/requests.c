/*
 * requests.c - IRPs of one's own, MDLs, memory.
 */
#include "io.h"

VOID CheckRequests(VOID)
{
    PDEVICE_OBJECT device = TestDevices->Self;
    PIRP irp = IoAllocateIrp(3, FALSE);
    IO_STATUS_BLOCK block;
    LARGE_INTEGER offset;
    UCHAR bytes[16];
    KEVENT event;
    KIRQL irql;

    Expect(irp != NULL && irp->StackCount == 3 && irp->CurrentLocation == 4,
           "G-IO-10 an IRP has the stack locations that were asked for, none in use");
    Expect(irp->Type == IO_TYPE_IRP && irp->Size == IoSizeOfIrp(3) && !irp->Cancel &&
               irp->CancelRoutine == NULL,
           "G-IO-10 and is initialised");
    IoAcquireCancelSpinLock(&irql);
    ExpectEqual(KeGetCurrentIrql(), DISPATCH_LEVEL,
                "G-IO-30 the cancel lock is held at DISPATCH_LEVEL");
    IoReleaseCancelSpinLock(irql);
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL, "G-IO-31 and given back with the IRQL");
    Expect(!IoCancelIrp(irp) && irp->Cancel,
           "G-IO-29 cancelling an IRP without a routine only marks it");
    IoReuseIrp(irp, STATUS_TIMEOUT);
    Expect(irp->IoStatus.Status == STATUS_TIMEOUT && !irp->Cancel && irp->CurrentLocation == 4,
           "G-IO-12 IoReuseIrp starts anew with the status given");
    IoFreeIrp(irp);
    offset.QuadPart = 0x1234;
    irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, device, bytes, sizeof(bytes), &offset, &block);
    Expect(irp != NULL && IoGetNextIrpStackLocation(irp)->MajorFunction == IRP_MJ_READ &&
               IoGetNextIrpStackLocation(irp)->Parameters.Read.Length == sizeof(bytes) &&
               IoGetNextIrpStackLocation(irp)->Parameters.Read.ByteOffset.QuadPart == 0x1234,
           "G-IO-16 a read is built with length and offset");
    if (irp != NULL)
        IoFreeIrp(irp);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(IOCTL_TEST_RUN + 0x4000, device, bytes, 4, bytes, 8, FALSE,
                                        &event, &block);
    Expect(irp != NULL && irp->AssociatedIrp.SystemBuffer != NULL &&
               IoGetNextIrpStackLocation(irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL &&
               IoGetNextIrpStackLocation(irp)->Parameters.DeviceIoControl.OutputBufferLength == 8,
           "G-IO-14 a buffered control request is built with its buffer");
    if (irp != NULL) {
        NTSTATUS status = IoCallDriver(device, irp);

        if (status == STATUS_PENDING)
            KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        Expect(!NT_SUCCESS(block.Status) && KeReadStateEvent(&event) != 0,
               "G-IO-14 its completion sets the event and the status block");
    }
}

/* ---- MDLs ------------------------------------------------------------------------------------ */

VOID CheckMdls(VOID)
{
    PUCHAR pages = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, TEST_TAG);
    PMDL mdl, partial;

    if (pages == NULL) {
        Expect(FALSE, "three pages of pool can be had");
        return;
    }
    ExpectEqual(MmSizeOfMdl(pages + 1, PAGE_SIZE), sizeof(MDL) + 2 * sizeof(PFN_NUMBER),
                "MmSizeOfMdl counts each page touched");
    mdl = IoAllocateMdl(pages + 16, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    partial = IoAllocateMdl(pages + PAGE_SIZE, 100, FALSE, FALSE, NULL);
    Expect(MmGetMdlByteCount(mdl) == 2 * PAGE_SIZE && MmGetMdlByteOffset(mdl) == 16 &&
               MmGetMdlVirtualAddress(mdl) == pages + 16,
           "G-IO-58 an MDL describes the buffer");
    MmBuildMdlForNonPagedPool(mdl);
    Expect(MmGetMdlPfnArray(mdl)[1] ==
               (PFN_NUMBER)(MmGetPhysicalAddress(pages + PAGE_SIZE).QuadPart >> PAGE_SHIFT),
           "MmBuildMdlForNonPagedPool fills in the pages");
    Expect(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == pages + 16,
           "and its system address is the buffer's");
    IoBuildPartialMdl(mdl, partial, pages + PAGE_SIZE, 100);
    Expect(MmGetMdlByteCount(partial) == 100 &&
               MmGetMdlPfnArray(partial)[0] == MmGetMdlPfnArray(mdl)[1],
           "G-IO-60 a partial MDL describes a part of it");
    IoFreeMdl(partial);
    MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
    Expect((mdl->MdlFlags & MDL_PAGES_LOCKED) != 0, "MmProbeAndLockPages locks");
    MmUnlockPages(mdl);
    Expect((mdl->MdlFlags & MDL_PAGES_LOCKED) == 0, "MmUnlockPages unlocks");
    IoFreeMdl(mdl);
    ExFreePoolWithTag(pages, TEST_TAG);
}

static VOID CheckPages(VOID)
{
    PHYSICAL_ADDRESS low = {{0, 0}}, high, skip = {{0, 0}};
    PMDL mdl;
    PUCHAR view;

    high.QuadPart = 0xFFFFFFFF;
    mdl = MmAllocatePagesForMdl(low, high, skip, 2 * PAGE_SIZE);
    Expect(mdl != NULL && MmGetMdlByteCount(mdl) == 2 * PAGE_SIZE,
           "MmAllocatePagesForMdl gives pages below a limit");
    if (mdl == NULL)
        return;
    Expect(MmGetMdlPfnArray(mdl)[0] < 0x100000 && MmGetMdlPfnArray(mdl)[1] < 0x100000,
           "all of them below it");
    view = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    Expect(view != NULL && view[0] == 0 && view[2 * PAGE_SIZE - 1] == 0, "mapped they are zero");
    MmUnmapLockedPages(view, mdl);
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
}

VOID CheckMemory(VOID)
{
    PHYSICAL_ADDRESS highest;
    PVOID block;

    CheckPages();
    highest.QuadPart = 0xFFFFFF;
    block = MmAllocateContiguousMemory(3 * PAGE_SIZE, highest);
    Expect(block != NULL && MmGetPhysicalAddress(block).QuadPart + 3 * PAGE_SIZE <= 0x1000000,
           "contiguous memory lies below its limit");
    if (block != NULL) {
        ExpectEqual((ULONG64)MmGetPhysicalAddress((PUCHAR)block + 2 * PAGE_SIZE).QuadPart,
                    (ULONG64)MmGetPhysicalAddress(block).QuadPart + 2 * PAGE_SIZE,
                    "and is contiguous");
        MmFreeContiguousMemory(block);
    }
    block = MmAllocateNonCachedMemory(PAGE_SIZE);
    Expect(block != NULL && BYTE_OFFSET(block) == 0, "non-cached memory comes in pages");
    if (block != NULL)
        MmFreeNonCachedMemory(block, PAGE_SIZE);
    Expect(MmIsAddressValid(&highest) && !MmIsAddressValid(NULL),
           "MmIsAddressValid tells what is mapped");
    Expect(MmQuerySystemSize() <= MmLargeSystem, "the system has a size");
    Expect(*(PULONG64)TestRoutine(L"MmUserProbeAddress") < (ULONG_PTR)&highest,
           "MmUserProbeAddress is below the system's memory");
}
