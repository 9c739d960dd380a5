/*
 * io/interface.c - device interfaces: links by which clients find devices of a class.
 *
 * The link's name is \??\<instance path with # for \>#{class guid}[\reference], as on Windows. It
 * exists from registration on but resolves only while it is enabled.
 */
#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/name.h"

enum { INTERFACE_UNITS_MAX = 400, GUID_TEXT_MAX = 40 };

static void guid_to_text(const GUID *guid, char *text)
{
    const unsigned char *d = guid->Data4;

    lib_snprintf(text, GUID_TEXT_MAX, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
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
    char guid_text[GUID_TEXT_MAX];
    size_t at = 0;

    guid_to_text(guid, guid_text);
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
    status = io_name_insert(IO_NAME_LINK, &name, NULL, &target, NULL);
    if (NT_SUCCESS(status))
        io_name_link_enable(&name, false);
    else if (status == STATUS_OBJECT_NAME_COLLISION) /* registered before */
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
    return io_name_link_enable(SymbolicLinkName, Enable);
}
LDR_EXPORT(IoSetDeviceInterfaceState);
