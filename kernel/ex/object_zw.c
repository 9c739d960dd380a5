/*
 * ex/object_zw.c - questions about objects by handle.
 */
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "ke/ob.h"

enum { TYPE_NAME_MAX = 32 };

static NTSTATUS query_basic(const struct ob_header *header, ACCESS_MASK granted, PVOID buffer,
                            ULONG size, PULONG needed)
{
    PPUBLIC_OBJECT_BASIC_INFORMATION information = buffer;

    *needed = sizeof *information;
    if (size != sizeof *information)
        return STATUS_INFO_LENGTH_MISMATCH;
    memset(information, 0, sizeof *information);
    information->GrantedAccess = granted;
    information->HandleCount = (ULONG)header->handle_count;
    information->PointerCount = (ULONG)(header->reference_count - 1); /* not ours */
    return STATUS_SUCCESS;
}

/* The name follows the structure in the caller's buffer. */
static NTSTATUS query_type(const struct ob_header *header, PVOID buffer, ULONG size, PULONG needed)
{
    PPUBLIC_OBJECT_TYPE_INFORMATION information = buffer;
    WCHAR name[TYPE_NAME_MAX];
    size_t units = lib_wide_from_utf8(name, TYPE_NAME_MAX - 1, header->type->name,
                                      lib_strnlen(header->type->name, TYPE_NAME_MAX - 1));
    USHORT bytes = (USHORT)(units * sizeof(WCHAR));

    name[units] = 0;
    *needed = (ULONG)(sizeof *information + bytes + sizeof(WCHAR));
    if (size < *needed)
        return STATUS_INFO_LENGTH_MISMATCH;
    memset(information, 0, sizeof *information);
    information->TypeName.Buffer = (PWCH)(information + 1);
    information->TypeName.Length = bytes;
    information->TypeName.MaximumLength = (USHORT)(bytes + sizeof(WCHAR));
    memcpy(information->TypeName.Buffer, name, bytes + sizeof(WCHAR));
    return STATUS_SUCCESS;
}

/* WDK surface */

NTSTATUS NTAPI ZwQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                             PVOID ObjectInformation, ULONG ObjectInformationLength,
                             PULONG ReturnLength)
{
    ULONG needed = 0;
    ACCESS_MASK granted;
    NTSTATUS status;
    void *object;

    ASSERT_IRQL(PASSIVE_LEVEL);
    status = ob_handle_look_up(Handle, NULL, &object, &granted);
    if (!NT_SUCCESS(status))
        return status;
    if (ObjectInformationClass == ObjectBasicInformation)
        status = query_basic((struct ob_header *)object - 1, granted, ObjectInformation,
                             ObjectInformationLength, &needed);
    else if (ObjectInformationClass == ObjectTypeInformation)
        status = query_type((struct ob_header *)object - 1, ObjectInformation,
                            ObjectInformationLength, &needed);
    else
        status = STATUS_INVALID_INFO_CLASS;
    ob_dereference(object);
    if (ReturnLength != NULL)
        *ReturnLength = needed;
    return status;
}
LDR_EXPORT(ZwQueryObject);
