/*
 * io/mdl.c - MDLs as objects: allocation and partial descriptions. Locking and mapping pages is
 * mm's (mm/mdl.c).
 */
#include <lib/export.h>

#include "io/alloc.h"

enum { BUGCHECK_TARGET_MDL_TOO_SMALL = 0x40 }; /* WDK: bug check 0x40 */

/* WDK surface */

PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                         BOOLEAN ChargeQuota, PIRP Irp)
{
    PMDL mdl;
    PMDL last;

    UNREFERENCED_PARAMETER(ChargeQuota);
    mdl = io_allocate(MmSizeOfMdl(VirtualAddress, Length), IO_TAG_MDL);
    if (mdl == NULL)
        return NULL;
    MmInitializeMdl(mdl, VirtualAddress, Length);
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
    ULONG pages, first, i;

    if (Length == 0)
        Length = MmGetMdlByteCount(SourceMdl) - (ULONG)offset;
    pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length);
    if (pages > ((ULONG)TargetMdl->Size - sizeof(MDL)) / sizeof(PFN_NUMBER))
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
