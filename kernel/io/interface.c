/*
 * io/interface.c - device interfaces: links by which clients find devices of a class.
 *
 * The link's name is \??\<instance path with # for \>#{class guid}[\reference], as on Windows. It
 * exists from registration on but resolves only while it is enabled.
 */
#include "io/interface.h"

#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/name.h"
#include "io/notification.h"

enum { INTERFACE_UNITS_MAX = 400, GUID_UNITS = 38 };

void io_guid_text(const GUID *guid, char *text)
{
    const unsigned char *d = guid->Data4;

    lib_snprintf(text, IO_GUID_TEXT_SIZE, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
                 (unsigned)guid->Data1, guid->Data2, guid->Data3, d[0], d[1], d[2], d[3], d[4],
                 d[5], d[6], d[7]);
}

/* units[*at...] += text; false if it does not fit. */
static bool append_text(WCHAR *units, size_t *at, const char *text)
{
    size_t room = INTERFACE_UNITS_MAX - *at;
    size_t length = lib_wide_from_utf8(units + *at, room, text, strlen(text));

    *at += length;
    return length < room;
}

static bool append_wide(WCHAR *units, size_t *at, const WCHAR *text, size_t length, bool escape)
{
    size_t i;

    if (length >= INTERFACE_UNITS_MAX - *at)
        return false;
    for (i = 0; i < length; i++)
        units[(*at)++] = escape && text[i] == L'\\' ? L'#' : text[i];
    return true;
}

static bool interface_name(PDEVICE_OBJECT pdo, const GUID *guid, PUNICODE_STRING reference,
                           WCHAR *units, UNICODE_STRING *name)
{
    const WCHAR *instance = io_device_of(pdo)->instance_path;
    char guid_text[IO_GUID_TEXT_SIZE];
    size_t at = 0;

    io_guid_text(guid, guid_text);
    if (!append_text(units, &at, "\\??\\") ||
        !append_wide(units, &at, instance, lib_wcslen(instance), true) ||
        !append_text(units, &at, "#") || !append_text(units, &at, guid_text))
        return false;
    if (reference != NULL && reference->Length != 0 &&
        (!append_text(units, &at, "\\") ||
         !append_wide(units, &at, reference->Buffer, reference->Length / sizeof(WCHAR), false)))
        return false;
    units[at] = 0;
    name->Buffer = units;
    name->Length = (USHORT)(at * sizeof(WCHAR));
    name->MaximumLength = name->Length + sizeof(WCHAR);
    return true;
}

/* The name of the device itself, which the link leads to. */
static NTSTATUS interface_target(PDEVICE_OBJECT pdo, UNICODE_STRING *target)
{
    struct io_device *io = io_device_of(pdo);
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    KIRQL irql = io_database_acquire();

    if (io->name != NULL) {
        *target = io->name->path;
        status = STATUS_SUCCESS;
    }
    io_database_release(irql);
    return status;
}

/* ---- Looking interfaces up ------------------------------------------------------------------ */

static bool hex_digits(const WCHAR *text, unsigned count, uint64_t *value)
{
    *value = 0;
    while (count-- != 0) {
        WCHAR c = lib_wide_upcase(*text++);

        if (c >= L'0' && c <= L'9')
            *value = *value << 4 | (uint64_t)(c - L'0');
        else if (c >= L'A' && c <= L'F')
            *value = *value << 4 | (uint64_t)(c - L'A' + 10);
        else
            return false;
    }
    return true;
}

/* Where a link's name has its {class guid}: behind a #. Past the end: nowhere. */
static size_t link_guid_at(PCUNICODE_STRING link)
{
    size_t units = link->Length / sizeof(WCHAR);
    size_t i = 1;

    while (i + GUID_UNITS <= units && (link->Buffer[i - 1] != L'#' || link->Buffer[i] != L'{'))
        i++;
    return i;
}

