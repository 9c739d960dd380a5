/*
 * pnp/archive.c - the boot archives: which drivers and INFs there are.
 *
 * Every .sys becomes a struct pnp_driver, every .inf is handed to inf_list.c, every .reg to
 * preset.c, everything else can be found by name. Directories in member names are ignored: base
 * names count. named.txt lists the drivers (one base name a line, ".sys" or not) whose failure
 * must be reported.
 *
 * Owns: the driver list. Owns not: INF contents, match.cfg (pnp/match.c).
 */
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "parse/tar.h"
#include "pnp/devnode.h"
#include "pnp/pnp.h"
#include "pnp/text.h"

struct archive {
    struct archive *next;
    const void *data;
    uint64_t size;
};

static struct archive *archive_list;
struct pnp_driver *pnp_driver_list;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static bool has_extension(const char *name, const char *extension)
{
    size_t length = strlen(name);
    size_t tail = strlen(extension);

    return length > tail && lib_stricmp(name + length - tail, extension) == 0;
}

static void driver_add(const char *file, const void *data, uint64_t size)
{
    struct pnp_driver *driver;
    struct pnp_driver **link;

    if (pnp_driver_by_file(file) != NULL) {
        log_warn("pnp: %s is in the archive twice: the first one counts", file);
        return;
    }
    driver = io_allocate(sizeof(*driver), IO_TAG_PNP);
    if (driver == NULL)
        return;
    lib_strlcpy(driver->file, file, sizeof(driver->file));
    lib_strlcpy(driver->service, file, sizeof(driver->service));
    if (has_extension(driver->service, ".sys"))
        driver->service[strlen(driver->service) - strlen(".sys")] = 0;
    driver->data = data;
    driver->size = size;
    for (link = &pnp_driver_list; *link != NULL;)
        link = &(*link)->next;
    *link = driver;
}

bool pnp_archive_add(const void *data, uint64_t size)
{
    struct archive *archive = io_allocate(sizeof(*archive), IO_TAG_PNP);
    struct archive **link;
    struct tar_iterator iterator;
    struct tar_member member;
    struct parse_error error;
    enum parse_step step;

    if (archive == NULL)
        return false;
    archive->data = data;
    archive->size = size;
    for (link = &archive_list; *link != NULL;)
        link = &(*link)->next;
    *link = archive;
    tar_begin(&iterator, data, size);
    while ((step = tar_next(&iterator, &member, &error)) == PARSE_ITEM) {
        const char *name = base_name(member.name);

        if (member.type != TAR_FILE)
            continue;
        if (has_extension(name, ".sys"))
            driver_add(name, member.data, member.size);
        else if (has_extension(name, ".inf"))
            pnp_inf_add(name, member.data, member.size);
        else if (has_extension(name, ".reg"))
            pnp_preset_apply(name, member.data, member.size);
    }
    if (step == PARSE_BAD)
        log_error("pnp: boot archive: %s at offset 0x%llx: %s", error.what,
                  (unsigned long long)error.offset, error.detail);
    return step != PARSE_BAD;
}

bool pnp_archive_find(const char *name, const void **data, uint64_t *size)
{
    const struct archive *archive;

    for (archive = archive_list; archive != NULL; archive = archive->next) {
        struct tar_iterator iterator;
        struct tar_member member;
        struct parse_error error;

        tar_begin(&iterator, archive->data, archive->size);
        while (tar_next(&iterator, &member, &error) == PARSE_ITEM) {
            if (member.type == TAR_FILE && lib_stricmp(base_name(member.name), name) == 0) {
                *data = member.data;
                *size = member.size;
                return true;
            }
        }
    }
    return false;
}

struct pnp_driver *pnp_driver_by_file(const char *file)
{
    struct pnp_driver *driver = pnp_driver_list;

    while (driver != NULL && lib_stricmp(driver->file, file) != 0)
        driver = driver->next;
    return driver;
}

struct pnp_driver *pnp_driver_by_name(const char *name)
{
    size_t length = has_extension(name, ".sys") ? strlen(name) - strlen(".sys") : strlen(name);
    struct pnp_driver *driver;

    for (driver = pnp_driver_list; driver != NULL; driver = driver->next) {
        if (lib_stricmp(driver->service, name) == 0 || lib_stricmp(driver->file, name) == 0)
            return driver;
        if (lib_strnicmp(driver->file, name, length) == 0 &&
            lib_stricmp(driver->file + length, ".sys") == 0)
            return driver;
    }
    return NULL;
}

static void named_mark(const char *line, void *context)
{
    struct pnp_driver *driver = pnp_driver_by_name(line);

    if (driver != NULL) {
        driver->named = true;
    } else {
        log_error("pnp: named driver %s is not in the archive", line);
        *(bool *)context = true;
    }
}

bool pnp_named_read(void)
{
    const void *data;
    uint64_t size;
    bool missing = false;

    if (pnp_archive_find("named.txt", &data, &size))
        pnp_text_lines(data, size, named_mark, &missing);
    return missing;
}
