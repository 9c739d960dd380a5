/*
 * io/mdl.c - MDLs as objects: allocation and partial descriptions. Locking and mapping pages is
 * mm's (mm/mdl.c).
 */
#include <lib/export.h>

#include "io/alloc.h"

enum {
    BUGCHECK_TARGET_MDL_TOO_SMALL = 0x40, /* WDK: bug check 0x40 */
    MDL_SIZE_MAX = 0xFFF8,                /* what Size, of 16 bits, can tell: that or more */
};

#define MDL_LENGTH_MAX (0x100000000ull - PAGE_SIZE) /* WDK: IoAllocateMdl */

/* WDK surface */

/* IRQL <= DISPATCH_LEVEL. NULL: no memory, or the buffer is longer than any MDL describes. */
PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                         BOOLEAN ChargeQuota, PIRP Irp)
{
    size_t size = MmSizeOfMdl(VirtualAddress, Length);
    PMDL mdl;
    PMDL last;

    UNREFERENCED_PARAMETER(ChargeQuota);
    if (Length > MDL_LENGTH_MAX)
        return NULL;
    mdl = io_allocate(size, IO_TAG_MDL);
    if (mdl == NULL)
        return NULL;
    MmInitializeMdl(mdl, VirtualAddress, Length);
    if (size > MDL_SIZE_MAX)
        mdl->Size = (CSHORT)MDL_SIZE_MAX;
    if (Irp == NULL)
        return mdl;
    if (!SecondaryBuffer || Irp->MdlAddress == NULL) {
        Irp->MdlAddress = mdl;
    } else {
        for (last = Irp->MdlAddress; last->Next != NULL;)
            last = last->Next;
        last->Next = mdl;
    }
    return mdl;
}
LDR_EXPORT(IoAllocateMdl);

VOID NTAPI IoFreeMdl(PMDL Mdl)
{
    if ((Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED) != 0)
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    io_free(Mdl);
}
LDR_EXPORT(IoFreeMdl);

VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    const CSHORT inherited = MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL | MDL_IO_SPACE;
    ULONG_PTR offset = (ULONG_PTR)VirtualAddress - (ULONG_PTR)MmGetMdlVirtualAddress(SourceMdl);
    USHORT size = (USHORT)TargetMdl->Size;
    ULONG pages, first, i;

    if (Length == 0)
        Length = MmGetMdlByteCount(SourceMdl) - (ULONG)offset;
    pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length);
    if (size < MDL_SIZE_MAX && pages > (size - sizeof(MDL)) / sizeof(PFN_NUMBER))
        KeBugCheckEx(BUGCHECK_TARGET_MDL_TOO_SMALL, 0, 0, 0, 0);
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = Length;
    TargetMdl->Process = SourceMdl->Process;
    TargetMdl->MdlFlags &= MDL_ALLOCATED_FIXED_SIZE;
    TargetMdl->MdlFlags |= (SourceMdl->MdlFlags & inherited) | MDL_PARTIAL;
    TargetMdl->MappedSystemVa = (SourceMdl->MdlFlags & inherited & ~MDL_IO_SPACE) != 0
                                    ? (PUCHAR)SourceMdl->MappedSystemVa + offset
                                    : NULL;
    first = (ULONG)(((ULONG_PTR)PAGE_ALIGN(VirtualAddress) - (ULONG_PTR)SourceMdl->StartVa) /
                    PAGE_SIZE);
    for (i = 0; i < pages; i++)
        MmGetMdlPfnArray(TargetMdl)[i] = MmGetMdlPfnArray(SourceMdl)[first + i];
}
LDR_EXPORT(IoBuildPartialMdl);