/* The {class guid} of a link's name. */
static bool link_guid(PCUNICODE_STRING link, GUID *guid)
{
    size_t units = link->Length / sizeof(WCHAR);
    uint64_t a, b, c, d, e;
    const WCHAR *at;
    size_t i;
    int byte;

    i = link_guid_at(link);
    at = link->Buffer + i + 1;
    if (i + GUID_UNITS > units || !hex_digits(at, 8, &a) || !hex_digits(at + 9, 4, &b) ||
        !hex_digits(at + 14, 4, &c) || !hex_digits(at + 19, 4, &d) || !hex_digits(at + 24, 12, &e))
        return false;
    guid->Data1 = (ULONG)a;
    guid->Data2 = (USHORT)b;
    guid->Data3 = (USHORT)c;
    guid->Data4[0] = (UCHAR)(d >> 8);
    guid->Data4[1] = (UCHAR)d;
    for (byte = 0; byte < 6; byte++)
        guid->Data4[2 + byte] = (UCHAR)(e >> (40 - 8 * byte));
    return true;
}

bool io_interface_find(PCUNICODE_STRING link, struct io_interface *found)
{
    UNICODE_STRING reference = *link;
    size_t tail = link_guid_at(link) + GUID_UNITS + 1; /* the backslash is left out */

    if (!io_name_interface_find(link, &found->enabled) || !link_guid(link, &found->class_guid))
        return false;
    if (tail > link->Length / sizeof(WCHAR))
        tail = link->Length / sizeof(WCHAR);
    reference.Buffer += tail;
    reference.Length = reference.MaximumLength = (USHORT)(link->Length - tail * sizeof(WCHAR));
    found->reference = reference;
    return true;
}

struct link_search {
    const GUID *guid;
    PDEVICE_OBJECT pdo; /* NULL: of any device */
    bool all;           /* disabled ones too */
    bool announced;     /* those only that have been */
    WCHAR *list;        /* NULL: only count */
    size_t units;
    size_t room;
};

/* Does the link lead to the PDO's own name? Database lock held. */
static bool link_is_of(const struct io_name *name, PDEVICE_OBJECT pdo)
{
    const struct io_name *own = io_device_of(pdo)->name;

    return own != NULL && own->path.Length == name->target.Length &&
           memcmp(own->path.Buffer, name->target.Buffer, own->path.Length) == 0;
}

static void link_visit(const struct io_name *name, void *context)
{
    struct link_search *search = context;
    size_t units = name->path.Length / sizeof(WCHAR);
    GUID guid;

    if (name->kind != IO_NAME_INTERFACE || (!name->enabled && !search->all) ||
        (!name->announced && search->announced) || !link_guid(&name->path, &guid) ||
        !IsEqualGUID(&guid, search->guid) ||
        (search->pdo != NULL && !link_is_of(name, search->pdo)))
        return;
    if (search->list != NULL) {
        if (search->units + units + 2 > search->room)
            return;
        memcpy(search->list + search->units, name->path.Buffer, name->path.Length);
    }
    search->units += units + 1;
}

