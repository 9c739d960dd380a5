/*
 * ke/ob.c - object headers, reference counts, the handle table.
 *
 * Counts are atomic. The table is an array that doubles; its lock is a spin lock held for a few
 * instructions, and never while an object is destroyed. An object whose type asks for
 * PASSIVE_LEVEL and whose last reference is dropped above it is queued to a work item.
 *
 * Owns: headers, handles, the Ob surface, ZwClose. Owns not: what objects are (ke/thread.c,
 * io/device.c, io/file.c, cm/registry_zw.c).
 */
#include "ke/ob.h"

#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/list.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "mm/pool.h"

#define OBJECT_TAG MM_TAG("ObjC")
#define EVERY_RIGHT (STANDARD_RIGHTS_ALL | SPECIFIC_RIGHTS_ALL)

enum {
    HANDLE_STEP = 4, /* handle values are multiples of 4; the first is 4 */
    HANDLE_TABLE_FIRST = 64,
};

struct handle_entry {
    void *object; /* NULL: free */
    ACCESS_MASK granted;
};

static struct {
    KSPIN_LOCK lock;
    struct handle_entry *entries;
    uint32_t capacity;
    uint32_t next_try; /* where the search for a free entry starts */
} handle_table;

static struct {
    KSPIN_LOCK lock;
    struct ob_header *first;
    bool queued;
    WORK_QUEUE_ITEM item;
} destroy_queue;

static struct ob_header *object_header(const void *object)
{
    return (struct ob_header *)(uintptr_t)object - 1;
}

void *ob_create(const struct _OBJECT_TYPE *type, size_t size)
{
    struct ob_header *header;

    header = mm_pool_alloc(sizeof(*header) + size, OBJECT_TAG);
    if (header == NULL)
        return NULL;
    header->reference_count = 1;
    header->type = type;
    return header + 1;
}

void ob_discard(void *object)
{
    mm_pool_free(object_header(object), OBJECT_TAG);
}

const struct _OBJECT_TYPE *ob_type(const void *object)
{
    return object_header(object)->type;
}

int64_t ob_reference(void *object)
{
    return __atomic_add_fetch(&object_header(object)->reference_count, 1, __ATOMIC_RELAXED);
}

static void object_destroy(struct ob_header *header)
{
    if (header->type->destroy != NULL)
        header->type->destroy(header + 1);
    if (header->security != NULL)
        mm_pool_free(header->security, OB_SECURITY_TAG);
    mm_pool_free(header, OBJECT_TAG);
}

static VOID NTAPI object_destroy_queued(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    for (;;) {
        struct ob_header *header;
        KIRQL irql;

        KeAcquireSpinLock(&destroy_queue.lock, &irql);
        header = destroy_queue.first;
        if (header != NULL)
            destroy_queue.first = header->next_destroy;
        else
            destroy_queue.queued = false;
        KeReleaseSpinLock(&destroy_queue.lock, irql);
        if (header == NULL)
            return;
        object_destroy(header);
    }
}

static void object_destroy_later(struct ob_header *header)
{
    bool queue;
    KIRQL irql;

    KeAcquireSpinLock(&destroy_queue.lock, &irql);
    header->next_destroy = destroy_queue.first;
    destroy_queue.first = header;
    queue = !destroy_queue.queued;
    destroy_queue.queued = true;
    KeReleaseSpinLock(&destroy_queue.lock, irql);
    if (queue) {
        ExInitializeWorkItem(&destroy_queue.item, object_destroy_queued, NULL);
        ExQueueWorkItem(&destroy_queue.item, DelayedWorkQueue);
    }
}

int64_t ob_dereference(void *object)
{
    struct ob_header *header = object_header(object);
    int64_t count = __atomic_sub_fetch(&header->reference_count, 1, __ATOMIC_ACQ_REL);

    if (count < 0)
        KeBugCheckEx(REFERENCE_BY_POINTER, (ULONG_PTR)header->type, (ULONG_PTR)object, 0,
                     (ULONG_PTR)count);
    if (count == 0) {
        if (header->type->passive && hal_irql_read() > PASSIVE_LEVEL)
            object_destroy_later(header);
        else
            object_destroy(header);
    }
    return count;
}

