/*
 * physical_wdk.c - which physical memory there is, and copies of it for drivers that look at it.
 */
#include <hal/hal.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntddk.h>

#include "mm/init.h"
#include "mm/mm.h"
#include "mm/ranges.h"

#define RANGES_TAG 0x6152684Du /* "MhRa" as it reads in memory: the caller frees it */

/* Where the bytes of a page can be read; NULL: it is no RAM, or not mapped. */
static const void *readable(ULONG flags, uint64_t address)
{
    phys_addr_t physical = address;

    if (flags == MM_COPY_MEMORY_VIRTUAL && !hal_page_query(address, &physical, NULL))
        return NULL;
    if (!mm_page_is_ram(physical))
        return NULL; /* reading a register may do something */
    return flags == MM_COPY_MEMORY_PHYSICAL ? hal_direct_map(address) : (const void *)address;
}

/* WDK surface */

/*
 * Copies up to the first page that cannot be read: then STATUS_ACCESS_VIOLATION, and
 * *NumberOfBytesTransferred tells how far it came. IRQL <= APC_LEVEL. WDK: MmCopyMemory
 */
NTSTATUS NTAPI MmCopyMemory(PVOID TargetAddress, MM_COPY_ADDRESS SourceAddress,
                            SIZE_T NumberOfBytes, ULONG Flags, PSIZE_T NumberOfBytesTransferred)
{
    uint64_t source = (uint64_t)SourceAddress.PhysicalAddress.QuadPart;
    SIZE_T done = 0;

    *NumberOfBytesTransferred = 0;
    if (Flags != MM_COPY_MEMORY_PHYSICAL && Flags != MM_COPY_MEMORY_VIRTUAL)
        return STATUS_INVALID_PARAMETER;
    while (done < NumberOfBytes) {
        SIZE_T part = PAGE_SIZE - (source + done) % PAGE_SIZE;
        const void *from = readable(Flags, source + done);

        if (from == NULL)
            break;
        if (part > NumberOfBytes - done)
            part = NumberOfBytes - done;
        memcpy((PUCHAR)TargetAddress + done, from, part);
        done += part;
    }
    *NumberOfBytesTransferred = done;
    return done == NumberOfBytes ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
}
LDR_EXPORT(MmCopyMemory);

/* For ExFreePool; a range of nothing ends it. NULL: no memory. IRQL = PASSIVE_LEVEL. */
PPHYSICAL_MEMORY_RANGE NTAPI MmGetPhysicalMemoryRanges(VOID)
{
    const struct mm_ranges *ram = mm_ram_ranges();
    PPHYSICAL_MEMORY_RANGE result =
        ExAllocatePoolWithTag(NonPagedPoolNx, (ram->count + 1) * sizeof(*result), RANGES_TAG);

    if (result == NULL)
        return NULL;
    for (uint32_t i = 0; i < ram->count; i++) {
        result[i].BaseAddress.QuadPart = (LONGLONG)ram->range[i].base;
        result[i].NumberOfBytes.QuadPart = (LONGLONG)(ram->range[i].end - ram->range[i].base);
    }
    result[ram->count] = (PHYSICAL_MEMORY_RANGE){.NumberOfBytes = {.QuadPart = 0}};
    return result;
}
LDR_EXPORT(MmGetPhysicalMemoryRanges);
