/*
 * io/dma.h - what the two halves of DMA support share: dma.c (adapters, channels) and dma_list.c
 * (scatter/gather lists).
 */
#pragma once

#include <hal/hal.h>
#include <nt/wdm.h>

struct io_dma_adapter {
    DMA_ADAPTER public;
    uint64_t limit; /* last address the device reaches */
    ULONG map_registers;
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
