/*
 * ex/section_zw.c - views of \\Device\\PhysicalMemory, the one section there is.
 *
 * Programs that read firmware tables and device registers have drivers map them for them. A view
 * begins at a multiple of 64 KiB, as on Windows: SectionOffset is rounded down and told, and the
 * caller adds the difference. RAM is mapped by the kernel already, cached: another cache type
 * conflicts with that. Other memory is mapped as Protect says.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "ex/memory_zw.h"
#include "ke/ob.h"
#include "mm/init.h"
#include "mm/pool.h"
#include "mm/ranges.h"

#define VIEW_TAG MM_TAG("ZwSe")

enum {
    VIEW_GRANULARITY = 64 * 1024,
    ZERO_BITS_MAX = 21, /* ZeroBits must be less */
};

struct view {
    LIST_ENTRY entry;
    ULONG_PTR base; /* as MmMapIoSpaceEx gave it */
    SIZE_T size;
};

static const struct _OBJECT_TYPE section_type = {.name = "Section"};

static struct {
    struct ob_header header;
    uint64_t body;
} physical_memory = {.header = {.reference_count = 1, .type = &section_type}};

static LIST_ENTRY views = {&views, &views};
static KSPIN_LOCK views_lock;

static bool is_physical_memory(PCUNICODE_STRING name)
{
    static const WCHAR text[] = L"\\Device\\PhysicalMemory";
    UNICODE_STRING expected = {sizeof text - sizeof(WCHAR), sizeof text, (PWSTR)text};

    return RtlEqualUnicodeString(name, &expected, TRUE);
}

/* The view that an address lies in, out of the list; NULL: none. */
static struct view *view_take(ULONG_PTR address)
{
    struct view *found = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&views_lock, &irql);
    for (PLIST_ENTRY at = views.Flink; at != &views && found == NULL; at = at->Flink) {
        struct view *view = CONTAINING_RECORD(at, struct view, entry);

        if (address - view->base < view->size)
            found = view;
    }
    if (found != NULL)
        RemoveEntryList(&found->entry);
    KeReleaseSpinLock(&views_lock, irql);
    return found;
}

static NTSTATUS view_create(uint64_t start, SIZE_T size, ULONG protect, PVOID *base)
{
    PHYSICAL_ADDRESS physical = {.QuadPart = (LONGLONG)start};
    struct view *view = mm_pool_alloc(sizeof *view, VIEW_TAG);
    KIRQL irql;

    if (view == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    *base = MmMapIoSpaceEx(physical, size, protect);
    if (*base == NULL) {
        mm_pool_free(view, VIEW_TAG);
        return STATUS_NO_MEMORY;
    }
    view->base = (ULONG_PTR)*base;
    view->size = size;
    KeAcquireSpinLock(&views_lock, &irql);
    InsertTailList(&views, &view->entry);
    KeReleaseSpinLock(&views_lock, irql);
    return STATUS_SUCCESS;
}

static bool has_ram(uint64_t start, SIZE_T size)
{
    const struct mm_ranges *ram = mm_ram_ranges();

    for (uint32_t i = 0; i < ram->count; i++)
        if (start < ram->range[i].end &&
            (start >= ram->range[i].base || size > ram->range[i].base - start))
            return true;
    return false;
}

static bool protection_is_known(ULONG protect)
{
    ULONG access = protect & ~(ULONG)(PAGE_NOCACHE | PAGE_WRITECOMBINE);

    return access == PAGE_READONLY || access == PAGE_READWRITE;
}

/* WDK surface */

/* IRQL = PASSIVE_LEVEL. WDK: ZwOpenSection */
NTSTATUS NTAPI ZwOpenSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    if (ObjectAttributes == NULL || ObjectAttributes->ObjectName == NULL)
        return STATUS_INVALID_PARAMETER;
    if (ObjectAttributes->RootDirectory != NULL)
        return ob_directory_refuse(ObjectAttributes->RootDirectory);
    if (!is_physical_memory(ObjectAttributes->ObjectName))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return ob_handle_create(&physical_memory.body, DesiredAccess, SectionHandle);
}
LDR_EXPORT(ZwOpenSection);

