/*
 * ldr/image.c - images in memory.
 *
 * An image is copied from its file into pages of its own near the kernel, relocated and bound
 * while all of it is writable and nothing executable; then each section gets its protection, so
 * that at no time a page is both. The headers become read-only. The list of images answers "whose
 * code is this?" for backtraces, also when the machine has been stopped, hence without a lock.
 *
 * Owns: mapping, relocation, security cookie, the image list. Owns not: imports (ldr/imports.c),
 * starting (ldr/driver.c).
 */
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ldr/internal.h"
#include "mm/mm.h"

static struct ldr_image *image_list;
static KSPIN_LOCK image_list_lock;

static bool image_lookup(uint64_t address, struct bugcheck_image *found)
{
    const struct ldr_image *image = ldr_image_containing(address);

    if (image == NULL)
        return false;
    found->base = image->base;
    found->size = image->size;
    found->name = image->name;
    found->functions_rva = image->pe.exception.rva;
    found->functions_size = image->pe.exception.size;
    return true;
}

void ldr_init(void)
{
    ldr_exports_init();
    ldr_data_init();
    lib_bugcheck_set_image_lookup(image_lookup);
}

static NTSTATUS image_malformed(const char *name, const struct parse_error *error)
{
    log_error("ldr: %s: %s at offset 0x%llx: %s", name, error->what,
              (unsigned long long)error->offset, error->detail);
    return STATUS_INVALID_IMAGE_FORMAT;
}

static void image_copy(struct ldr_image *image)
{
    struct pe_section section;
    unsigned i;

    memcpy((void *)image->base, image->pe.file.data, image->pe.size_of_headers);
    for (i = 0; pe_section_at(&image->pe, i, &section); i++)
        memcpy((void *)(image->base + section.rva), image->pe.file.data + section.raw_offset,
               section.raw_size);
}

static NTSTATUS image_relocate(struct ldr_image *image)
{
    uint64_t delta = image->base - image->pe.image_base;
    struct pe_relocation_iterator iterator;
    struct parse_error error;
    enum parse_step step;
    uint32_t rva;

    if (image->pe.relocations_stripped && delta != 0) {
        log_error("ldr: %s: relocations are stripped: it can only run at 0x%llx", image->name,
                  (unsigned long long)image->pe.image_base);
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    pe_relocation_begin(&image->pe, &iterator);
    while ((step = pe_relocation_next(&iterator, &rva, &error)) == PARSE_ITEM) {
        uint64_t value;

        memcpy(&value, (void *)(image->base + rva), sizeof(value));
        value += delta;
        memcpy((void *)(image->base + rva), &value, sizeof(value));
    }
    return step == PARSE_BAD ? image_malformed(image->name, &error) : STATUS_SUCCESS;
}

/*
 * __security_cookie: any value but 0 and the compiled-in one, upper 16 bits clear, so that a
 * string copy cannot write it. The entropy is what there is: time stamp and address.
 */
static void image_set_cookie(struct ldr_image *image)
{
    enum { COOKIE_BITS = 48 };
    uint64_t value = hal_tsc_read() ^ image->base << 16;

    if (image->pe.cookie_rva == 0)
        return;
    value *= 0x9E3779B97F4A7C15ull; /* 2^64 divided by the golden ratio */
    value ^= value >> 29;
    value = (value | 1) & (BIT(COOKIE_BITS) - 1);
    memcpy((void *)(image->base + image->pe.cookie_rva), &value, sizeof(value));
}

static void image_protect(struct ldr_image *image)
{
    struct pe_section section;
    unsigned i;

    mm_protect((void *)image->base, ALIGN_UP(image->pe.size_of_headers, HAL_PAGE_SIZE),
               HAL_PAGE_READ);
    for (i = 0; pe_section_at(&image->pe, i, &section); i++) {
        uint32_t flags = HAL_PAGE_READ;

        if (section.executable)
            flags = HAL_PAGE_EXECUTE;
        else if (section.writable)
            flags = HAL_PAGE_WRITE;
        mm_protect((void *)(image->base + section.rva), section.mapped_size, flags);
    }
}

static void image_list_insert(struct ldr_image *image)
{
    struct ldr_image **link;
    KIRQL irql;

    KeAcquireSpinLock(&image_list_lock, &irql);
    for (link = &image_list; *link != NULL;)
        link = &(*link)->next;
    __atomic_store_n(link, image, __ATOMIC_RELEASE);
    KeReleaseSpinLock(&image_list_lock, irql);
}

static void image_list_remove(struct ldr_image *image)
{
    struct ldr_image **link;
    KIRQL irql;

    KeAcquireSpinLock(&image_list_lock, &irql);
    for (link = &image_list; *link != NULL && *link != image;)
        link = &(*link)->next;
    if (*link != NULL)
        *link = image->next;
    KeReleaseSpinLock(&image_list_lock, irql);
}

NTSTATUS ldr_image_load(const char *name, const void *file, uint64_t size,
                        struct ldr_image **image_out)
{
    struct ldr_image *image;
    struct parse_error error;
    NTSTATUS status;

    ASSERT_IRQL(PASSIVE_LEVEL);
    image = io_allocate(sizeof(*image), IO_TAG_LOADER);
    if (image == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    lib_strlcpy(image->name, name, sizeof(image->name));
    if (!pe_parse(&image->pe, file, size, &error)) {
        status = image_malformed(name, &error);
        goto fail_free;
    }
    image->size = image->pe.size_of_image;
    image->base = (uint64_t)mm_image_alloc(image->size);
    if (image->base == 0) {
        log_error("ldr: %s: no memory for %llu bytes", name, (unsigned long long)image->size);
        status = STATUS_INSUFFICIENT_RESOURCES;
        goto fail_free;
    }
    image_copy(image);
    status = image_relocate(image);
    if (!NT_SUCCESS(status))
        goto fail_unmap;
    status = ldr_imports_bind(image);
    if (!NT_SUCCESS(status))
        goto fail_unmap;
    image_set_cookie(image);
    image_protect(image);
    image_list_insert(image);
    *image_out = image;
    return STATUS_SUCCESS;

fail_unmap:
    mm_image_free((void *)image->base);
fail_free:
    io_free(image);
    return status;
}

void ldr_image_unload(struct ldr_image *image)
{
    image_list_remove(image);
    mm_image_free((void *)image->base);
    io_free(image);
}

const struct ldr_image *ldr_image_containing(uint64_t address)
{
    const struct ldr_image *image = __atomic_load_n(&image_list, __ATOMIC_ACQUIRE);

    while (image != NULL && address - image->base >= image->size)
        image = __atomic_load_n(&image->next, __ATOMIC_ACQUIRE);
    return image;
}

void ldr_image_for_each(void (*visit)(const struct ldr_image *image, void *context), void *context)
{
    const struct ldr_image *image;
    KIRQL irql;

    KeAcquireSpinLock(&image_list_lock, &irql);
    for (image = image_list; image != NULL; image = image->next)
        visit(image, context);
    KeReleaseSpinLock(&image_list_lock, irql);
}
