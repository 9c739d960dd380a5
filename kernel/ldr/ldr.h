/*
 * ldr/ldr.h - driver images: from the bytes of a .sys file to a started driver.
 *
 *   ldr_image_load     check, map, relocate, bind imports, protect (W^X)
 *   ldr_driver_start   DRIVER_OBJECT, security cookie, entry point in a system thread
 *   ldr_driver_unload  DriverUnload, then unmap
 *
 * What goes wrong is said in one log line that names the file and the field; a missing import never
 * comes alone: all of them stand in that line.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

#include "parse/pe.h"

enum { LDR_NAME_MAX = 64 };

/* Legend: (c) constant once loaded, (l) loader lock. */
struct ldr_image {
    char name[LDR_NAME_MAX]; /* (c) file name, "edu-line.sys" */
    uint64_t base;           /* (c) */
    uint64_t size;           /* (c) bytes of address space */
    struct pe_image pe;      /* (c) points into the boot archive, which stays mapped */
    PDRIVER_OBJECT driver;   /* (c) NULL until started */
    struct ldr_image *next;  /* (l) */
};

/* Hashes the exports table, registers image look-up with the bug check. Once, at boot. */
void ldr_init(void);

/*
 * `file` stays in memory as long as the image. PASSIVE_LEVEL.
 * STATUS_INVALID_IMAGE_FORMAT, STATUS_DRIVER_ENTRYPOINT_NOT_FOUND (missing imports, listed in the
 * log), STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS ldr_image_load(const char *name, const void *file, uint64_t size,
                        struct ldr_image **image);
/* No code of it may run any more. */
void ldr_image_unload(struct ldr_image *image);

/*
 * Call the image's entry point with a new driver object and the registry path
 * \Registry\Machine\System\CurrentControlSet\Services\<service>. On failure the driver object is
 * gone, the image still loaded.
 */
NTSTATUS ldr_driver_start(struct ldr_image *image, const char *service, PDRIVER_OBJECT *driver);
/* DriverUnload if it has one, then the image. False: no unload routine, nothing was done. */
bool ldr_driver_unload(PDRIVER_OBJECT driver);

/* The image that holds an address, or NULL. Any IRQL; at a bug check too. */
const struct ldr_image *ldr_image_containing(uint64_t address);
/* Visit all images in load order. The callback must not block. */
void ldr_image_for_each(void (*visit)(const struct ldr_image *image, void *context), void *context);

/* The address a driver gets for an import name, or NULL. Any IRQL after ldr_init(). */
const void *ldr_export_find(const char *name);
uint32_t ldr_export_count(void);
