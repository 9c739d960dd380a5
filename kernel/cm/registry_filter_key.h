/*
 * cm/registry_filter_key.h - what registry filters know of keys: contexts of their own, and names.
 * Between registry_filter.c and registry_filter_key.c only.
 */
#pragma once

#include "cm/registry.h"

/* The context that a filter has given the key, or NULL. IRQL <= DISPATCH_LEVEL. */
PVOID cm_filter_context(const LARGE_INTEGER *cookie, const void *key);
/* Have a filter clean up all that it has given. IRQL <= APC_LEVEL. */
void cm_filter_contexts_end(const LARGE_INTEGER *cookie);

/* registry_filter.c: is that a filter's cookie; have the filter clean up a context. */
bool cm_filter_is_registered(const LARGE_INTEGER *cookie);
void cm_filter_cleanup(const LARGE_INTEGER *cookie, void *key, PVOID context);
