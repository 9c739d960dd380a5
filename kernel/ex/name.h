/*
 * ex/name.h - objects of the executive by name: callbacks under \Callback, timers under
 * \BaseNamedObjects or wherever a driver puts them. Device and link names are io's.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

#include "ke/ob.h"

/*
 * The name in an OBJECT_ATTRIBUTES, or NULL where there is none. STATUS_OBJECT_PATH_SYNTAX_BAD for
 * one that is not absolute; STATUS_INVALID_HANDLE, _OBJECT_TYPE_MISMATCH for a root directory.
 */
NTSTATUS ex_name_of(const OBJECT_ATTRIBUTES *attributes, PCUNICODE_STRING *name);

/* The object of that name with a new reference. STATUS_OBJECT_NAME_NOT_FOUND, _TYPE_MISMATCH. */
NTSTATUS ex_name_lookup(PCUNICODE_STRING name, const struct _OBJECT_TYPE *type, void **object);

/*
 * Name an object; it must take its name away, by ex_name_remove(), before it is destroyed.
 * STATUS_OBJECT_NAME_COLLISION, STATUS_INSUFFICIENT_RESOURCES. IRQL <= DISPATCH_LEVEL.
 */
NTSTATUS ex_name_insert(PCUNICODE_STRING name, void *object);
void ex_name_remove(const void *object);
/* _OBJECT_TYPE::describe: its name, if it has one. */
void ex_name_describe(void *object, char *text, size_t size);
