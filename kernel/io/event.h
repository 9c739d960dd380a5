/*
 * io/event.h - event objects: what drivers hold handles to.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/*
 * An event with one reference, under a name or (path NULL) without one. Closing its last handle
 * takes the name away. STATUS_OBJECT_NAME_COLLISION, STATUS_OBJECT_NAME_INVALID,
 * STATUS_INSUFFICIENT_RESOURCES. PASSIVE_LEVEL.
 */
NTSTATUS io_event_create(PUNICODE_STRING path, EVENT_TYPE type, BOOLEAN state, void **event);