/* ---- Handles -------------------------------------------------------------------------------- */

static bool handle_table_grow(uint32_t seen_capacity)
{
    uint32_t capacity = seen_capacity == 0 ? HANDLE_TABLE_FIRST : 2 * seen_capacity;
    struct handle_entry *entries = mm_pool_alloc(capacity * sizeof(*entries), OBJECT_TAG);
    struct handle_entry *old;
    KIRQL irql;

    if (entries == NULL)
        return false;
    KeAcquireSpinLock(&handle_table.lock, &irql);
    old = entries; /* another thread was faster: throw ours away */
    if (handle_table.capacity == seen_capacity) {
        old = handle_table.entries;
        if (old != NULL)
            memcpy(entries, old, seen_capacity * sizeof(*entries));
        handle_table.entries = entries;
        handle_table.capacity = capacity;
    }
    KeReleaseSpinLock(&handle_table.lock, irql);
    if (old != NULL)
        mm_pool_free(old, OBJECT_TAG);
    return true;
}

/* A handle grants what was asked for: nobody is denied anything. */
static ACCESS_MASK granted_access(const struct _OBJECT_TYPE *type, ACCESS_MASK asked)
{
    static const struct ob_generic_rights every = {EVERY_RIGHT, EVERY_RIGHT, EVERY_RIGHT,
                                                   EVERY_RIGHT};
    const struct ob_generic_rights *generic = type->generic != NULL ? type->generic : &every;
    ACCESS_MASK granted = asked & (EVERY_RIGHT | ACCESS_SYSTEM_SECURITY);

    if (asked & GENERIC_READ)
        granted |= generic->read;
    if (asked & GENERIC_WRITE)
        granted |= generic->write;
    if (asked & GENERIC_EXECUTE)
        granted |= generic->execute;
    if (asked & (GENERIC_ALL | MAXIMUM_ALLOWED))
        granted |= generic->all;
    return granted;
}

NTSTATUS ob_handle_create(void *object, ACCESS_MASK access, HANDLE *handle)
{
    access = granted_access(ob_type(object), access);
    for (;;) {
        uint32_t capacity, i;
        bool found = false;
        KIRQL irql;

        KeAcquireSpinLock(&handle_table.lock, &irql);
        capacity = handle_table.capacity;
        for (i = handle_table.next_try; i < capacity && !found; i += !found)
            found = handle_table.entries[i].object == NULL;
        if (found) {
            handle_table.entries[i] = (struct handle_entry){object, access};
            handle_table.next_try = i + 1;
        }
        KeReleaseSpinLock(&handle_table.lock, irql);
        if (found) {
            ob_reference(object);
            __atomic_add_fetch(&object_header(object)->handle_count, 1, __ATOMIC_RELAXED);
            *handle = (HANDLE)((ULONG_PTR)(i + 1) * HANDLE_STEP);
            return STATUS_SUCCESS;
        }
        if (!handle_table_grow(capacity))
            return STATUS_INSUFFICIENT_RESOURCES;
    }
}

/* The table's lock is held: the entry's own reference keeps the object alive. */
static struct handle_entry *handle_entry(HANDLE handle)
{
    ULONG_PTR value = (ULONG_PTR)handle;
    ULONG_PTR index = value / HANDLE_STEP - 1;

    if (value == 0 || value % HANDLE_STEP != 0 || index >= handle_table.capacity)
        return NULL;
    return handle_table.entries[index].object == NULL ? NULL : &handle_table.entries[index];
}