/* Once to measure, once to fill; what is registered in between is left out. */
static NTSTATUS links_list(struct link_search *search)
{
    io_name_for_each(link_visit, search);
    search->room = search->units + 1;
    search->list = io_allocate(search->room * sizeof(WCHAR), IO_TAG_NAME);
    if (search->list == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    search->units = 0;
    io_name_for_each(link_visit, search);
    return STATUS_SUCCESS;
}

WCHAR *io_interfaces_announced(const GUID *class_guid)
{
    struct link_search search = {.guid = class_guid, .announced = true};

    return NT_SUCCESS(links_list(&search)) ? search.list : NULL;
}

/* ---- The device starts and goes ------------------------------------------------------------- */

static void interfaces_tell(PDEVICE_OBJECT pdo, bool arrival)
{
    UNICODE_STRING link;
    WCHAR *path;
    GUID guid;
    bool tell;

    while ((path = io_name_interface_take(pdo, !arrival, &tell)) != NULL) {
        RtlInitUnicodeString(&link, path);
        if (tell && link_guid(&link, &guid))
            io_notify_interface(&guid, &link, arrival);
        io_free(path);
    }
}

void io_interfaces_started(PDEVICE_OBJECT pdo)
{
    interfaces_tell(pdo, true);
}

void io_interfaces_removed(PDEVICE_OBJECT pdo)
{
    interfaces_tell(pdo, false);
}

/* WDK surface */

NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject,
                                         const GUID *InterfaceClassGuid,
                                         PUNICODE_STRING ReferenceString,
                                         PUNICODE_STRING SymbolicLinkName)
{
    WCHAR *units;
    UNICODE_STRING name, target;
    NTSTATUS status;

    if (io_device_of(PhysicalDeviceObject)->instance_path == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = interface_target(PhysicalDeviceObject, &target);
    if (!NT_SUCCESS(status))
        return status;
    units = io_allocate(INTERFACE_UNITS_MAX * sizeof(WCHAR), IO_TAG_NAME);
    if (units == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!interface_name(PhysicalDeviceObject, InterfaceClassGuid, ReferenceString, units, &name)) {
        io_free(units);
        return STATUS_OBJECT_NAME_INVALID;
    }
    status = io_name_insert(IO_NAME_INTERFACE, &name, NULL, &target, NULL);
    if (status == STATUS_OBJECT_NAME_COLLISION) /* registered before */
        status = STATUS_SUCCESS;
    if (NT_SUCCESS(status))
        *SymbolicLinkName = name;
    else
        io_free(units);
    return status;
}
LDR_EXPORT(IoRegisterDeviceInterface);

NTSTATUS NTAPI IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable)
{
    bool tell;
    NTSTATUS status = io_name_interface_enable(SymbolicLinkName, Enable, &tell);
    GUID guid;

    if (NT_SUCCESS(status) && tell && link_guid(SymbolicLinkName, &guid))
        io_notify_interface(&guid, SymbolicLinkName, Enable);
    return status;
}
LDR_EXPORT(IoSetDeviceInterfaceState);

NTSTATUS NTAPI IoGetDeviceInterfaces(const GUID *InterfaceClassGuid,
                                     PDEVICE_OBJECT PhysicalDeviceObject, ULONG Flags,
                                     PZZWSTR *SymbolicLinkList)
{
    struct link_search search = {.guid = InterfaceClassGuid,
                                 .pdo = PhysicalDeviceObject,
                                 .all = (Flags & DEVICE_INTERFACE_INCLUDE_NONACTIVE) != 0};
    NTSTATUS status;

    *SymbolicLinkList = NULL;
    if (PhysicalDeviceObject != NULL && !io_device_is_pdo(PhysicalDeviceObject))
        return STATUS_INVALID_DEVICE_REQUEST;
    status = links_list(&search);
    *SymbolicLinkList = search.list;
    return status;
}
LDR_EXPORT(IoGetDeviceInterfaces);

/*
 * PASSIVE_LEVEL. STATUS_INVALID_HANDLE: the name is not that of an interface.
 * STATUS_OBJECT_NAME_NOT_FOUND: the device has none of that class with that reference string. WDK
 * "IoGetDeviceInterfaceAlias".
 */
NTSTATUS NTAPI IoGetDeviceInterfaceAlias(PUNICODE_STRING SymbolicLinkName,
                                         const GUID *AliasInterfaceClassGuid,
                                         PUNICODE_STRING AliasSymbolicLinkName)
{
    char guid_text[IO_GUID_TEXT_SIZE];
    UNICODE_STRING alias = {.Length = SymbolicLinkName->Length};
    struct io_interface link;
    bool enabled;

    if (!io_interface_find(SymbolicLinkName, &link))
        return STATUS_INVALID_HANDLE;
    alias.MaximumLength = alias.Length + sizeof(WCHAR);
    alias.Buffer = io_allocate(alias.MaximumLength, IO_TAG_NAME);
    if (alias.Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(alias.Buffer, SymbolicLinkName->Buffer, alias.Length);
    io_guid_text(AliasInterfaceClassGuid, guid_text);
    lib_wide_from_utf8(alias.Buffer + link_guid_at(&alias), GUID_UNITS, guid_text, GUID_UNITS);
    if (!io_name_interface_find(&alias, &enabled)) {
        io_free(alias.Buffer);
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    *AliasSymbolicLinkName = alias;
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoGetDeviceInterfaceAlias);
