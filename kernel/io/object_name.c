/*
 * io/object_name.c - ObQueryNameString: what an object is called.
 *
 * Named are drivers, devices, events, and files by their device and what follows its name.
 */
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "io/driver.h"
#include "io/name.h"
#include "io/object_types.h"

/* Up to as much as fits; the length of all is counted on. */
struct name_out {
    PWCHAR buffer;
    ULONG room; /* bytes */
    ULONG length;
};

static void put(struct name_out *out, PCUNICODE_STRING text)
{
    if (out->length + text->Length <= out->room)
        memcpy((PUCHAR)out->buffer + out->length, text->Buffer, text->Length);
    out->length += text->Length;
}

struct name_search {
    const void *object;
    struct name_out *out;
    bool found;
};

static void put_if_it(const struct io_name *name, void *context)
{
    struct name_search *search = context;

    if (search->found || name->object != search->object || name->kind == IO_NAME_LINK)
        return;
    search->found = true;
    put(search->out, &name->path);
}

static void put_name(const void *object, struct name_out *out)
{
    struct name_search search = {object, out, false};
    const struct _OBJECT_TYPE *type = ob_type(object);

    if (type == &io_driver_type) {
        put(out, &((const DRIVER_OBJECT *)object)->DriverName);
    } else if (type == &io_file_type) {
        const FILE_OBJECT *file = object;

        search.object = file->DeviceObject;
        io_name_for_each(put_if_it, &search);
        put(out, &file->FileName);
    } else {
        io_name_for_each(put_if_it, &search);
    }
}

/* WDK surface */

/*
 * STATUS_INFO_LENGTH_MISMATCH: it does not fit, and *ReturnLength tells what does. An object
 * without a name has an empty one. IRQL = PASSIVE_LEVEL. WDK: ObQueryNameString
 */
NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo,
                                 ULONG Length, PULONG ReturnLength)
{
    struct name_out out = {.buffer = (PWCHAR)(ObjectNameInfo + 1)};

    if (Length > sizeof(*ObjectNameInfo) + sizeof(WCHAR))
        out.room = Length - (ULONG)(sizeof(*ObjectNameInfo) + sizeof(WCHAR));
    put_name(Object, &out);
    *ReturnLength = (ULONG)sizeof(*ObjectNameInfo);
    if (out.length != 0)
        *ReturnLength += out.length + (ULONG)sizeof(WCHAR);
    if (Length < *ReturnLength)
        return STATUS_INFO_LENGTH_MISMATCH;
    ObjectNameInfo->Name = (UNICODE_STRING){.Buffer = NULL};
    if (out.length != 0) {
        out.buffer[out.length / sizeof(WCHAR)] = 0;
        ObjectNameInfo->Name.Length = (USHORT)out.length;
        ObjectNameInfo->Name.MaximumLength = (USHORT)(out.length + sizeof(WCHAR));
        ObjectNameInfo->Name.Buffer = out.buffer;
    }
    return STATUS_SUCCESS;
}
LDR_EXPORT(ObQueryNameString);
