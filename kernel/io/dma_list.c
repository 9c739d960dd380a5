/*
 * io/dma_list.c - scatter/gather lists.
 *
 * A list has one element a physically contiguous run, or one for the bounce buffer where the device
 * cannot reach some page. The list's Reserved member points to what putting it back needs. The
 * driver's routine runs at once, at DISPATCH_LEVEL.
 */
#include <lib/string.h>

#include "io/alloc.h"
#include "io/dma.h"

/* Behind SCATTER_GATHER_LIST.Reserved. */
struct list_back {
    PMDL mdl;
    PVOID va;
    ULONG length;
    bool own;     /* the list is our memory, not the driver's */
    void *bounce; /* NULL: none */
};

static ULONG list_bytes(ULONG count)
{
    return (ULONG)(sizeof(SCATTER_GATHER_LIST) + count * sizeof(SCATTER_GATHER_ELEMENT));
}

static void list_fill(PSCATTER_GATHER_LIST list, const struct list_back *back)
{
    struct io_dma_run run;
    ULONG i = 0;
    bool more;

    if (back->bounce != NULL) {
        list->Elements[0].Address = MmGetPhysicalAddress(back->bounce);
        list->Elements[0].Length = back->length;
        list->NumberOfElements = 1;
        return;
    }
    for (more = io_dma_run_first(&run, back->mdl, back->va, back->length); more;
         more = io_dma_run_next(&run)) {
        list->Elements[i].Address.QuadPart = (LONGLONG)run.address;
        list->Elements[i].Length = (ULONG)run.length;
        i++;
    }
    list->NumberOfElements = i;
}

NTSTATUS io_dma_list_make(PDMA_ADAPTER public, PMDL mdl, PVOID va, ULONG length, bool write,
                          PSCATTER_GATHER_LIST *list, ULONG list_length)
{
    struct io_dma_adapter *adapter = CONTAINING_RECORD(public, struct io_dma_adapter, public);
    struct list_back *back;
    ULONG count;
    bool reachable;

    reachable = io_dma_reachable(adapter, mdl, va, length, &count);
    if (*list != NULL && list_length < list_bytes(reachable ? count : 1))
        return STATUS_BUFFER_TOO_SMALL;
    back = io_allocate(sizeof(*back), IO_TAG_DMA);
    if (back == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    *back = (struct list_back){.mdl = mdl, .va = va, .length = length, .own = *list == NULL};
    if (back->own)
        *list = io_allocate(list_bytes(count), IO_TAG_DMA);
    if (*list != NULL && !reachable)
        back->bounce = io_dma_bounce_allocate(adapter, length);
    if (*list == NULL || (!reachable && back->bounce == NULL)) {
        if (back->own)
            io_free(*list);
        io_free(back);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (back->bounce != NULL && write)
        io_dma_copy(mdl, va, back->bounce, length, true);
    list_fill(*list, back);
    (*list)->Reserved = (ULONG_PTR)back;
    return STATUS_SUCCESS;
}

void io_dma_list_deliver(PDEVICE_OBJECT device, PSCATTER_GATHER_LIST list,
                         PDRIVER_LIST_CONTROL routine, PVOID context)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    routine(device, device == NULL ? NULL : device->CurrentIrp, list, context);
    KeLowerIrql(irql);
}

NTSTATUS NTAPI io_dma_get_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID va,
                               ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context,
                               BOOLEAN write)
{
    return io_dma_build_list(adapter, device, mdl, va, length, routine, context, write, NULL, 0);
}

NTSTATUS NTAPI io_dma_build_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID va,
                                 ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context,
                                 BOOLEAN write, PVOID buffer, ULONG buffer_length)
{
    PSCATTER_GATHER_LIST list = buffer;
    NTSTATUS status = io_dma_list_make(adapter, mdl, va, length, write, &list, buffer_length);

    if (NT_SUCCESS(status))
        io_dma_list_deliver(device, list, routine, context);
    return status;
}

VOID NTAPI io_dma_put_list(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, BOOLEAN write)
{
    struct list_back *back = (struct list_back *)list->Reserved;

    UNREFERENCED_PARAMETER(adapter);
    if (back->bounce != NULL) {
        if (!write)
            io_dma_copy(back->mdl, back->va, back->bounce, back->length, false);
        MmFreeContiguousMemory(back->bounce);
    }
    if (back->own)
        io_free(list);
    io_free(back);
}

NTSTATUS NTAPI io_dma_list_size(PDMA_ADAPTER adapter, PMDL mdl, PVOID va, ULONG length, PULONG size,
                                PULONG map_registers)
{
    ULONG pages = 0;

    UNREFERENCED_PARAMETER(adapter);
    if (mdl == NULL) {
        pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, length);
    } else {
        for (; mdl != NULL; mdl = mdl->Next)
            pages +=
                ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(mdl), MmGetMdlByteCount(mdl));
    }
    *size = list_bytes(pages);
    if (map_registers != NULL)
        *map_registers = pages;
    return STATUS_SUCCESS;
}

/* ---- MDLs of lists -------------------------------------------------------------------------- */

/* Only the first element may begin within a page, only the last one end there. */
static bool list_is_pages(const SCATTER_GATHER_LIST *list, uint64_t *length)
{
    *length = 0;
    for (ULONG i = 0; i < list->NumberOfElements; i++) {
        const SCATTER_GATHER_ELEMENT *element = &list->Elements[i];
        uint64_t start = (uint64_t)element->Address.QuadPart;

        if ((i > 0 && start % PAGE_SIZE != 0) ||
            (i + 1 < list->NumberOfElements && (start + element->Length) % PAGE_SIZE != 0))
            return false;
        *length += element->Length;
    }
    return *length != 0 && *length <= UINT32_MAX;
}

/*
 * A new MDL of the pages the device is told, which are the bounce buffer's where there is one. The
 * driver frees it by IoFreeMdl before it puts the list back. STATUS_INVALID_PARAMETER: the list has
 * holes that an MDL cannot describe. WDK: BUILD_MDL_FROM_SCATTER_GATHER_LIST.
 */
NTSTATUS NTAPI io_dma_build_mdl(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, PMDL original,
                                PMDL *target)
{
    PFN_NUMBER *page;
    uint64_t length;
    PMDL mdl;

    UNREFERENCED_PARAMETER(adapter);
    UNREFERENCED_PARAMETER(original);
    if (list->NumberOfElements == 0 || !list_is_pages(list, &length))
        return STATUS_INVALID_PARAMETER;
    mdl = IoAllocateMdl((PVOID)(uintptr_t)(list->Elements[0].Address.QuadPart % PAGE_SIZE),
                        (ULONG)length, FALSE, FALSE, NULL);
    if (mdl == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    page = MmGetMdlPfnArray(mdl);
    for (ULONG i = 0; i < list->NumberOfElements; i++) {
        uint64_t first = (uint64_t)list->Elements[i].Address.QuadPart / PAGE_SIZE;
        uint64_t end = (uint64_t)list->Elements[i].Address.QuadPart + list->Elements[i].Length;

        for (uint64_t frame = first; frame * PAGE_SIZE < end; frame++)
            *page++ = frame;
    }
    mdl->MdlFlags |= MDL_PAGES_LOCKED;
    *target = mdl;
    return STATUS_SUCCESS;
}
