/*
 * wdk.c - the Mm routines that need no more than a line of mm each: device mappings, addresses, the
 * size of the system, and the paging of driver images.
 *
 * Driver images are never paged. The routines that lock a section therefore have nothing to do but
 * what they promise: the section is resident from then on, as it was before; the handle is its
 * address.
 */
#include <hal/upcall.h>
#include <lib/bits.h>
#include <lib/export.h>
#include <nt/wdm.h>

#include "mm/address.h"
#include "mm/init.h"
#include "mm/mm.h"

/* MM_SYSTEMSIZE by memory: our own bounds, Windows' are not documented. */
#define SMALL_SYSTEM_MAX (128ull << 20)
#define MEDIUM_SYSTEM_MAX (1ull << 30)

/* RAM is always cached, as its direct map is: a second view must not differ. */
static uint32_t io_cache_flags(phys_addr_t physical, MEMORY_CACHING_TYPE type)
{
    if (type == MmCached || mm_page_is_ram(physical)) {
        return 0;
    }
    return type == MmWriteCombined || type == MmUSWCCached ? HAL_PAGE_WRITE_COMBINED
                                                           : HAL_PAGE_UNCACHED;
}

/* WDK surface */

PVOID NTAPI MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                         MEMORY_CACHING_TYPE CacheType)
{
    phys_addr_t physical = (phys_addr_t)PhysicalAddress.QuadPart;

    return mm_io_map_flags(physical, NumberOfBytes,
                           HAL_PAGE_WRITE | io_cache_flags(physical, CacheType));
}
LDR_EXPORT(MmMapIoSpace);

/*
 * IRQL <= DISPATCH_LEVEL. NULL: no addresses, no bytes, not one protection, or both cache types;
 * PAGE_EXECUTE_READWRITE: nothing is both writable and executable. WDK: MmMapIoSpaceEx
 */
PVOID NTAPI MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, ULONG Protect)
{
    phys_addr_t physical = (phys_addr_t)PhysicalAddress.QuadPart;
    MEMORY_CACHING_TYPE type = MmCached;
    uint32_t access;

    switch (Protect & (PAGE_NOCACHE | PAGE_WRITECOMBINE)) {
    case PAGE_NOCACHE:
        type = MmNonCached;
        break;
    case PAGE_WRITECOMBINE:
        type = MmWriteCombined;
        break;
    case PAGE_NOCACHE | PAGE_WRITECOMBINE:
        return NULL;
    }
    switch (Protect & ~(ULONG)(PAGE_NOCACHE | PAGE_WRITECOMBINE)) {
    case PAGE_READONLY:
        access = HAL_PAGE_READ;
        break;
    case PAGE_READWRITE:
        access = HAL_PAGE_WRITE;
        break;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
        access = HAL_PAGE_EXECUTE;
        break;
    default:
        return NULL;
    }
    return mm_io_map_flags(physical, NumberOfBytes, access | io_cache_flags(physical, type));
}
LDR_EXPORT(MmMapIoSpaceEx);

VOID NTAPI MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    UNREFERENCED_PARAMETER(NumberOfBytes); /* the mapping knows its length */
    mm_io_unmap(BaseAddress);
}
LDR_EXPORT(MmUnmapIoSpace);

PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID BaseAddress)
{
    PHYSICAL_ADDRESS result = {.QuadPart = 0};
    phys_addr_t physical;

    if (hal_page_query((uintptr_t)BaseAddress, &physical, NULL)) {
        result.QuadPart = (LONGLONG)physical;
    }
    return result;
}
LDR_EXPORT(MmGetPhysicalAddress);

PVOID NTAPI MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress)
{
    phys_addr_t physical = (phys_addr_t)PhysicalAddress.QuadPart;

    return mm_page_is_ram(physical) ? hal_direct_map(physical) : NULL;
}
LDR_EXPORT(MmGetVirtualForPhysical);

BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
    return mm_address_is_valid((uintptr_t)VirtualAddress);
}
LDR_EXPORT(MmIsAddressValid);

MM_SYSTEMSIZE NTAPI MmQuerySystemSize(VOID)
{
    uint64_t size = mm_ranges_size(mm_ram_ranges());

    return size <= SMALL_SYSTEM_MAX    ? MmSmallSystem
           : size <= MEDIUM_SYSTEM_MAX ? MmMediumSystem
                                       : MmLargeSystem;
}
LDR_EXPORT(MmQuerySystemSize);

PVOID NTAPI MmLockPagableDataSection(PVOID AddressWithinSection)
{
    return AddressWithinSection;
}
LDR_EXPORT(MmLockPagableDataSection);

VOID NTAPI MmLockPagableSectionByHandle(PVOID ImageSectionHandle)
{
    UNREFERENCED_PARAMETER(ImageSectionHandle);
}
LDR_EXPORT(MmLockPagableSectionByHandle);

VOID NTAPI MmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
    UNREFERENCED_PARAMETER(ImageSectionHandle);
}
LDR_EXPORT(MmUnlockPagableImageSection);

PVOID NTAPI MmPageEntireDriver(PVOID AddressWithinSection)
{
    struct mm_area area;

    if (mm_area_containing((uintptr_t)AddressWithinSection, &area) && area.kind == MM_AREA_IMAGE) {
        return (PVOID)area.address;
    }
    return NULL;
}
LDR_EXPORT(MmPageEntireDriver);

VOID NTAPI MmResetDriverPaging(PVOID AddressWithinSection)
{
    UNREFERENCED_PARAMETER(AddressWithinSection);
}
LDR_EXPORT(MmResetDriverPaging);

/*
 * The exported object is a BOOLEAN by Windows' own import library and a PBOOLEAN by mingw's
 * headers: a pointer to an odd address, where a TRUE stands, is true read either way.
 */
static BOOLEAN mm_physical_is_64_bit[2] __attribute__((aligned(2))) = {TRUE, TRUE};
PBOOLEAN Mm64BitPhysicalAddress = &mm_physical_is_64_bit[1];
LDR_EXPORT_DATA(Mm64BitPhysicalAddress);

/* Raise about what no user address may be; nothing is mapped there, so only writing finds out. */
static void probe(uint64_t address, uint64_t length, uint32_t alignment)
{
    if ((address & (alignment - 1)) != 0)
        ke_raise_status(STATUS_DATATYPE_MISALIGNMENT);
    if (address + length < address || address + length > MmUserProbeAddress)
        ke_raise_status(STATUS_ACCESS_VIOLATION);
}

VOID NTAPI ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    if (Length != 0)
        probe((uint64_t)Address, Length, Alignment);
}
LDR_EXPORT(ProbeForRead);

/* A byte of each page is read and written back. */
VOID NTAPI ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    uint64_t first = (uint64_t)Address;

    if (Length == 0)
        return;
    probe(first, Length, Alignment);
    for (uint64_t at = first; at < first + Length; at = (at | (PAGE_SIZE - 1)) + 1) {
        volatile uint8_t *byte = (volatile uint8_t *)at;
        uint8_t value = *byte;

        *byte = value;
    }
}
LDR_EXPORT(ProbeForWrite);

PVOID MmHighestUserAddress = (PVOID)0x7FFFFFFEFFFF;
LDR_EXPORT_DATA(MmHighestUserAddress);

PVOID MmSystemRangeStart = (PVOID)0xFFFF800000000000;
LDR_EXPORT_DATA(MmSystemRangeStart);

ULONG64 MmUserProbeAddress = 0x7FFFFFFF0000;
LDR_EXPORT_DATA(MmUserProbeAddress);
