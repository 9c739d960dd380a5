/*
 * ldr/kernel_image.c - the kernel as a PE image, for drivers that read ntoskrnl.exe in memory.
 *
 * They find its base among the modules (ldr/system_zw.c) and look names up in its export directory.
 * The kernel is an ELF file; headers and a directory like those of a PE image are made when first
 * asked for, and mapped read only in front of it, so that every export lies above the base. There
 * is one section, the kernel. Format: Microsoft "PE Format".
 */
#include <hal/hal.h>
#include <hw/pe.h>
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "ke/ke.h"
#include "ldr/internal.h"
#include "mm/mm.h"

#define IMAGE_NAME "ntoskrnl.exe"

enum {
    SIGNATURE_OFFSET = 0x80,
    EXPORTS_OFFSET = 0x400,
};

static struct ldr_kernel_image made; /* base 0: not yet */
static FAST_MUTEX mutex = KE_FAST_MUTEX_FREE(mutex);

struct image_headers {
    uint32_t signature;
    struct pe_file_header file;
    struct pe_optional_header optional;
    struct pe_data_directory directories[PE_DIRECTORY_COUNT];
    struct pe_section_header section;
};

static uint32_t exports_size(void)
{
    uint32_t count = ldr_export_count();
    uint32_t size = sizeof(struct pe_export_directory) + sizeof(IMAGE_NAME) +
                    count * (2 * sizeof(uint32_t) + sizeof(uint16_t));

    for (uint32_t i = 0; i < count; i++)
        size += (uint32_t)strlen(__ldr_exports_start[i].name) + 1;
    return size;
}

/* Indices of the exports in the order of their names. */
static void sort_names(uint16_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;

        while (at > 0 &&
               strcmp(__ldr_exports_start[order[at - 1]].name, __ldr_exports_start[i].name) > 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = (uint16_t)i;
    }
}

static uint32_t string_put(uint8_t *image, uint32_t *offset, const char *text)
{
    uint32_t start = *offset;
    uint32_t size = (uint32_t)strlen(text) + 1;

    memcpy(image + start, text, size);
    *offset += size;
    return start;
}

/* `image` is where the pages can be written, `base` where they will be read. */
static void exports_write(uint8_t *image, uint64_t base)
{
    uint32_t count = ldr_export_count();
    struct pe_export_directory *directory = (void *)(image + EXPORTS_OFFSET);
    uint32_t offset = EXPORTS_OFFSET + sizeof(*directory);

    *directory = (struct pe_export_directory){
        .ordinal_base = 1,
        .number_of_functions = count,
        .number_of_names = count,
        .functions = offset,
        .names = offset + count * sizeof(uint32_t),
        .name_ordinals = offset + 2 * count * sizeof(uint32_t),
    };
    uint32_t *functions = (void *)(image + directory->functions);
    uint32_t *names = (void *)(image + directory->names);
    uint16_t *ordinals = (void *)(image + directory->name_ordinals);

    offset = directory->name_ordinals + count * sizeof(uint16_t);
    directory->name = string_put(image, &offset, IMAGE_NAME);
    sort_names(ordinals, count);
    for (uint32_t i = 0; i < count; i++) {
        functions[i] = (uint32_t)((uint64_t)__ldr_exports_start[i].address - base);
        names[i] = string_put(image, &offset, __ldr_exports_start[ordinals[i]].name);
    }
}

static void headers_write(uint8_t *image, uint32_t exports, uint64_t base, uint64_t kernel,
                          uint64_t end)
{
    struct image_headers *headers = (void *)(image + SIGNATURE_OFFSET);

    *(uint16_t *)image = PE_DOS_MAGIC;
    *(uint32_t *)(image + PE_DOS_NEW_HEADER) = SIGNATURE_OFFSET;
    *headers = (struct image_headers){
        .signature = PE_SIGNATURE,
        .file = {.machine = PE_MACHINE_AMD64,
                 .number_of_sections = 1,
                 .size_of_optional_header =
                     sizeof(headers->optional) + sizeof(headers->directories),
                 .characteristics = PE_FILE_EXECUTABLE_IMAGE},
        .optional = {.magic = PE_MAGIC_PE32_PLUS,
                     .size_of_code = (uint32_t)(end - kernel),
                     .base_of_code = (uint32_t)(kernel - base),
                     .image_base = base,
                     .section_alignment = HAL_PAGE_SIZE,
                     .file_alignment = HAL_PAGE_SIZE,
                     .major_operating_system_version = 10,
                     .major_subsystem_version = 10,
                     .size_of_image = (uint32_t)(end - base),
                     .size_of_headers = (uint32_t)(kernel - base),
                     .subsystem = PE_SUBSYSTEM_NATIVE,
                     .number_of_rva_and_sizes = PE_DIRECTORY_COUNT},
        .directories = {[PE_DIRECTORY_EXPORT] = {EXPORTS_OFFSET, exports}},
        .section = {.name = ".text",
                    .virtual_size = (uint32_t)(end - kernel),
                    .virtual_address = (uint32_t)(kernel - base),
                    .characteristics = PE_SCN_CNT_CODE | PE_SCN_MEM_EXECUTE | PE_SCN_MEM_READ},
    };
}

static bool image_make(struct ldr_kernel_image *image)
{
    phys_addr_t kernel, end, pages;
    uint32_t exports = exports_size();
    uint64_t size = ALIGN_UP(EXPORTS_OFFSET + exports, HAL_PAGE_SIZE);
    struct mm_page_request request = {.count = size / HAL_PAGE_SIZE, .owner = MM_OWNER_IMAGE};
    uint64_t base;

    hal_kernel_extent(&kernel, &end);
    ASSERT(size <= kernel);
    base = HAL_KERNEL_BASE + kernel - size;
    pages = mm_pages_alloc(&request);
    if (pages == 0)
        return false;
    memset(hal_direct_map(pages), 0, size);
    exports_write(hal_direct_map(pages), base);
    headers_write(hal_direct_map(pages), exports, base, HAL_KERNEL_BASE + kernel,
                  HAL_KERNEL_BASE + end);
    if (!hal_page_map(base, pages, size, HAL_PAGE_READ)) {
        mm_pages_free(pages);
        return false;
    }
    *image = (struct ldr_kernel_image){.base = base, .size = HAL_KERNEL_BASE + end - base};
    return true;
}

bool ldr_kernel_image_get(struct ldr_kernel_image *image)
{
    bool is_made;

    ExAcquireFastMutex(&mutex);
    is_made = made.base != 0 || image_make(&made);
    *image = made;
    ExReleaseFastMutex(&mutex);
    return is_made;
}
