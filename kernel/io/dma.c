/*
 * io/dma.c - DMA adapters of bus masters.
 *
 * Logical addresses are physical ones. A transfer whose pages the device can reach is mapped as it
 * is; one with a page above the device's limit goes through a bounce buffer below it: filled when
 * the transfer is mapped, copied back when it is flushed or put. Common buffers come from below the
 * limit to begin with.
 *
 * Owns: adapters, channels, common buffers, transfers by address. Lists: io/dma_list.c; what
 * version 3 adds: io/dma_ex.c. System DMA and slave devices: IoGetDmaAdapter answers NULL.
 */
#include "io/dma.h"

#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"

enum { DMA_ADDRESS_BITS_ISA = 24 };

static uint64_t adapter_limit(PDEVICE_DESCRIPTION description)
{
    ULONG bits = description->DmaAddressWidth;

    if (description->Version == DEVICE_DESCRIPTION_VERSION3 && bits != 0)
        return bits < 64 ? BIT(bits) - 1 : ~0ull;
    if (description->Dma64BitAddresses)
        return ~0ull;
    return description->Dma32BitAddresses ? UINT32_MAX : BIT(DMA_ADDRESS_BITS_ISA) - 1;
}

/* ---- Address runs of an MDL ----------------------------------------------------------------- */

bool io_dma_run_first(struct io_dma_run *run, PMDL mdl, PVOID va, ULONG length)
{
    ULONG_PTR offset = (ULONG_PTR)va - (ULONG_PTR)MmGetMdlVirtualAddress(mdl);

    while (mdl != NULL && offset >= MmGetMdlByteCount(mdl)) {
        offset -= MmGetMdlByteCount(mdl);
        mdl = mdl->Next;
    }
    run->mdl = mdl;
    run->offset = offset;
    run->left = length;
    return io_dma_run_next(run);
}

/* Bytes of this MDL from the offset that are physically contiguous, and their address. */
static uint64_t run_within(PMDL mdl, ULONG_PTR offset, uint64_t *address)
{
    PPFN_NUMBER pages = MmGetMdlPfnArray(mdl);
    ULONG_PTR at = offset + mdl->ByteOffset;
    ULONG_PTR page = at / PAGE_SIZE;
    ULONG_PTR end = mdl->ByteOffset + (ULONG_PTR)mdl->ByteCount;
    ULONG_PTR last = page;

    *address = (uint64_t)pages[page] * PAGE_SIZE + at % PAGE_SIZE;
    while ((last + 1) * PAGE_SIZE < end && pages[last + 1] == pages[last] + 1)
        last++;
    return ((last + 1) * PAGE_SIZE < end ? (last + 1) * PAGE_SIZE : end) - at;
}

bool io_dma_run_next(struct io_dma_run *run)
{
    uint64_t address;
    uint64_t length;

    run->length = 0;
    while (run->left != 0 && run->mdl != NULL) {
        length = run_within(run->mdl, run->offset, &address);
        if (length > run->left)
            length = run->left;
        if (run->length != 0 && address != run->address + run->length)
            return true;
        if (run->length == 0)
            run->address = address;
        run->length += length;
        run->left -= (ULONG)length;
        run->offset += length;
        if (run->offset == MmGetMdlByteCount(run->mdl)) {
            run->mdl = run->mdl->Next;
            run->offset = 0;
        }
    }
    return run->length != 0;
}

/* Copy between the described bytes and a buffer. */
void io_dma_copy(PMDL mdl, PVOID va, void *buffer, ULONG length, bool to_buffer)
{
    struct io_dma_run run;
    char *at = buffer;
    bool more;

    for (more = io_dma_run_first(&run, mdl, va, length); more; more = io_dma_run_next(&run)) {
        if (to_buffer)
            memcpy(at, hal_direct_map(run.address), run.length);
        else
            memcpy(hal_direct_map(run.address), at, run.length);
        at += run.length;
    }
}

bool io_dma_reachable(const struct io_dma_adapter *adapter, PMDL mdl, PVOID va, ULONG length,
                      ULONG *count)
{
    struct io_dma_run run;
    bool reachable = true;
    bool more;

    *count = 0;
    for (more = io_dma_run_first(&run, mdl, va, length); more; more = io_dma_run_next(&run)) {
        reachable &= run.address + run.length - 1 <= adapter->limit;
        (*count)++;
    }
    return reachable;
}

