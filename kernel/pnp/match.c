/*
 * pnp/match.c - which driver a device gets.
 *
 * match.cfg of the boot archive comes first: lines "<id><TAB><driver.sys>[<TAB>BB:DD.F]", where the
 * id is a hardware or compatible id and the place, hexadecimal bus, device and function, narrows it
 * down; "@BB:DD.F" instead of an id is a place alone. Otherwise the INF
 * whose model ranks best by Windows' order decides; of equals the first in the archive. A driver
 * that match.cfg names is still installed by its INF, if one matches the device.
 *
 * Owns: the choice. Owns not: ranks (parse/inf_model.c), what installing does (pnp/inf_apply.c).
 */
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "pnp/inf_list.h"
#include "pnp/match.h"
#include "pnp/pnp.h"
#include "pnp/text.h"

struct match_rule {
    struct match_rule *next;
    char id[PNP_LINE_MAX];
    char file[PNP_NAME_MAX];
    char place[24]; /* "BB:DD.F"; empty: anywhere */
};

static struct match_rule *rule_list;

/* A third field moves from behind the file name to the place; "@place" is a place for any id. */
static void rule_take_place(struct match_rule *rule)
{
    char *tab = strchr(rule->file, '\t');

    if (tab != NULL) {
        lib_strlcpy(rule->place, tab + 1, sizeof(rule->place));
        *tab = '\0';
    } else if (rule->id[0] == '@') {
        lib_strlcpy(rule->place, rule->id + 1, sizeof(rule->place));
    }
}

static void rule_add(const char *line, void *context)
{
    const char *tab = strchr(line, '\t');
    struct match_rule ***last = context;
    struct match_rule *rule;

    if (tab == NULL) {
        log_warn("pnp: match.cfg: no tab in \"%s\"", line);
        return;
    }
    rule = io_allocate(sizeof(*rule), IO_TAG_PNP);
    if (rule == NULL)
        return;
    memcpy(rule->id, line, (size_t)(tab - line));
    while (*tab == '\t' || *tab == ' ')
        tab++;
    lib_strlcpy(rule->file, tab, sizeof(rule->file));
    rule_take_place(rule);
    if (pnp_driver_by_name(rule->file) == NULL)
        log_warn("pnp: match.cfg: no driver %s in the archive", rule->file);
    **last = rule;
    *last = &rule->next;
}

void pnp_match_read(void)
{
    struct match_rule **last = &rule_list;
    const void *data;
    uint64_t size;

    if (pnp_archive_find("match.cfg", &data, &size))
        pnp_text_lines(data, size, rule_add, &last);
}

static bool list_has(const struct pnp_text_list *list, const char *id)
{
    unsigned i;

    for (i = 0; i < list->count; i++)
        if (lib_stricmp(list->texts[i], id) == 0)
            return true;
    return false;
}

/* "BB:DD.F" of a device whose bus told number and address (PCI: device << 16 | function). */
static void device_place(const struct pnp_devnode *node, char *place, size_t size)
{
    ULONG address = node->capabilities.Address;

    place[0] = 0;
    if (node->has_bus && address != ~0u)
        lib_snprintf(place, size, "%02x:%02x.%x", (unsigned)node->bus.BusNumber,
                     (unsigned)(address >> 16), (unsigned)(address & 0xFFFF));
}

/* A place is more specific than an id: those rules come first whatever the order of lines. */
static struct pnp_driver *rule_find(const struct pnp_devnode *node,
                                    const struct pnp_text_list *hardware,
                                    const struct pnp_text_list *compatible)
{
    const struct match_rule *rule;
    char place[24];

    device_place(node, place, sizeof(place));
    for (rule = rule_list; rule != NULL; rule = rule->next)
        if (rule->place[0] != '\0' && lib_stricmp(rule->place, place) == 0 &&
            (rule->id[0] == '@' || list_has(hardware, rule->id) || list_has(compatible, rule->id)))
            return pnp_driver_by_name(rule->file);
    for (rule = rule_list; rule != NULL; rule = rule->next)
        if (rule->place[0] == '\0' &&
            (list_has(hardware, rule->id) || list_has(compatible, rule->id)))
            return pnp_driver_by_name(rule->file);
    return NULL;
}

bool pnp_match_names(const struct pnp_driver *driver)
{
    const struct match_rule *rule;

    for (rule = rule_list; rule != NULL; rule = rule->next)
        if (pnp_driver_by_name(rule->file) == driver)
            return true;
    return false;
}

/* The best INF for the ids; with `only`, among those that install that driver. */
static struct pnp_inf *inf_choose(const struct inf_device_ids *ids, struct pnp_driver *only,
                                  struct inf_match *best, struct pnp_driver **driver)
{
    struct inf_match *match = io_allocate(sizeof(*match), IO_TAG_PNP);
    struct inf_service *service = io_allocate(sizeof(*service), IO_TAG_PNP);
    struct pnp_inf *chosen = NULL;
    struct pnp_inf *inf;

    for (inf = pnp_inf_list; match != NULL && service != NULL && inf != NULL; inf = inf->next) {
        struct pnp_driver *found;

        if (!inf_match(&inf->inf, ids, match) || (chosen != NULL && match->rank >= best->rank))
            continue;
        found = pnp_inf_driver(inf, match, service);
        if (found == NULL || (only != NULL && found != only))
            continue;
        *best = *match;
        *driver = found;
        chosen = inf;
    }
    io_free(match);
    io_free(service);
    return chosen;
}

void pnp_install(struct pnp_devnode *node)
{
    struct inf_match *match = io_allocate(sizeof(*match), IO_TAG_PNP);
    struct pnp_text_list hardware = {0};
    struct pnp_text_list compatible = {0};
    struct inf_device_ids ids;
    struct pnp_driver *only;
    struct pnp_inf *inf;

    if (match != NULL && pnp_multi_to_texts(node->hardware_ids, &hardware) &&
        pnp_multi_to_texts(node->compatible_ids, &compatible)) {
        ids.hardware = hardware.texts;
        ids.hardware_count = hardware.count;
        ids.compatible = compatible.texts;
        ids.compatible_count = compatible.count;
        only = rule_find(node, &hardware, &compatible);
        node->driver = only;
        inf = inf_choose(&ids, only, match, &node->driver);
        if (inf != NULL)
            pnp_inf_apply(node, inf, match, node->driver);
        node->installed = true;
    }
    io_free(hardware.texts);
    io_free(compatible.texts);
    io_free(match);
}