/*
 * *BaseAddress must be NULL: where a view lies is the kernel's choice, STATUS_CONFLICTING_ADDRESSES
 * otherwise, and for RAM that is not to be cached. *ViewSize comes back as what is mapped.
 * STATUS_INVALID_PAGE_PROTECTION, _INVALID_VIEW_SIZE, _INVALID_PARAMETER (_4: ZeroBits, _9:
 * AllocationType), _NO_MEMORY. IRQL = PASSIVE_LEVEL. WDK: ZwMapViewOfSection
 */
NTSTATUS NTAPI ZwMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, PVOID *BaseAddress,
                                  ULONG_PTR ZeroBits, SIZE_T CommitSize,
                                  PLARGE_INTEGER SectionOffset, PSIZE_T ViewSize,
                                  SECTION_INHERIT InheritDisposition, ULONG AllocationType,
                                  ULONG Protect)
{
    uint64_t offset = SectionOffset == NULL ? 0 : (uint64_t)SectionOffset->QuadPart;
    uint64_t start = offset & ~(uint64_t)(VIEW_GRANULARITY - 1);
    SIZE_T size = *ViewSize;
    NTSTATUS status;
    void *section;

    UNREFERENCED_PARAMETER(CommitSize);
    ASSERT_IRQL(PASSIVE_LEVEL);
    if (ZeroBits >= ZERO_BITS_MAX)
        return STATUS_INVALID_PARAMETER_4;
    if (AllocationType & ~(ULONG)(MEM_LARGE_PAGES | MEM_RESERVE | MEM_TOP_DOWN))
        return STATUS_INVALID_PARAMETER_9;
    if (InheritDisposition != ViewShare && InheritDisposition != ViewUnmap)
        return STATUS_INVALID_PARAMETER;
    if (!protection_is_known(Protect))
        return STATUS_INVALID_PAGE_PROTECTION;
    if (size == 0 || size > UINT64_MAX - offset)
        return STATUS_INVALID_VIEW_SIZE;
    if (*BaseAddress != NULL)
        return STATUS_CONFLICTING_ADDRESSES;
    status = ex_process_check(ProcessHandle);
    if (NT_SUCCESS(status))
        status = ob_handle_reference(SectionHandle, &section_type, &section);
    if (!NT_SUCCESS(status))
        return status;
    ob_dereference(section);
    size = ROUND_TO_PAGES(size + (offset - start));
    if ((Protect & (PAGE_NOCACHE | PAGE_WRITECOMBINE)) && has_ram(start, size))
        return STATUS_CONFLICTING_ADDRESSES;
    status = view_create(start, size, Protect, BaseAddress);
    if (!NT_SUCCESS(status))
        return status;
    *ViewSize = size;
    if (SectionOffset != NULL)
        SectionOffset->QuadPart = (LONGLONG)start;
    return STATUS_SUCCESS;
}
LDR_EXPORT(ZwMapViewOfSection);

/* BaseAddress: any address of the view. IRQL = PASSIVE_LEVEL. WDK: ZwUnmapViewOfSection */
NTSTATUS NTAPI ZwUnmapViewOfSection(HANDLE ProcessHandle, PVOID BaseAddress)
{
    NTSTATUS status = ex_process_check(ProcessHandle);
    struct view *view;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (!NT_SUCCESS(status))
        return status;
    view = view_take((ULONG_PTR)BaseAddress);
    if (view == NULL)
        return STATUS_NOT_MAPPED_VIEW;
    MmUnmapIoSpace((PVOID)view->base, view->size);
    mm_pool_free(view, VIEW_TAG);
    return STATUS_SUCCESS;
}
LDR_EXPORT(ZwUnmapViewOfSection);