void *io_dma_bounce_allocate(const struct io_dma_adapter *adapter, ULONG length)
{
    PHYSICAL_ADDRESS highest = {.QuadPart = (LONGLONG)adapter->limit};

    return MmAllocateContiguousMemory(length, highest);
}

/* ---- Operations: adapter, common buffers, channel ------------------------------------------- */

static VOID NTAPI dma_put_adapter(PDMA_ADAPTER adapter)
{
    io_free(CONTAINING_RECORD(adapter, struct io_dma_adapter, public));
}

static PVOID NTAPI dma_allocate_common(PDMA_ADAPTER public, ULONG length, PPHYSICAL_ADDRESS logical,
                                       BOOLEAN cached)
{
    struct io_dma_adapter *adapter = CONTAINING_RECORD(public, struct io_dma_adapter, public);
    PVOID buffer = io_dma_bounce_allocate(adapter, length);

    UNREFERENCED_PARAMETER(cached); /* PCI DMA is coherent on x86 */
    if (buffer == NULL)
        return NULL;
    memset(buffer, 0, length);
    *logical = MmGetPhysicalAddress(buffer);
    return buffer;
}

static VOID NTAPI dma_free_common(PDMA_ADAPTER adapter, ULONG length, PHYSICAL_ADDRESS logical,
                                  PVOID buffer, BOOLEAN cached)
{
    UNREFERENCED_PARAMETER(adapter);
    UNREFERENCED_PARAMETER(length);
    UNREFERENCED_PARAMETER(logical);
    UNREFERENCED_PARAMETER(cached);
    MmFreeContiguousMemory(buffer);
}

static VOID NTAPI dma_free_registers(PDMA_ADAPTER adapter, PVOID base, ULONG count)
{
    struct io_dma_registers *registers = base;

    UNREFERENCED_PARAMETER(adapter);
    UNREFERENCED_PARAMETER(count);
    if (registers == NULL)
        return;
    if (registers->bounce != NULL)
        MmFreeContiguousMemory(registers->bounce);
    io_free(registers);
}

