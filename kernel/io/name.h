/*
 * io/name.h - the part of the object namespace that drivers see: \Device names and symbolic links.
 *
 * Names compare without regard to case. \DosDevices, \??, \GLOBAL?? and \DosDevices\Global are one
 * directory. A name is kept as the caller wrote it, for the console.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* An interface is a link that is there from registration on but leads on only while enabled. */
enum io_name_kind { IO_NAME_DEVICE, IO_NAME_LINK, IO_NAME_INTERFACE, IO_NAME_EVENT };

/* Legend: (c) constant, (d) io database lock. */
struct io_name {
    struct io_name *next;   /* (d) */
    enum io_name_kind kind; /* (c) */
    UNICODE_STRING path;    /* (c) normalised: \??\x for all spellings of DosDevices */
    void *object;           /* (d) device or event; not referenced: the object removes its name */
    UNICODE_STRING target;  /* (c) of a link or an interface */
    bool enabled;           /* (d) false: a disabled interface */
    bool announced;         /* (d) those who want to know of its class have been told of it */
};

/*
 * Whether an object may be called so. STATUS_OBJECT_PATH_SYNTAX_BAD: it does not begin at the root;
 * _OBJECT_NAME_INVALID: half a character, or nothing between two backslashes or behind the last;
 * _OBJECT_PATH_NOT_FOUND: there is no such directory.
 */
NTSTATUS io_name_check(PCUNICODE_STRING path);
/*
 * STATUS_OBJECT_NAME_COLLISION, _OBJECT_NAME_INVALID, _INSUFFICIENT_RESOURCES. An interface that is
 * there already has the new target then. PASSIVE_LEVEL.
 */
NTSTATUS io_name_insert(enum io_name_kind kind, PCUNICODE_STRING path, void *object,
                        PCUNICODE_STRING target, struct io_name **name);
void io_name_remove(struct io_name *name);
NTSTATUS io_name_remove_link(PCUNICODE_STRING path);
/*
 * Device interfaces, which are disabled at first. *tell: those who want to know are to be told now;
 * an arrival waits until the device has started. STATUS_OBJECT_NAME_EXISTS: it is enabled already.
 * STATUS_OBJECT_NAME_NOT_FOUND: there is none, or it is disabled already.
 */
NTSTATUS io_name_interface_enable(PCUNICODE_STRING path, bool enable, bool *tell);
/* Is an interface registered under that name, and enabled? */
bool io_name_interface_find(PCUNICODE_STRING path, bool *enabled);
/*
 * An enabled interface of the device that has not been announced, which it is now; or, to disable
 * them, any, which is disabled. NULL: there is no more. Its path, zero-terminated, is the caller's
 * to free with io_free(); *tell as above.
 */
WCHAR *io_name_interface_take(PDEVICE_OBJECT device, bool disable, bool *tell);

/*
 * Follow links to a device. *rest (may be NULL) is what the path has beyond the device's name; it
 * points into *buffer, which the caller frees with ExFreePool. The device comes with a reference.
 */
NTSTATUS io_name_resolve(PCUNICODE_STRING path, PDEVICE_OBJECT *device, UNICODE_STRING *rest,
                         PVOID *buffer);
/* An object of the kind under exactly that name, referenced, or NULL. */
void *io_name_lookup(enum io_name_kind kind, PCUNICODE_STRING path);

/* Visit all names, oldest first, for the console. The callback must not block. */
void io_name_for_each(void (*visit)(const struct io_name *name, void *context), void *context);
