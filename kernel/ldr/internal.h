/*
 * ldr/internal.h - what the files of kernel/ldr ask of each other.
 */
#pragma once

#include <lib/bugcheck.h>
#include <lib/export.h>

#include "ldr/ldr.h"

/* exports.c: the table that the linker gathers (lib/export.h) */
extern const struct ldr_export __ldr_exports_start[], __ldr_exports_end[];
void ldr_exports_init(void);
/* data.c: exported variables that depend on the command line. */
void ldr_data_init(void);
/* imports.c: fill the image's import slots; the image is mapped and still writable. */
NTSTATUS ldr_imports_bind(struct ldr_image *image);

struct ldr_kernel_image {
    uint64_t base;
    uint64_t size; /* headers and kernel */
};

/* kernel_image.c: where the kernel looks like a PE image; false: no memory. PASSIVE_LEVEL. */
bool ldr_kernel_image_get(struct ldr_kernel_image *image);

/* ---- system_processes.c: what ZwQuerySystemInformation tells; *needed: how much it is -------- */

NTSTATUS ldr_query_processes(PVOID information, ULONG length, PULONG needed);
NTSTATUS ldr_query_processor_times(PVOID information, ULONG length, PULONG needed);