static NTSTATUS NTAPI dma_allocate_channel(PDMA_ADAPTER public, PDEVICE_OBJECT device, ULONG count,
                                           PDRIVER_CONTROL routine, PVOID context)
{
    struct io_dma_adapter *adapter = CONTAINING_RECORD(public, struct io_dma_adapter, public);
    struct io_dma_registers *registers;
    IO_ALLOCATION_ACTION action;

    if (count > adapter->map_registers)
        return STATUS_INSUFFICIENT_RESOURCES;
    registers = io_allocate(sizeof(*registers), IO_TAG_DMA);
    if (registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    action = routine(device, device->CurrentIrp, registers, context);
    if (action == DeallocateObject)
        dma_free_registers(public, registers, count);
    return STATUS_SUCCESS;
}

static VOID NTAPI dma_free_channel(PDMA_ADAPTER adapter)
{
    UNREFERENCED_PARAMETER(adapter); /* a bus master's channel is never busy */
}

static PHYSICAL_ADDRESS NTAPI dma_map_transfer(PDMA_ADAPTER public, PMDL mdl, PVOID base, PVOID va,
                                               PULONG length, BOOLEAN write)
{
    struct io_dma_adapter *adapter = CONTAINING_RECORD(public, struct io_dma_adapter, public);
    struct io_dma_registers *registers = base;
    PHYSICAL_ADDRESS logical = {0};
    struct io_dma_run run;

    if (!io_dma_run_first(&run, mdl, va, *length)) {
        *length = 0;
        return logical;
    }
    logical.QuadPart = (LONGLONG)run.address;
    *length = (ULONG)run.length;
    if (run.address + run.length - 1 <= adapter->limit || registers == NULL)
        return logical;
    if (registers->bounce != NULL)
        MmFreeContiguousMemory(registers->bounce);
    registers->bounce = io_dma_bounce_allocate(adapter, *length);
    registers->length = *length;
    if (registers->bounce == NULL) {
        *length = 0;
        return logical;
    }
    if (write)
        io_dma_copy(mdl, va, registers->bounce, *length, true);
    return MmGetPhysicalAddress(registers->bounce);
}

static BOOLEAN NTAPI dma_flush(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID va, ULONG length,
                               BOOLEAN write)
{
    struct io_dma_registers *registers = base;

    UNREFERENCED_PARAMETER(adapter);
    if (registers != NULL && registers->bounce != NULL && !write)
        io_dma_copy(mdl, va, registers->bounce,
                    length < registers->length ? length : registers->length, false);
    return TRUE;
}

static ULONG NTAPI dma_alignment(PDMA_ADAPTER adapter)
{
    UNREFERENCED_PARAMETER(adapter);
    return 1;
}

#define DMA_OPERATIONS_BEFORE_3                                                                    \
    .PutDmaAdapter = dma_put_adapter, .AllocateCommonBuffer = dma_allocate_common,                 \
    .FreeCommonBuffer = dma_free_common, .AllocateAdapterChannel = dma_allocate_channel,           \
    .FlushAdapterBuffers = dma_flush, .FreeAdapterChannel = dma_free_channel,                      \
    .FreeMapRegisters = dma_free_registers, .MapTransfer = dma_map_transfer,                       \
    .GetDmaAlignment = dma_alignment, .GetScatterGatherList = io_dma_get_list,                     \
    .PutScatterGatherList = io_dma_put_list, .CalculateScatterGatherList = io_dma_list_size,       \
    .BuildScatterGatherList = io_dma_build_list, .BuildMdlFromScatterGatherList = io_dma_build_mdl

/* ReadDmaCounter belongs to system DMA. */
static DMA_OPERATIONS dma_operations = {
    .Size = FIELD_OFFSET(DMA_OPERATIONS, GetDmaAdapterInfo),
    DMA_OPERATIONS_BEFORE_3,
};

static DMA_OPERATIONS dma_operations_3 = {
    .Size = sizeof(DMA_OPERATIONS),
    DMA_OPERATIONS_BEFORE_3,
    .GetDmaAdapterInfo = io_dma_adapter_info,
    .GetDmaTransferInfo = io_dma_transfer_info,
    .InitializeDmaTransferContext = io_dma_context_init,
    .AllocateCommonBufferEx = io_dma_allocate_common_ex,
    .AllocateAdapterChannelEx = io_dma_allocate_channel_ex,
    .ConfigureAdapterChannel = io_dma_configure,
    .CancelAdapterChannel = io_dma_cancel_channel,
    .MapTransferEx = io_dma_map_ex,
    .GetScatterGatherListEx = io_dma_get_list_ex,
    .BuildScatterGatherListEx = io_dma_build_list_ex,
    .FlushAdapterBuffersEx = io_dma_flush_ex,
    .FreeAdapterObject = io_dma_free_object,
    .CancelMappedTransfer = io_dma_cancel_mapped,
};

/* WDK surface */

PDMA_ADAPTER NTAPI IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
                                   PDEVICE_DESCRIPTION DeviceDescription,
                                   PULONG NumberOfMapRegisters)
{
    struct io_dma_adapter *adapter;
    bool is_3;

    UNREFERENCED_PARAMETER(PhysicalDeviceObject);
    if (DeviceDescription->Version > DEVICE_DESCRIPTION_VERSION3 || !DeviceDescription->Master)
        return NULL;
    adapter = io_allocate(sizeof(*adapter), IO_TAG_DMA);
    if (adapter == NULL)
        return NULL;
    adapter->limit = adapter_limit(DeviceDescription);
    adapter->map_registers =
        (ULONG)(ALIGN_UP(DeviceDescription->MaximumLength, PAGE_SIZE) / PAGE_SIZE) + 1;
    is_3 = DeviceDescription->Version == DEVICE_DESCRIPTION_VERSION3;
    adapter->public.Version = 1; /* whichever the operations' is: WDK: IoGetDmaAdapter */
    adapter->public.Size = sizeof(adapter->public);
    adapter->public.DmaOperations = is_3 ? &dma_operations_3 : &dma_operations;
    *NumberOfMapRegisters = adapter->map_registers;
    return &adapter->public;
}
LDR_EXPORT(IoGetDmaAdapter);
