/*
 * io/name.c - device names and symbolic links, one list.
 *
 * There are a few dozen names, looked up when something is opened: a list under the database lock
 * does. Paths are normalised on the way in, so that all spellings of the DosDevices directory are
 * one. A path resolves to the longest name that is a prefix of it at a backslash; a link's target
 * takes the place of that prefix, and the search starts again.
 *
 * Owns: the list, symbolic links. Owns not: device objects (io/device.c), interface links' GUIDs
 * (io/interface.c).
 */
#include "io/name.h"

#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/device.h"
#include "ke/ob.h"

enum { LINK_DEPTH_MAX = 16, PATH_BYTES_MAX = 0xFFFE /* of a UNICODE_STRING */ };

static struct io_name *name_list;
static struct io_name **name_last = &name_list;

/* All spellings of one directory, longest first. */
static const struct {
    const WCHAR *prefix;
    USHORT length; /* units */
} dos_prefixes[] = {
    {L"\\DosDevices\\Global\\", 19}, {L"\\??\\Global\\", 11}, {L"\\DosDevices\\", 12},
    {L"\\GLOBAL??\\", 10},           {L"\\??\\", 4},
};

static bool units_equal(const WCHAR *left, const WCHAR *right, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (lib_wide_upcase(left[i]) != lib_wide_upcase(right[i]))
            return false;
    return true;
}

/* WDK: "Object Directories", and those that its pages name elsewhere. */
static bool directory_exists(const WCHAR *path, size_t units)
{
    static const UNICODE_STRING directories[] = {
        RTL_CONSTANT_STRING(L""),
        RTL_CONSTANT_STRING(L"\\BaseNamedObjects"),
        RTL_CONSTANT_STRING(L"\\Callback"),
        RTL_CONSTANT_STRING(L"\\Device"),
        RTL_CONSTANT_STRING(L"\\Driver"),
        RTL_CONSTANT_STRING(L"\\DosDevices"),
        RTL_CONSTANT_STRING(L"\\??"),
        RTL_CONSTANT_STRING(L"\\GLOBAL??"),
        RTL_CONSTANT_STRING(L"\\FileSystem"),
        RTL_CONSTANT_STRING(L"\\KernelObjects"),
    };
    size_t i;

    for (i = 0; i < ARRAY_COUNT(directories); i++)
        if (directories[i].Length == units * sizeof(WCHAR) &&
            units_equal(directories[i].Buffer, path, units))
            return true;
    return false;
}

NTSTATUS io_name_check(PCUNICODE_STRING path)
{
    size_t units = path->Length / sizeof(WCHAR), last = 0, i;

    if (path->Length % sizeof(WCHAR) != 0)
        return STATUS_OBJECT_NAME_INVALID;
    if (units == 0 || path->Buffer[0] != L'\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    for (i = 1; i < units; i++) {
        if (path->Buffer[i] == L'\\' && last == i - 1)
            return STATUS_OBJECT_NAME_INVALID;
        last = path->Buffer[i] == L'\\' ? i : last;
    }
    if (last == units - 1)
        return STATUS_OBJECT_NAME_INVALID;
    return directory_exists(path->Buffer, last) ? STATUS_SUCCESS : STATUS_OBJECT_PATH_NOT_FOUND;
}

/* Append to a string that has the room. */
static void path_append(UNICODE_STRING *path, const WCHAR *text, size_t units)
{
    if (units != 0)
        memcpy((char *)path->Buffer + path->Length, text, units * sizeof(WCHAR));
    path->Length += (USHORT)(units * sizeof(WCHAR));
}

