/*
 * io/dma_ex.c - what version 3 of DMA_OPERATIONS adds for bus masters.
 *
 * Here no request for a channel or a list ever waits: each is granted at once or fails, so there is
 * nothing to cancel, and DMA_SYNCHRONOUS_CALLBACK changes only how the result comes back. Parts for
 * system DMA (device offsets, completion routines, channel configuration) do not apply to a bus
 * master. WDK: DMA_OPERATIONS.
 *
 * Owns not: lists and bounce buffers themselves (io/dma_list.c, io/dma.c).
 */
#include <lib/bits.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/dma.h"

enum { DMA_FLAGS_KNOWN = DMA_SYNCHRONOUS_CALLBACK | DMA_ZERO_BUFFERS | DMA_FAIL_ON_BOUNCE };

static PVOID va_at(PMDL mdl, ULONGLONG offset)
{
    return (PUCHAR)MmGetMdlVirtualAddress(mdl) + offset;
}

NTSTATUS NTAPI io_dma_adapter_info(PDMA_ADAPTER public, PDMA_ADAPTER_INFO info)
{
    struct io_dma_adapter *adapter = CONTAINING_RECORD(public, struct io_dma_adapter, public);

    if (info->Version != DMA_ADAPTER_INFO_VERSION1)
        return STATUS_NOT_SUPPORTED;
    info->V1 = (DMA_ADAPTER_INFO_V1){
        .ScatterGatherLimit = UINT32_MAX,
        .DmaAddressWidth = bits_log2_floor(adapter->limit) + 1,
        .Flags = ADAPTER_INFO_SYNCHRONOUS_CALLBACK,
        .MinimumTransferUnit = 1,
    };
    return STATUS_SUCCESS;
}

