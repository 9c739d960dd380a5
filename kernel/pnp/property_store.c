/*
 * pnp/property_store.c - what drivers set under keys of their own; see property.h for the place.
 *
 * A key that holds nothing any more goes, so that setting and deleting leaves no trace. One mutex
 * keeps those who make keys and those who remove them apart.
 */
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/string.h>

#include "io/interface.h"
#include "ke/ke.h"
#include "ke/ob.h"
#include "pnp/property.h"

enum { PATH_SIZE = 80, LCID_UNITS = 8 };

/* MS-LCID 2.1: language and sort order; the rest is reserved. */
#define LCID_RESERVED 0xFFF00000u

static FAST_MUTEX store_mutex = KE_FAST_MUTEX_FREE(store_mutex);

NTSTATUS pnp_property_check(const DEVPROPKEY *key, LCID lcid)
{
    if (key->pid < DEVPROPID_FIRST_USABLE)
        return STATUS_NOT_IMPLEMENTED;
    if (lcid == LOCALE_SYSTEM_DEFAULT || lcid == LOCALE_USER_DEFAULT || (lcid & LCID_RESERVED) != 0)
        return STATUS_UNSUCCESSFUL;
    return STATUS_SUCCESS;
}

/* Modifiers do not add up, and only values of one size make an array. */
static bool type_is_known(DEVPROPTYPE type)
{
    DEVPROPTYPE base = type & DEVPROP_MASK_TYPE, modifier = type & DEVPROP_MASK_TYPEMOD;

    if (base > MAX_DEVPROP_TYPE || (type & ~(DEVPROP_MASK_TYPE | DEVPROP_MASK_TYPEMOD)) != 0)
        return false;
    if (modifier == DEVPROP_TYPEMOD_LIST)
        return base == DEVPROP_TYPE_STRING || base == DEVPROP_TYPE_SECURITY_DESCRIPTOR_STRING;
    if (modifier == DEVPROP_TYPEMOD_ARRAY)
        return base >= DEVPROP_TYPE_SBYTE && base != DEVPROP_TYPE_STRING &&
               base != DEVPROP_TYPE_SECURITY_DESCRIPTOR &&
               base != DEVPROP_TYPE_SECURITY_DESCRIPTOR_STRING &&
               base != DEVPROP_TYPE_STRING_INDIRECT;
    return modifier == 0;
}

/* The mutex is held. The key of all locales, referenced. */
static struct cm_key *property_key(const struct pnp_property_name *name, bool create)
{
    char guid[IO_GUID_TEXT_SIZE], path[PATH_SIZE];

    io_guid_text(&name->key->fmtid, guid);
    lib_snprintf(path, sizeof(path), "Properties\\%s\\%08x", guid, (unsigned)name->key->pid);
    return cm_key_open_text(name->owner, path, create);
}

static void locale_name(LCID lcid, WCHAR *units, UNICODE_STRING *name)
{
    char text[LCID_UNITS + 1];

    lib_snprintf(text, sizeof(text), "%08x", (unsigned)lcid);
    lib_wide_from_utf8(units, LCID_UNITS, text, LCID_UNITS);
    name->Buffer = units;
    name->Length = name->MaximumLength = LCID_UNITS * sizeof(WCHAR);
}

NTSTATUS pnp_property_load(const struct pnp_property_name *name, ULONG room, PVOID data,
                           PULONG required, PDEVPROPTYPE type)
{
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    WCHAR units[LCID_UNITS];
    UNICODE_STRING locale;
    struct cm_key *key;

    *required = 0;
    locale_name(name->lcid, units, &locale);
    ExAcquireFastMutex(&store_mutex);
    key = property_key(name, false);
    if (key != NULL) {
        *required = room;
        status = cm_value_get(key, &locale, type, data, required);
        *type &= ~PNP_PROPERTY_VALUE;
        ob_dereference(key);
    }
    ExReleaseFastMutex(&store_mutex);
    return status == STATUS_BUFFER_OVERFLOW ? STATUS_BUFFER_TOO_SMALL : status;
}

/* The key and those above it, up to Properties, as far as nothing is left in them. */
static void empty_keys_remove(const struct pnp_property_name *name, struct cm_key *key)
{
    char guid[IO_GUID_TEXT_SIZE], path[PATH_SIZE];
    ULONG children, values;

    cm_key_counts(key, &children, &values);
    if (values != 0 || !NT_SUCCESS(cm_key_delete(key)))
        return;
    io_guid_text(&name->key->fmtid, guid);
    lib_snprintf(path, sizeof(path), "Properties\\%s", guid);
    for (const char *at = path; at != NULL; at = at == path ? "Properties" : NULL) {
        struct cm_key *above = cm_key_open_text(name->owner, at, false);

        if (above == NULL)
            return;
        cm_key_delete(above); /* refused where it has subkeys */
        ob_dereference(above);
    }
}

NTSTATUS pnp_property_keep(const struct pnp_property_name *name, DEVPROPTYPE type, ULONG size,
                           const void *data)
{
    NTSTATUS status = data == NULL ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_INSUFFICIENT_RESOURCES;
    WCHAR units[LCID_UNITS];
    UNICODE_STRING locale;
    struct cm_key *key;

    if (data != NULL && !type_is_known(type))
        return STATUS_INVALID_PARAMETER;
    locale_name(name->lcid, units, &locale);
    ExAcquireFastMutex(&store_mutex);
    key = property_key(name, data != NULL);
    if (key != NULL) {
        status = data != NULL ? cm_value_set(key, &locale, PNP_PROPERTY_VALUE | type, data, size)
                              : cm_value_delete(key, &locale);
        empty_keys_remove(name, key);
        ob_dereference(key);
    }
    ExReleaseFastMutex(&store_mutex);
    return status;
}
