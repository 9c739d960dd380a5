/*
 * pnp/inf_list.c - opening INFs, and finding the .sys each one installs.
 *
 * Owns: the list, the way from an INF to a .sys of the archive. Owns not: choosing among INFs
 * (pnp/match.c), writing what they say into the registry (pnp/inf_apply.c).
 */
#include "pnp/inf_list.h"

#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "pnp/text.h"

struct pnp_inf *pnp_inf_list;

static void inf_refuse(struct pnp_inf *inf, const struct parse_error *error)
{
    log_error("pnp: %s: %s at offset 0x%llx: %s", inf->name, error->what,
              (unsigned long long)error->offset, error->detail);
    io_free(inf->scratch);
    io_free(inf);
}

void pnp_inf_add(const char *name, const void *data, uint64_t size)
{
    struct pnp_inf *inf = io_allocate(sizeof(*inf), IO_TAG_PNP);
    struct parse_error error;
    struct pnp_inf **link;

    if (inf == NULL || size > INF_FILE_SIZE_MAX) {
        log_error("pnp: %s: %s", name, inf == NULL ? "no memory" : "too large");
        io_free(inf);
        return;
    }
    lib_strlcpy(inf->name, name, sizeof(inf->name));
    inf->scratch = io_allocate(encoding_scratch_size(size), IO_TAG_PNP);
    if (inf->scratch == NULL) {
        log_error("pnp: %s: no memory", name);
        io_free(inf);
        return;
    }
    if (!inf_open(&inf->inf, data, size, inf->scratch, encoding_scratch_size(size), &error) ||
        !inf_version_read(&inf->inf, &inf->version, &error)) {
        inf_refuse(inf, &error);
        return;
    }
    if (inf->inf.text == data) { /* UTF-8: read in place */
        io_free(inf->scratch);
        inf->scratch = NULL;
    }
    for (link = &pnp_inf_list; *link != NULL;)
        link = &(*link)->next;
    *link = inf;
}

/* The .sys of the INF's own base name. */
static struct pnp_driver *driver_of_base_name(const struct pnp_inf *inf)
{
    char file[PNP_NAME_MAX];
    size_t stem = strlen(inf->name) - strlen(".inf");

    if (stem + sizeof(".sys") > sizeof(file))
        return NULL;
    memcpy(file, inf->name, stem);
    memcpy(file + stem, ".sys", sizeof(".sys"));
    return pnp_driver_by_file(file);
}

static struct pnp_driver *driver_of_copy_files(const struct pnp_inf *inf,
                                               const struct inf_match *match)
{
    struct inf_directive_iterator iterator;
    struct inf_copy_file file;
    struct parse_error error;
    struct pnp_driver *driver;

    if (!inf_copy_begin(&inf->inf, match->install, &iterator))
        return NULL;
    while (inf_copy_next(&iterator, &file, &error) == PARSE_ITEM) {
        driver = pnp_driver_by_file(file.target);
        if (driver == NULL)
            driver = pnp_driver_by_file(file.source);
        if (driver != NULL)
            return driver;
    }
    return NULL;
}

struct pnp_driver *pnp_inf_driver(const struct pnp_inf *inf, const struct inf_match *match,
                                  struct inf_service *service)
{
    struct pnp_driver *driver = NULL;
    struct parse_error error;

    if (inf_service_find(&inf->inf, match->services, service, &error))
        driver = pnp_driver_by_file(service->file_name);
    else
        service->name[0] = 0;
    if (driver == NULL)
        driver = driver_of_copy_files(inf, match);
    if (driver == NULL)
        driver = driver_of_base_name(inf);
    return driver;
}

/* Does the INF's text contain the file's name, in any case? */
static bool inf_mentions(const struct pnp_inf *inf, const char *file)
{
    size_t length = strlen(file);
    char first = lib_downcase(file[0]);
    uint32_t at;

    for (at = 0; at + length <= inf->inf.size; at++)
        if (lib_downcase(inf->inf.text[at]) == first &&
            lib_strnicmp(inf->inf.text + at, file, length) == 0)
            return true;
    return false;
}

void pnp_inf_resolve(void)
{
    struct pnp_driver *driver;
    struct pnp_inf *inf;

    for (driver = pnp_driver_list; driver != NULL; driver = driver->next)
        for (inf = pnp_inf_list; inf != NULL && !driver->has_inf; inf = inf->next)
            driver->has_inf = driver_of_base_name(inf) == driver || inf_mentions(inf, driver->file);
}