/* As many elements and registers as pages, in the worst case. */
NTSTATUS NTAPI io_dma_transfer_info(PDMA_ADAPTER adapter, PMDL mdl, ULONGLONG offset, ULONG length,
                                    BOOLEAN write, PDMA_TRANSFER_INFO info)
{
    ULONG pages = 0, size;

    UNREFERENCED_PARAMETER(adapter);
    UNREFERENCED_PARAMETER(write);
    if (info->Version != DMA_TRANSFER_INFO_VERSION1 && info->Version != DMA_TRANSFER_INFO_VERSION2)
        return STATUS_NOT_SUPPORTED;
    for (; mdl != NULL && length != 0; mdl = mdl->Next) {
        ULONG count = MmGetMdlByteCount(mdl);

        if (offset >= count) {
            offset -= count;
            continue;
        }
        size = count - (ULONG)offset < length ? count - (ULONG)offset : length;
        pages += (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(va_at(mdl, offset), size);
        length -= size;
        offset = 0;
    }
    if (length != 0)
        return STATUS_INVALID_PARAMETER; /* past the end of the chain */
    info->V1.MapRegisterCount = pages;
    info->V1.ScatterGatherElementCount = pages;
    info->V1.ScatterGatherListSize =
        (ULONG)(sizeof(SCATTER_GATHER_LIST) + pages * sizeof(SCATTER_GATHER_ELEMENT));
    if (info->Version == DMA_TRANSFER_INFO_VERSION2)
        info->V2.LogicalPageCount = pages;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI io_dma_context_init(PDMA_ADAPTER adapter, PVOID context)
{
    UNREFERENCED_PARAMETER(adapter);
    memset(context, 0, DMA_TRANSFER_CONTEXT_SIZE_V1);
    return STATUS_SUCCESS;
}

PVOID NTAPI io_dma_allocate_common_ex(PDMA_ADAPTER public, PPHYSICAL_ADDRESS highest, ULONG length,
                                      PPHYSICAL_ADDRESS logical, BOOLEAN cached,
                                      NODE_REQUIREMENT node)
{
    struct io_dma_adapter within = *CONTAINING_RECORD(public, struct io_dma_adapter, public);
    PVOID buffer;

    UNREFERENCED_PARAMETER(cached); /* PCI DMA is coherent on x86 */
    UNREFERENCED_PARAMETER(node);   /* there is one */
    if (highest != NULL && (uint64_t)highest->QuadPart < within.limit)
        within.limit = (uint64_t)highest->QuadPart;
    buffer = io_dma_bounce_allocate(&within, length);
    if (buffer == NULL)
        return NULL;
    memset(buffer, 0, length);
    *logical = MmGetPhysicalAddress(buffer);
    return buffer;
}

/* ---- Channels ------------------------------------------------------------------------------- */

/* Without a routine the registers come back in *base; that needs DMA_SYNCHRONOUS_CALLBACK. */
NTSTATUS NTAPI io_dma_allocate_channel_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device,
                                          PVOID transfer, ULONG count, ULONG flags,
                                          PDRIVER_CONTROL routine, PVOID context, PVOID *base)
{
    UNREFERENCED_PARAMETER(transfer);
    if ((flags & ~(ULONG)DMA_FLAGS_KNOWN) != 0 ||
        (routine == NULL && (!(flags & DMA_SYNCHRONOUS_CALLBACK) || base == NULL)))
        return STATUS_INVALID_PARAMETER;
    if (routine != NULL)
        return adapter->DmaOperations->AllocateAdapterChannel(adapter, device, count, routine,
                                                              context);
    if (count > CONTAINING_RECORD(adapter, struct io_dma_adapter, public)->map_registers)
        return STATUS_INSUFFICIENT_RESOURCES;
    *base = io_allocate(sizeof(struct io_dma_registers), IO_TAG_DMA);
    return *base != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS NTAPI io_dma_configure(PDMA_ADAPTER adapter, ULONG function, PVOID context)
{
    UNREFERENCED_PARAMETER(adapter);
    UNREFERENCED_PARAMETER(function);
    UNREFERENCED_PARAMETER(context);
    return STATUS_NOT_SUPPORTED; /* a bus master has no channel to configure */
}

BOOLEAN NTAPI io_dma_cancel_channel(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID transfer)
{
    UNREFERENCED_PARAMETER(adapter);
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(transfer);
    return FALSE; /* none is pending */
}

/* A bus master's channel is never busy: registers are freed by FreeMapRegisters. */
VOID NTAPI io_dma_free_object(PDMA_ADAPTER adapter, IO_ALLOCATION_ACTION action)
{
    UNREFERENCED_PARAMETER(adapter);
    UNREFERENCED_PARAMETER(action);
}

/* ---- Transfers ------------------------------------------------------------------------------ */

/* Registers serve one transfer: another one through them replaces its buffer. */
static bool registers_bounce(struct io_dma_adapter *adapter, struct io_dma_registers *registers,
                             ULONG length)
{
    if (registers->bounce != NULL)
        MmFreeContiguousMemory(registers->bounce);
    registers->bounce = io_dma_bounce_allocate(adapter, length);
    registers->length = length;
    return registers->bounce != NULL;
}

/* As many runs as the list has room for; *length: the bytes they are. */
static void list_fill_runs(PSCATTER_GATHER_LIST list, ULONG room, struct io_dma_run *run,
                           ULONG *length)
{
    bool more = true;

    list->NumberOfElements = 0;
    *length = 0;
    while (more && list->NumberOfElements < room) {
        SCATTER_GATHER_ELEMENT *element = &list->Elements[list->NumberOfElements++];

        element->Address.QuadPart = (LONGLONG)run->address;
        element->Length = (ULONG)run->length;
        *length += element->Length;
        more = io_dma_run_next(run);
    }
}

NTSTATUS NTAPI io_dma_map_ex(PDMA_ADAPTER public, PMDL mdl, PVOID base, ULONGLONG offset,
                             ULONG device_offset, PULONG length, BOOLEAN write,
                             PSCATTER_GATHER_LIST list, ULONG list_length,
                             PDMA_COMPLETION_ROUTINE completion, PVOID completion_context)
{
    struct io_dma_adapter *adapter = CONTAINING_RECORD(public, struct io_dma_adapter, public);
    struct io_dma_registers *registers = base;
    PVOID va = va_at(mdl, offset);
    struct io_dma_run run;
    ULONG count;

    UNREFERENCED_PARAMETER(device_offset);
    UNREFERENCED_PARAMETER(completion);
    UNREFERENCED_PARAMETER(completion_context);
    if (list == NULL)
        return STATUS_INVALID_PARAMETER;
    if (list_length < sizeof(*list) + sizeof(SCATTER_GATHER_ELEMENT))
        return STATUS_BUFFER_TOO_SMALL;
    if (io_dma_reachable(adapter, mdl, va, *length, &count)) {
        if (!io_dma_run_first(&run, mdl, va, *length))
            return STATUS_INVALID_PARAMETER;
        list_fill_runs(list, (ULONG)((list_length - sizeof(*list)) / sizeof(list->Elements[0])),
                       &run, length);
        return STATUS_SUCCESS;
    }
    if (registers == NULL || !registers_bounce(adapter, registers, *length))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (write)
        io_dma_copy(mdl, va, registers->bounce, *length, true);
    list->NumberOfElements = 1;
    list->Elements[0].Address = MmGetPhysicalAddress(registers->bounce);
    list->Elements[0].Length = *length;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI io_dma_flush_ex(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, ULONGLONG offset,
                               ULONG length, BOOLEAN write)
{
    adapter->DmaOperations->FlushAdapterBuffers(adapter, mdl, base, va_at(mdl, offset), length,
                                                write);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI io_dma_cancel_mapped(PDMA_ADAPTER adapter, PVOID transfer)
{
    UNREFERENCED_PARAMETER(adapter);
    UNREFERENCED_PARAMETER(transfer);
    return STATUS_NOT_SUPPORTED; /* only the device itself can stop a bus master's transfer */
}

/* ---- Lists ---------------------------------------------------------------------------------- */

/* With DMA_SYNCHRONOUS_CALLBACK the list also comes back in *list, and a routine may be missing. */
NTSTATUS NTAPI io_dma_build_list_ex(PDMA_ADAPTER public, PDEVICE_OBJECT device, PVOID transfer,
                                    PMDL mdl, ULONGLONG offset, ULONG length, ULONG flags,
                                    PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write,
                                    PVOID buffer, ULONG buffer_length,
                                    PDMA_COMPLETION_ROUTINE completion, PVOID completion_context,
                                    PVOID list)
{
    struct io_dma_adapter *adapter = CONTAINING_RECORD(public, struct io_dma_adapter, public);
    PSCATTER_GATHER_LIST made = buffer;
    NTSTATUS status;
    ULONG count;

    UNREFERENCED_PARAMETER(transfer);
    UNREFERENCED_PARAMETER(completion);
    UNREFERENCED_PARAMETER(completion_context);
    if ((flags & ~(ULONG)DMA_FLAGS_KNOWN) != 0 ||
        (routine == NULL && (!(flags & DMA_SYNCHRONOUS_CALLBACK) || list == NULL)))
        return STATUS_INVALID_PARAMETER;
    if ((flags & DMA_FAIL_ON_BOUNCE) != 0 &&
        !io_dma_reachable(adapter, mdl, va_at(mdl, offset), length, &count))
        return STATUS_INSUFFICIENT_RESOURCES;
    status = io_dma_list_make(public, mdl, va_at(mdl, offset), length, write, &made, buffer_length);
    if (!NT_SUCCESS(status))
        return status;
    if (list != NULL)
        *(PSCATTER_GATHER_LIST *)list = made;
    if (routine != NULL)
        io_dma_list_deliver(device, made, routine, context);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI io_dma_get_list_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID transfer,
                                  PMDL mdl, ULONGLONG offset, ULONG length, ULONG flags,
                                  PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write,
                                  PDMA_COMPLETION_ROUTINE completion, PVOID completion_context,
                                  PSCATTER_GATHER_LIST *list)
{
    return io_dma_build_list_ex(adapter, device, transfer, mdl, offset, length, flags, routine,
                                context, write, NULL, 0, completion, completion_context, list);
}
