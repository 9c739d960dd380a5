/*
 * ldr/internal.h - what the files of kernel/ldr ask of each other.
 */
#pragma once

#include <lib/bugcheck.h>

#include "ldr/ldr.h"

/* exports.c */
void ldr_exports_init(void);
/* data.c: exported variables that depend on the command line. */
void ldr_data_init(void);
/* imports.c: fill the image's import slots; the image is mapped and still writable. */
NTSTATUS ldr_imports_bind(struct ldr_image *image);
