/*
 * io/object_types.h - the object types of this folder.
 */
#pragma once

#include "ke/ob.h"

extern const struct _OBJECT_TYPE io_driver_type;
extern const struct _OBJECT_TYPE io_device_type;
extern const struct _OBJECT_TYPE io_file_type;
extern const struct _OBJECT_TYPE io_event_type;
