/*
 * images.c - what of a driver's image can be paged out, and how that is prevented. Nothing is paged
 * here, so that what these routines promise holds before and after; the promises are the cases.
 */
#include "memory.h"

#define PAGED_CODE_SECTION __attribute__((section("PAGE"), noinline))
#define PAGED_DATA_SECTION __attribute__((section("PAGED")))

static PAGED_DATA_SECTION ULONG PagedData = 0x600DDA7A;

static PAGED_CODE_SECTION ULONG PagedRoutine(ULONG Value)
{
    return Value ^ PagedData;
}

static BOOLEAN IsUsableAtDispatch(VOID)
{
    BOOLEAN right;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    right = PagedRoutine(0) == 0x600DDA7A && MmIsAddressValid(&PagedData);
    KeLowerIrql(irql);
    return right;
}

VOID CheckImages(VOID)
{
    PVOID code, data, base;

    code = MmLockPagableDataSection((PVOID)PagedRoutine);
    data = MmLockPagableDataSection(&PagedData);
    Expect(code != NULL && data != NULL, "MmLockPagableDataSection gives a handle");
    Expect(IsUsableAtDispatch(), "a locked section can be used at DISPATCH_LEVEL");
    MmLockPagableSectionByHandle(code);
    MmUnlockPagableImageSection(code);
    Expect(IsUsableAtDispatch(), "a section that was locked twice stays locked when unlocked once");
    MmUnlockPagableImageSection(code);
    MmUnlockPagableImageSection(data);
    Expect(PagedRoutine(1) == (0x600DDA7A ^ 1), "an unlocked one can be used below that");
    base = MmPageEntireDriver((PVOID)CheckImages);
    Expect(base == TestDriver->DriverStart, "MmPageEntireDriver gives the image's base address");
    Expect(PagedRoutine(2) == (0x600DDA7A ^ 2), "a driver that may be paged out goes on to run");
    MmResetDriverPaging((PVOID)CheckImages);
    Expect(IsUsableAtDispatch(), "after MmResetDriverPaging it is as it was loaded");
    Expect(MmPageEntireDriver(&base) == NULL, "an address outside of all images belongs to none");
}
