/*
 * cm/registry_zw.h - what the registry services of keys and of values share.
 */
#pragma once

#include "cm/registry_filter.h"

/* The key of a handle, referenced, unless it was deleted: then only ZwClose is left to do. */
NTSTATUS cm_key_of_handle(HANDLE handle, struct cm_key **key);
typedef NTSTATUS cm_operate_fn(struct cm_key *key, const void *information);
/*
 * An operation on the key of a handle, between the filters. The first member of its information is
 * the key, and is filled in here; CM_FILTER() says the three that are about it.
 */
NTSTATUS cm_key_operate(HANDLE handle, REG_NOTIFY_CLASS before, REG_NOTIFY_CLASS after,
                        void *information, PVOID *call_context, PVOID *object_context,
                        cm_operate_fn *operate);
/* What a caller's structure takes: a fixed part, then bytes. */
NTSTATUS cm_fill_end(ULONG room, ULONG fixed, ULONG needed, PULONG result);
void cm_fill_bytes(PVOID buffer, ULONG room, ULONG offset, const void *data, ULONG size);
