/*
 * cm/registry_zw.h - what the registry services of keys and of values share.
 */
#pragma once

#include "cm/registry.h"

/* The key of a handle, referenced, unless it was deleted: then only ZwClose is left to do. */
NTSTATUS cm_key_of_handle(HANDLE handle, struct cm_key **key);
/* What a caller's structure takes: a fixed part, then bytes. */
NTSTATUS cm_fill_end(ULONG room, ULONG fixed, ULONG needed, PULONG result);
void cm_fill_bytes(PVOID buffer, ULONG room, ULONG offset, const void *data, ULONG size);