/* NtCurrentProcess() and NtCurrentThread() name what there is no entry for. */
static NTSTATUS pseudo_handle_reference(void *current, const struct _OBJECT_TYPE *type,
                                        void **object)
{
    if (type != NULL && object_header(current)->type != type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    *object = current;
    ob_reference(current);
    return STATUS_SUCCESS;
}

NTSTATUS ob_handle_look_up(HANDLE handle, const struct _OBJECT_TYPE *type, void **object,
                           ACCESS_MASK *granted)
{
    NTSTATUS status = STATUS_INVALID_HANDLE;
    struct handle_entry *entry;
    KIRQL irql;

    *granted = EVERY_RIGHT;
    if (handle == NtCurrentProcess())
        return pseudo_handle_reference(IoGetCurrentProcess(), type, object);
    if (handle == NtCurrentThread())
        return pseudo_handle_reference(KeGetCurrentThread(), type, object);
    KeAcquireSpinLock(&handle_table.lock, &irql);
    entry = handle_entry(handle);
    if (entry != NULL && type != NULL && object_header(entry->object)->type != type) {
        status = STATUS_OBJECT_TYPE_MISMATCH;
    } else if (entry != NULL) {
        *object = entry->object;
        *granted = entry->granted;
        ob_reference(entry->object);
        status = STATUS_SUCCESS;
    }
    KeReleaseSpinLock(&handle_table.lock, irql);
    return status;
}

NTSTATUS ob_handle_reference(HANDLE handle, const struct _OBJECT_TYPE *type, void **object)
{
    ACCESS_MASK granted;

    return ob_handle_look_up(handle, type, object, &granted);
}

NTSTATUS ob_directory_refuse(HANDLE root)
{
    static const struct _OBJECT_TYPE directory_type = {.name = "Directory"};
    void *directory;

    return ob_handle_reference(root, &directory_type, &directory);
}

NTSTATUS ob_handle_remove(HANDLE handle)
{
    struct ob_header *header;
    struct handle_entry *entry;
    void *object = NULL;
    KIRQL irql;

    ASSERT_IRQL(PASSIVE_LEVEL);
    KeAcquireSpinLock(&handle_table.lock, &irql);
    entry = handle_entry(handle);
    if (entry != NULL) {
        object = entry->object;
        entry->object = NULL;
        if ((uint32_t)(entry - handle_table.entries) < handle_table.next_try)
            handle_table.next_try = (uint32_t)(entry - handle_table.entries);
    }
    KeReleaseSpinLock(&handle_table.lock, irql);
    if (object == NULL)
        return STATUS_INVALID_HANDLE;
    header = object_header(object);
    if (__atomic_sub_fetch(&header->handle_count, 1, __ATOMIC_ACQ_REL) == 0 &&
        header->type->close != NULL)
        header->type->close(object);
    ob_dereference(object);
    return STATUS_SUCCESS;
}

NTSTATUS ob_handle_close(HANDLE handle)
{
    void *object;
    NTSTATUS status = ob_handle_reference(handle, NULL, &object);

    if (!NT_SUCCESS(status))
        return status;
    status = ob_type(object)->close_handle != NULL ? ob_type(object)->close_handle(object, handle)
                                                   : ob_handle_remove(handle);
    ob_dereference(object);
    return status;
}

bool ob_handle_next(uint32_t *index, struct ob_handle_info *info)
{
    bool found = false;
    KIRQL irql;

    KeAcquireSpinLock(&handle_table.lock, &irql);
    for (; !found && *index < handle_table.capacity; (*index)++) {
        void *object = handle_table.entries[*index].object;
        const struct ob_header *header;

        if (object == NULL)
            continue;
        header = object_header(object);
        *info = (struct ob_handle_info){
            .handle = (HANDLE)(uintptr_t)((*index + 1) * HANDLE_STEP),
            .object = object,
            .type = header->type,
            .reference_count = header->reference_count,
            .handle_count = header->handle_count,
        };
        ob_reference(object);
        found = true;
    }
    KeReleaseSpinLock(&handle_table.lock, irql);
    return found;
}

/* WDK surface */

LONG_PTR FASTCALL ObfReferenceObject(PVOID Object)
{
    return ob_reference(Object);
}
LDR_EXPORT(ObfReferenceObject);

LONG_PTR FASTCALL ObfDereferenceObject(PVOID Object)
{
    return ob_dereference(Object);
}
LDR_EXPORT(ObfDereferenceObject);

/* Tags are for a reference trace, which is not kept. */
LONG_PTR FASTCALL ObfReferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    UNREFERENCED_PARAMETER(Tag);
    return ob_reference(Object);
}
LDR_EXPORT(ObfReferenceObjectWithTag);

