/*
 * ldr/imports.c - binding a driver's imports.
 *
 * Library names compare without regard to case; all of them are answered from the one exports
 * table. What we lack is collected and logged in one go, so that a driver author sees the whole
 * list the first time.
 *
 * The ordinals of these libraries change with each build of Windows, so a number alone does not
 * say which routine a driver means. ordinals.txt of the boot archive, one `library number name` a
 * line, tells it for the build that the driver was linked with; an ordinal that is not there is
 * missing.
 *
 * Owns: the import slots of an image. Owns not: the table (ldr/exports.c), parsing (parse/pe.c).
 */
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "ke/verifier.h"
#include "ldr/internal.h"
#include "parse/ordinal.h"
#include "pnp/pnp.h"
#include "pnp/text.h"

enum { MISSING_LINE = LOG_LINE_MAX - 96 }; /* prefix, image name and end of line fit beside it */

static const char *const libraries[] = {"ntoskrnl.exe", "hal.dll", "wmilib.sys"};

/* Names that are missing, in lines as long as the log takes. */
struct missing_list {
    const struct ldr_image *image;
    uint32_t count;
    size_t length;
    char text[MISSING_LINE];
};

static bool library_known(const char *library)
{
    size_t i;

    for (i = 0; i < ARRAY_COUNT(libraries); i++)
        if (lib_stricmp(library, libraries[i]) == 0)
            return true;
    return false;
}

static void missing_flush(struct missing_list *missing)
{
    if (missing->length != 0)
        log_error("ldr: %s: missing imports: %s", missing->image->name, missing->text);
    missing->length = 0;
}

static void missing_add(struct missing_list *missing, const struct pe_import *import)
{
    char name[160];
    size_t length;

    if (import->name != NULL)
        lib_snprintf(name, sizeof(name), "%s!%s", import->library, import->name);
    else
        lib_snprintf(name, sizeof(name), "%s!#%u", import->library, import->ordinal);
    length = strlen(name);
    if (missing->length + length + 3 > sizeof(missing->text))
        missing_flush(missing);
    missing->length += (size_t)lib_snprintf(missing->text + missing->length,
                                            sizeof(missing->text) - missing->length, "%s%s",
                                            missing->length == 0 ? "" : ", ", name);
    missing->count++;
}

/* A line of ordinals.txt is compared with what is wanted; the first that fits counts. */
struct ordinal_search {
    const struct pe_import *wanted;
    struct ordinal line;
    bool found;
};

static void ordinal_compare(const char *text, void *context)
{
    struct ordinal_search *search = context;
    struct parse_error error;

    if (search->found)
        return;
    if (!ordinal_parse(text, &search->line, &error))
        log_warn("ldr: ordinals.txt: \"%s\": %s at offset 0x%llx: %s", text, error.what,
                 (unsigned long long)error.offset, error.detail);
    else
        search->found = search->line.number == search->wanted->ordinal &&
                        lib_stricmp(search->line.library, search->wanted->library) == 0;
}

/* Give an import by ordinal its name, if the archive tells it; search holds the name. */
static void ordinal_resolve(struct pe_import *import, struct ordinal_search *search)
{
    const void *text;
    uint64_t size;

    *search = (struct ordinal_search){.wanted = import};
    if (pnp_archive_find("ordinals.txt", &text, &size))
        pnp_text_lines(text, size, ordinal_compare, search);
    if (search->found)
        import->name = search->line.name;
}

NTSTATUS ldr_imports_bind(struct ldr_image *image)
{
    struct missing_list missing = {.image = image};
    struct ordinal_search search;
    struct pe_import_iterator iterator;
    struct parse_error error;
    struct pe_import import;
    enum parse_step step;

    pe_import_begin(&image->pe, &iterator);
    while ((step = pe_import_next(&iterator, &import, &error)) == PARSE_ITEM) {
        uint64_t address = 0;

        if (import.name == NULL)
            ordinal_resolve(&import, &search);
        if (import.name != NULL && library_known(import.library))
            address = (uint64_t)ldr_export_find(import.name);
        if (address != 0 && ke_verifier != NULL)
            address = (uint64_t)ke_verifier->import(image->name, import.name, (void *)address);
        if (address == 0)
            missing_add(&missing, &import);
        else
            memcpy((void *)(image->base + import.slot_rva), &address, sizeof(address));
    }
    if (step == PARSE_BAD) {
        log_error("ldr: %s: %s at offset 0x%llx: %s", image->name, error.what,
                  (unsigned long long)error.offset, error.detail);
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    missing_flush(&missing);
    if (missing.count != 0) {
        log_error("ldr: %s: not started: %u imports are missing", image->name, missing.count);
        return STATUS_DRIVER_ENTRYPOINT_NOT_FOUND;
    }
    return STATUS_SUCCESS;
}
