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

enum { NAME_BYTES_MAX = 0xFFFE, GUID_UNITS = 38 };

void io_guid_text(const GUID *guid, char *text)
{
    const unsigned char *d = guid->Data4;

    lib_snprintf(text, IO_GUID_TEXT_SIZE, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
                 (unsigned)guid->Data1, guid->Data2, guid->Data3, d[0], d[1], d[2], d[3], d[4],
                 d[5], d[6], d[7]);
}

/* Append to a name that has the room. */
static void append_ascii(UNICODE_STRING *name, const char *text)
{
    for (; *text != 0; text++, name->Length += sizeof(WCHAR))
        name->Buffer[name->Length / sizeof(WCHAR)] = (WCHAR)*text;
}

static void append_wide(UNICODE_STRING *name, const WCHAR *text, size_t units, bool escape)
{
    for (size_t i = 0; i < units; i++, name->Length += sizeof(WCHAR))
        name->Buffer[name->Length / sizeof(WCHAR)] = escape && text[i] == L'\\' ? L'#' : text[i];
}

static bool reference_is_valid(const UNICODE_STRING *reference)
{
    for (size_t i = 0; i < reference->Length / sizeof(WCHAR); i++)
        if (reference->Buffer[i] == L'\\' || reference->Buffer[i] == L'/')
            return false;
    return true;
}

/*
 * The link's name, in new memory. STATUS_INVALID_DEVICE_REQUEST: the reference string has a
 * separator in it, or no string can be that long.
 */
static NTSTATUS interface_name(PDEVICE_OBJECT pdo, const GUID *guid, PUNICODE_STRING reference,
                               UNICODE_STRING *name)
{
    static const UNICODE_STRING none = {0};
    const UNICODE_STRING *last = reference == NULL ? &none : reference;
    const WCHAR *instance = io_device_of(pdo)->instance_path;
    size_t instance_units = lib_wcslen(instance);
    char guid_text[IO_GUID_TEXT_SIZE];
    size_t bytes;

    io_guid_text(guid, guid_text);
    bytes =
        (instance_units + strlen(guid_text) + sizeof("\\??\\#\\")) * sizeof(WCHAR) + last->Length;
    if (!reference_is_valid(last) || bytes > NAME_BYTES_MAX)
        return STATUS_INVALID_DEVICE_REQUEST;
    name->Buffer = io_allocate(bytes, IO_TAG_NAME); /* zeroed */
    if (name->Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    name->Length = 0;
    append_ascii(name, "\\??\\");
    append_wide(name, instance, instance_units, true);
    append_ascii(name, "#");
    append_ascii(name, guid_text);
    if (last->Length != 0) {
        append_ascii(name, "\\");
        append_wide(name, last->Buffer, last->Length / sizeof(WCHAR), false);
    }
    name->MaximumLength = name->Length + sizeof(WCHAR);
    return STATUS_SUCCESS;
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

/*
 * PASSIVE_LEVEL. STATUS_OBJECT_NAME_EXISTS, a success: it is registered already.
 * STATUS_INVALID_DEVICE_REQUEST: no PDO, or a separator in the reference string;
 * STATUS_INSUFFICIENT_RESOURCES. G-IO-48, WDK: IoRegisterDeviceInterface.
 */
NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject,
                                         const GUID *InterfaceClassGuid,
                                         PUNICODE_STRING ReferenceString,
                                         PUNICODE_STRING SymbolicLinkName)
{
    UNICODE_STRING name, target;
    NTSTATUS status;

    if (io_device_of(PhysicalDeviceObject)->instance_path == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = interface_target(PhysicalDeviceObject, &target);
    if (!NT_SUCCESS(status))
        return status;
    status = interface_name(PhysicalDeviceObject, InterfaceClassGuid, ReferenceString, &name);
    if (!NT_SUCCESS(status))
        return status;
    status = io_name_insert(IO_NAME_INTERFACE, &name, NULL, &target, NULL);
    if (status == STATUS_OBJECT_NAME_COLLISION)
        status = STATUS_OBJECT_NAME_EXISTS;
    if (NT_SUCCESS(status))
        *SymbolicLinkName = name;
    else
        io_free(name.Buffer);
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