LONG_PTR FASTCALL ObfDereferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    UNREFERENCED_PARAMETER(Tag);
    return ob_dereference(Object);
}
LDR_EXPORT(ObfDereferenceObjectWithTag);

VOID NTAPI ObDereferenceObjectDeferDeleteWithTag(PVOID Object, ULONG Tag)
{
    UNREFERENCED_PARAMETER(Tag);
    ObDereferenceObjectDeferDelete(Object);
}
LDR_EXPORT(ObDereferenceObjectDeferDeleteWithTag);

VOID NTAPI ObDereferenceObjectDeferDelete(PVOID Object)
{
    struct ob_header *header = object_header(Object);

    if (__atomic_sub_fetch(&header->reference_count, 1, __ATOMIC_ACQ_REL) == 0)
        object_destroy_later(header);
}
LDR_EXPORT(ObDereferenceObjectDeferDelete);

/* A caller who speaks for user mode must know the type. */
static bool is_of_type(void *object, POBJECT_TYPE type, KPROCESSOR_MODE mode)
{
    return (type == NULL && mode == KernelMode) || ob_type(object) == type;
}

/* IRQL <= DISPATCH_LEVEL. STATUS_OBJECT_TYPE_MISMATCH. WDK: ObReferenceObjectByPointer */
NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
                                          POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode)
{
    UNREFERENCED_PARAMETER(DesiredAccess); /* no object denies any */
    if (!is_of_type(Object, ObjectType, AccessMode))
        return STATUS_OBJECT_TYPE_MISMATCH;
    ob_reference(Object);
    return STATUS_SUCCESS;
}
LDR_EXPORT(ObReferenceObjectByPointer);

/*
 * PASSIVE_LEVEL. STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH; STATUS_ACCESS_DENIED: the mode
 * is UserMode, and the handle does not grant all of DesiredAccess. WDK: ObReferenceObjectByHandle
 */
NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                         POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                         PVOID *Object,
                                         POBJECT_HANDLE_INFORMATION HandleInformation)
{
    ACCESS_MASK granted;
    NTSTATUS status = ob_handle_look_up(Handle, ObjectType, Object, &granted);

    if (NT_SUCCESS(status) && AccessMode != KernelMode && (DesiredAccess & ~granted) != 0) {
        ob_dereference(*Object);
        status = STATUS_ACCESS_DENIED;
    }
    if (!NT_SUCCESS(status)) {
        *Object = NULL;
    } else if (HandleInformation != NULL) {
        HandleInformation->HandleAttributes = 0;
        HandleInformation->GrantedAccess = granted;
    }
    return status;
}
LDR_EXPORT(ObReferenceObjectByHandle);

/*
 * There are no access states, and no object denies access. IRQL <= APC_LEVEL.
 * STATUS_INVALID_PARAMETER: unknown attributes, or two that exclude each other;
 * STATUS_OBJECT_TYPE_MISMATCH, STATUS_INSUFFICIENT_RESOURCES. WDK: ObOpenObjectByPointer
 */
NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
                                     PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess,
                                     POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                     PHANDLE Handle)
{
    const ULONG excluding = OBJ_EXCLUSIVE | OBJ_INHERIT;

    UNREFERENCED_PARAMETER(PassedAccessState);
    ASSERT_IRQL(APC_LEVEL);
    *Handle = NULL;
    if ((HandleAttributes & ~(ULONG)OBJ_VALID_ATTRIBUTES) != 0 ||
        (HandleAttributes & excluding) == excluding)
        return STATUS_INVALID_PARAMETER;
    if (!is_of_type(Object, ObjectType, AccessMode))
        return STATUS_OBJECT_TYPE_MISMATCH;
    return ob_handle_create(Object, DesiredAccess, Handle);
}
LDR_EXPORT(ObOpenObjectByPointer);

NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
    return ob_handle_close(Handle);
}
LDR_EXPORT(ZwClose);
