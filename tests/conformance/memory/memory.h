/*
 * memory.h - what the files of the memory driver share.
 *
 *   memory.c      the group, the bounds of memory, bug checks
 *   pages.c       MmAllocatePagesForMdlEx
 *   contiguous.c  contiguous memory by node
 *   views.c       mappings of MDLs and of device memory
 *   images.c      sections of driver images
 *   refused.c     what cannot be had, mapped or locked
 */
#pragma once

#include "suite.h"

static inline PHYSICAL_ADDRESS Physical(ULONG64 Address)
{
    PHYSICAL_ADDRESS physical;

    physical.QuadPart = (LONGLONG)Address;
    return physical;
}

#ifndef MdlMappingNoWrite /* mingw-w64's headers lack it */
#define MdlMappingNoWrite 0x80000000
#endif

typedef PVOID(NTAPI *MAP_IO_SPACE_EX)(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                                      ULONG Protect);

/* Where the edu's registers are. */
PHYSICAL_ADDRESS RegistersAddress(VOID);

VOID CheckPages(VOID);
VOID CheckContiguous(VOID);
VOID CheckViews(VOID);
VOID CheckImages(VOID);
VOID CheckRefused(VOID);
