/*
 * io/dma.h - what the parts of DMA support share: dma.c (adapters, channels), dma_list.c
 * (scatter/gather lists) and dma_ex.c (what version 3 adds).
 */
#pragma once

#include <hal/hal.h>
#include <nt/wdm.h>

struct io_dma_adapter {
    DMA_ADAPTER public;
    uint64_t limit; /* last address the device reaches */
    ULONG map_registers;
};

/* What stands behind a MapRegisterBase: the bounce buffer of the transfer, once one is needed. */
struct io_dma_registers {
    void *bounce;
    ULONG length;
};

/* Physically contiguous runs of [va, va + length) of an MDL chain. */
struct io_dma_run {
    PMDL mdl;
    ULONG_PTR offset;
    ULONG left;
    uint64_t address; /* the run */
    uint64_t length;
};

bool io_dma_run_first(struct io_dma_run *run, PMDL mdl, PVOID va, ULONG length);
bool io_dma_run_next(struct io_dma_run *run);

void io_dma_copy(PMDL mdl, PVOID va, void *buffer, ULONG length, bool to_buffer);
/* Can the device reach all of it? *count: runs. */
bool io_dma_reachable(const struct io_dma_adapter *adapter, PMDL mdl, PVOID va, ULONG length,
                      ULONG *count);
/* Contiguous memory that the device reaches; freed by MmFreeContiguousMemory. */
void *io_dma_bounce_allocate(const struct io_dma_adapter *adapter, ULONG length);

/*
 * A list of the bytes from va on. *list in: the driver's memory of list_length bytes, or NULL to
 * allocate it; out: the list. STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS io_dma_list_make(PDMA_ADAPTER public, PMDL mdl, PVOID va, ULONG length, bool write,
                          PSCATTER_GATHER_LIST *list, ULONG list_length);
/* Call the driver's routine at DISPATCH_LEVEL. */
void io_dma_list_deliver(PDEVICE_OBJECT device, PSCATTER_GATHER_LIST list,
                         PDRIVER_LIST_CONTROL routine, PVOID context);

NTSTATUS NTAPI io_dma_get_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID va,
                               ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context,
                               BOOLEAN write);
VOID NTAPI io_dma_put_list(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, BOOLEAN write);
NTSTATUS NTAPI io_dma_list_size(PDMA_ADAPTER adapter, PMDL mdl, PVOID va, ULONG length, PULONG size,
                                PULONG map_registers);
NTSTATUS NTAPI io_dma_build_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID va,
                                 ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context,
                                 BOOLEAN write, PVOID buffer, ULONG buffer_length);
NTSTATUS NTAPI io_dma_build_mdl(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, PMDL original,
                                PMDL *target);

/* dma_ex.c: the routines of version 3, as the WDK has them. */
NTSTATUS NTAPI io_dma_adapter_info(PDMA_ADAPTER adapter, PDMA_ADAPTER_INFO info);
NTSTATUS NTAPI io_dma_transfer_info(PDMA_ADAPTER adapter, PMDL mdl, ULONGLONG offset, ULONG length,
                                    BOOLEAN write, PDMA_TRANSFER_INFO info);
NTSTATUS NTAPI io_dma_context_init(PDMA_ADAPTER adapter, PVOID context);
PVOID NTAPI io_dma_allocate_common_ex(PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS highest, ULONG length,
                                      PPHYSICAL_ADDRESS logical, BOOLEAN cached,
                                      NODE_REQUIREMENT node);
NTSTATUS NTAPI io_dma_allocate_channel_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device,
                                          PVOID transfer, ULONG count, ULONG flags,
                                          PDRIVER_CONTROL routine, PVOID context, PVOID *base);
NTSTATUS NTAPI io_dma_configure(PDMA_ADAPTER adapter, ULONG function, PVOID context);
BOOLEAN NTAPI io_dma_cancel_channel(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID transfer);
NTSTATUS NTAPI io_dma_map_ex(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, ULONGLONG offset,
                             ULONG device_offset, PULONG length, BOOLEAN write,
                             PSCATTER_GATHER_LIST list, ULONG list_length,
                             PDMA_COMPLETION_ROUTINE completion, PVOID completion_context);
NTSTATUS NTAPI io_dma_get_list_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID transfer,
                                  PMDL mdl, ULONGLONG offset, ULONG length, ULONG flags,
                                  PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write,
                                  PDMA_COMPLETION_ROUTINE completion, PVOID completion_context,
                                  PSCATTER_GATHER_LIST *list);
NTSTATUS NTAPI io_dma_build_list_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID transfer,
                                    PMDL mdl, ULONGLONG offset, ULONG length, ULONG flags,
                                    PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write,
                                    PVOID buffer, ULONG buffer_length,
                                    PDMA_COMPLETION_ROUTINE completion, PVOID completion_context,
                                    PVOID list);
NTSTATUS NTAPI io_dma_flush_ex(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, ULONGLONG offset,
                               ULONG length, BOOLEAN write);
VOID NTAPI io_dma_free_object(PDMA_ADAPTER adapter, IO_ALLOCATION_ACTION action);
NTSTATUS NTAPI io_dma_cancel_mapped(PDMA_ADAPTER adapter, PVOID transfer);