/* head + tail, DosDevices spelled \??, in new memory. */
static NTSTATUS path_make(const WCHAR *head, size_t head_units, const WCHAR *tail,
                          size_t tail_units, UNICODE_STRING *path)
{
    size_t bytes = (head_units + tail_units + 1) * sizeof(WCHAR);
    size_t i;

    if (head_units == 0 || head[0] != L'\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    if (bytes > PATH_BYTES_MAX)
        return STATUS_OBJECT_NAME_INVALID;
    path->Buffer = io_allocate(bytes, IO_TAG_NAME);
    if (path->Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    path->Length = 0;
    path->MaximumLength = (USHORT)bytes;
    for (i = 0; i < ARRAY_COUNT(dos_prefixes); i++) {
        size_t length = dos_prefixes[i].length;

        if (head_units >= length && units_equal(head, dos_prefixes[i].prefix, length)) {
            path_append(path, L"\\??\\", 4);
            head += length;
            head_units -= length;
            break;
        }
    }
    path_append(path, head, head_units);
    path_append(path, tail, tail_units);
    while (path->Length > sizeof(WCHAR) && path->Buffer[path->Length / sizeof(WCHAR) - 1] == L'\\')
        path->Length -= sizeof(WCHAR);
    path->Buffer[path->Length / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

static NTSTATUS path_copy(PCUNICODE_STRING text, UNICODE_STRING *path)
{
    if (text->Length % sizeof(WCHAR) != 0)
        return STATUS_OBJECT_NAME_INVALID;
    return path_make(text->Buffer, text->Length / sizeof(WCHAR), NULL, 0, path);
}

/* Database lock held. */
static struct io_name *name_find(const UNICODE_STRING *path)
{
    struct io_name *name;

    for (name = name_list; name != NULL; name = name->next)
        if (name->path.Length == path->Length &&
            units_equal(name->path.Buffer, path->Buffer, path->Length / sizeof(WCHAR)))
            return name;
    return NULL;
}

/* The longest name that the path begins with, at a backslash. Database lock held. */
static struct io_name *name_find_prefix(const UNICODE_STRING *path)
{
    struct io_name *best = NULL;
    struct io_name *name;

    for (name = name_list; name != NULL; name = name->next) {
        size_t units = name->path.Length / sizeof(WCHAR);

        if (name->path.Length > path->Length || name->kind == IO_NAME_EVENT || !name->enabled)
            continue;
        if (name->path.Length < path->Length && path->Buffer[units] != L'\\')
            continue;
        if (!units_equal(name->path.Buffer, path->Buffer, units))
            continue;
        if (best == NULL || name->path.Length > best->path.Length)
            best = name;
    }
    return best;
}

static void name_free(struct io_name *name)
{
    io_free(name->path.Buffer);
    io_free(name->target.Buffer);
    io_free(name);
}

/* An interface that is there again leads to the device of now. Database lock held. */
static void interface_redirect(struct io_name *old, struct io_name *anew)
{
    UNICODE_STRING target = old->target;

    if (old->kind != IO_NAME_INTERFACE || anew->kind != IO_NAME_INTERFACE)
        return;
    old->target = anew->target;
    anew->target = target;
}

NTSTATUS io_name_insert(enum io_name_kind kind, PCUNICODE_STRING path, void *object,
                        PCUNICODE_STRING target, struct io_name **name_out)
{
    struct io_name *name = io_allocate(sizeof(*name), IO_TAG_NAME);
    struct io_name *old;
    NTSTATUS status;
    KIRQL irql;

    if (name == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    name->kind = kind;
    name->object = object;
    name->enabled = kind != IO_NAME_INTERFACE;
    status = path_copy(path, &name->path);
    if (NT_SUCCESS(status) && target != NULL)
        status = path_copy(target, &name->target);
    if (!NT_SUCCESS(status)) {
        name_free(name);
        return status;
    }
    irql = io_database_acquire();
    old = name_find(&name->path);
    if (old == NULL) {
        *name_last = name;
        name_last = &name->next;
    } else {
        interface_redirect(old, name);
    }
    io_database_release(irql);
    if (old != NULL) {
        name_free(name);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (name_out != NULL)
        *name_out = name;
    return STATUS_SUCCESS;
}

/* Database lock held. */
static void name_unlink(struct io_name *name)
{
    struct io_name **link;

    for (link = &name_list; *link != name;)
        link = &(*link)->next;
    *link = name->next;
    if (name_last == &name->next)
        name_last = link;
}

void io_name_remove(struct io_name *name)
{
    KIRQL irql = io_database_acquire();

    name_unlink(name);
    io_database_release(irql);
    name_free(name);
}

NTSTATUS io_name_remove_link(PCUNICODE_STRING path)
{
    struct io_name *removed = NULL;
    UNICODE_STRING full;
    struct io_name *name;
    NTSTATUS status;
    KIRQL irql;

    status = path_copy(path, &full);
    if (!NT_SUCCESS(status))
        return status;
    irql = io_database_acquire();
    name = name_find(&full);
    if (name == NULL) {
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else if (name->kind != IO_NAME_LINK && name->kind != IO_NAME_INTERFACE) {
        status = STATUS_OBJECT_TYPE_MISMATCH;
    } else {
        name_unlink(name);
        removed = name;
    }
    io_database_release(irql);
    if (removed != NULL)
        name_free(removed);
    io_free(full.Buffer);
    return status;
}

/* The device that an interface is of. Database lock held. */
static PDEVICE_OBJECT interface_device(const struct io_name *link)
{
    struct io_name *name = name_find(&link->target);

    return name != NULL && name->kind == IO_NAME_DEVICE ? name->object : NULL;
}

/* Database lock held. Returns whether that is to be told. */
static bool interface_set(struct io_name *link, PDEVICE_OBJECT device, bool enable)
{
    bool told = link->announced;

    link->enabled = enable;
    link->announced = enable && (device == NULL || !io_device_of(device)->starting);
    return enable ? link->announced : told;
}

NTSTATUS io_name_interface_enable(PCUNICODE_STRING path, bool enable, bool *tell)
{
    UNICODE_STRING full;
    struct io_name *name;
    bool due = false;
    NTSTATUS status;
    KIRQL irql;

    status = path_copy(path, &full);
    if (!NT_SUCCESS(status))
        return status;
    irql = io_database_acquire();
    name = name_find(&full);
    if (name == NULL || name->kind != IO_NAME_INTERFACE)
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    else if (name->enabled == enable)
        status = enable ? STATUS_OBJECT_NAME_EXISTS : STATUS_OBJECT_NAME_NOT_FOUND;
    else
        due = interface_set(name, interface_device(name), enable);
    io_database_release(irql);
    io_free(full.Buffer);
    *tell = due;
    return status;
}

bool io_name_interface_find(PCUNICODE_STRING path, bool *enabled)
{
    UNICODE_STRING full;
    struct io_name *name;
    bool found;
    KIRQL irql;

    if (!NT_SUCCESS(path_make(path->Buffer, path->Length / sizeof(WCHAR), NULL, 0, &full)))
        return false;
    irql = io_database_acquire();
    name = name_find(&full);
    found = name != NULL && name->kind == IO_NAME_INTERFACE;
    *enabled = found && name->enabled;
    io_database_release(irql);
    io_free(full.Buffer);
    return found;
}

WCHAR *io_name_interface_take(PDEVICE_OBJECT device, bool disable, bool *tell)
{
    struct io_name *name;
    WCHAR *path = NULL;
    KIRQL irql = io_database_acquire();

    for (name = name_list; name != NULL; name = name->next)
        if (name->kind == IO_NAME_INTERFACE && name->enabled && (disable || !name->announced) &&
            interface_device(name) == device)
            break;
    if (name != NULL) {
        path = mm_pool_alloc(name->path.Length + sizeof(WCHAR), IO_TAG_NAME);
        *tell = interface_set(name, device, !disable);
    }
    if (path != NULL)
        memcpy(path, name->path.Buffer, name->path.Length);
    io_database_release(irql);
    return path;
}

/* One step: a device (referenced), or the path with a link replaced. Frees and replaces *path. */
static NTSTATUS name_resolve_step(UNICODE_STRING *path, PDEVICE_OBJECT *device, size_t *matched)
{
    UNICODE_STRING next = {0};
    NTSTATUS status = STATUS_SUCCESS;
    WCHAR *target = NULL;
    size_t target_units = 0;
    struct io_name *name;
    KIRQL irql = io_database_acquire();

    name = name_find_prefix(path);
    if (name == NULL) {
        name = name_find(path); /* an event's, or a disabled interface's */
        status = name != NULL && name->kind == IO_NAME_EVENT ? STATUS_OBJECT_TYPE_MISMATCH
                                                             : STATUS_OBJECT_NAME_NOT_FOUND;
    } else {
        *matched = name->path.Length / sizeof(WCHAR);
        if (name->kind == IO_NAME_DEVICE) {
            *device = name->object;
            ob_reference(*device);
        } else {
            /* The link may go once the lock is dropped: keep its target. */
            target_units = name->target.Length / sizeof(WCHAR);
            target = mm_pool_alloc(name->target.Length + sizeof(WCHAR), IO_TAG_NAME);
            if (target != NULL)
                memcpy(target, name->target.Buffer, name->target.Length);
            else
                status = STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    io_database_release(irql);
    if (target == NULL)
        return status;
    status = path_make(target, target_units, path->Buffer + *matched,
                       path->Length / sizeof(WCHAR) - *matched, &next);
    io_free(target);
    if (NT_SUCCESS(status)) {
        io_free(path->Buffer);
        *path = next;
    }
    return status;
}

NTSTATUS io_name_resolve(PCUNICODE_STRING path, PDEVICE_OBJECT *device, UNICODE_STRING *rest,
                         PVOID *buffer)
{
    UNICODE_STRING current;
    NTSTATUS status;
    size_t matched = 0;
    unsigned depth;

    *device = NULL;
    status = path_copy(path, &current);
    if (!NT_SUCCESS(status))
        return status;
    for (depth = 0; NT_SUCCESS(status) && *device == NULL; depth++)
        status = depth == LINK_DEPTH_MAX ? STATUS_OBJECT_PATH_INVALID
                                         : name_resolve_step(&current, device, &matched);
    if (!NT_SUCCESS(status) || rest == NULL) {
        io_free(current.Buffer);
        return status;
    }
    rest->Buffer = current.Buffer + matched;
    rest->Length = (USHORT)(current.Length - matched * sizeof(WCHAR));
    rest->MaximumLength = rest->Length + sizeof(WCHAR);
    *buffer = current.Buffer;
    return STATUS_SUCCESS;
}

void *io_name_lookup(enum io_name_kind kind, PCUNICODE_STRING path)
{
    UNICODE_STRING full;
    struct io_name *name;
    void *object = NULL;
    KIRQL irql;

    if (!NT_SUCCESS(path_copy(path, &full)))
        return NULL;
    irql = io_database_acquire();
    name = name_find(&full);
    if (name != NULL && name->kind == kind) {
        object = name->object;
        ob_reference(object);
    }
    io_database_release(irql);
    io_free(full.Buffer);
    return object;
}

void io_name_for_each(void (*visit)(const struct io_name *name, void *context), void *context)
{
    struct io_name *name;
    KIRQL irql = io_database_acquire();

    for (name = name_list; name != NULL; name = name->next)
        visit(name, context);
    io_database_release(irql);
}

/* WDK surface */

NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    return io_name_insert(IO_NAME_LINK, SymbolicLinkName, NULL, DeviceName, NULL);
}
LDR_EXPORT(IoCreateSymbolicLink);

NTSTATUS NTAPI IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName,
                                               PUNICODE_STRING DeviceName)
{
    return io_name_insert(IO_NAME_LINK, SymbolicLinkName, NULL, DeviceName, NULL);
}
LDR_EXPORT(IoCreateUnprotectedSymbolicLink);

NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName)
{
    return io_name_remove_link(SymbolicLinkName);
}
LDR_EXPORT(IoDeleteSymbolicLink);
