/*
 * io/interface.h - device interfaces: what their names say, and what becomes of them when the
 * device starts and when it goes.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

enum { IO_GUID_TEXT_SIZE = 40 };

/* "{xxxxxxxx-xxxx-...}", lower case. Any IRQL. */
void io_guid_text(const GUID *guid, char *text);

struct io_interface {
    GUID class_guid;
    UNICODE_STRING reference; /* part of the name asked with; may be empty */
    bool enabled;
};

/* What the name of a registered interface says. False: it is none's. IRQL <= DISPATCH_LEVEL. */
bool io_interface_find(PCUNICODE_STRING link, struct io_interface *found);

/*
 * The class's interfaces that those who want to know have been told of: their links, each ended by
 * a zero and all by another, to free with io_free(); NULL without memory. PASSIVE_LEVEL.
 */
WCHAR *io_interfaces_announced(const GUID *class_guid);
/* START_DEVICE has ended: tell of the interfaces that were enabled meanwhile. PASSIVE_LEVEL. */
void io_interfaces_started(PDEVICE_OBJECT pdo);
/* The device is gone: disable the interfaces that its drivers left enabled. PASSIVE_LEVEL. */
void io_interfaces_removed(PDEVICE_OBJECT pdo);
