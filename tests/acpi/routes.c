/*
 * acpi-routes [-v] DIR: the INTx routes that a machine's ACPI tables tell, one line an entry.
 *
 * DIR holds raw tables (*.aml). They are evaluated by the kernel's own code, kernel/acpi, after
 * \_PIC(1); the output is the normal form of docs/spec/acpi.md, in which the corpus' expected
 * routes are written. -v: the kernel's log goes to standard error. Exit status 1: no namespace.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/acpi.h"
#include "acpi/eval.h"
#include "host.h"

enum { PINS_NAMED = 26 };

/* The namespace stays until the process ends. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

struct sums {
    unsigned prt, ok, bad, routed, linked, links;
};

static void prt_head_print(const struct acpi_prt *prt)
{
    printf("prt %s hid=%s at=", prt->path, prt->hid[0] != '\0' ? prt->hid : "-");
    if (prt->root != NULL)
        printf("%s/%X:%X", prt->root->path, prt->root->segment, prt->root->bus);
    else
        printf("-");
    for (uint32_t i = 0; i < prt->hop_count; i++)
        printf("/%02X.%X", prt->hops[i] >> 8, prt->hops[i] & 0xFF);
    if (prt->sta >= 0)
        printf(" sta=%" PRIX64, (uint64_t)prt->sta);
    printf("\n");
}

static void entry_print(const struct acpi_prt_entry *entry, struct sums *sums)
{
    if (entry->is_malformed || entry->pin >= PINS_NAMED) {
        printf("  bad-entry\n");
        return;
    }
    printf("  %04X.%04X %c ", entry->device, entry->function, 'A' + (int)entry->pin);
    if (entry->link == NULL)
        printf("gsi %" PRIu32 "\n", entry->number);
    else
        printf("link %s %" PRIu32 "\n", entry->link->path, entry->number);
    if (entry->link == NULL)
        sums->routed++;
    else
        sums->linked++;
}

static void prt_print(const struct acpi_prt *prt, struct sums *sums)
{
    prt_head_print(prt);
    sums->prt++;
    if (prt->error != NULL) {
        printf("  error %s\n", prt->error);
        sums->bad++;
        return;
    }
    sums->ok++;
    for (uint32_t i = 0; i < prt->entry_count; i++)
        entry_print(&prt->entries[i], sums);
}

static void possible_print(const struct acpi_link *link)
{
    union acpi_object *object;
    acpi_handle method;
    acpi_status status;

    if (ACPI_FAILURE(acpi_get_handle(link->handle, METHOD_NAME__PRS, &method))) {
        printf(" prs=none\n");
        return;
    }
    status = acpi_eval(link->handle, METHOD_NAME__PRS, &object);
    if (ACPI_FAILURE(status)) {
        printf(" prs=error:%s\n", acpi_eval_status_name(status));
        return;
    }
    printf(" prs=");
    for (u32 i = 0; object->type == ACPI_TYPE_BUFFER && i < object->buffer.length; i++)
        printf("%02X", object->buffer.pointer[i]);
    printf("\n");
    acpi_eval_free(object);
}

static void link_print(const struct acpi_link *link)
{
    uint64_t value;

    printf("link %s", link->path);
    if (acpi_eval_integer(link->handle, METHOD_NAME__UID, &value))
        printf(" uid=%" PRIu64, value);
    if (acpi_eval_integer(link->handle, METHOD_NAME__STA, &value))
        printf(" sta=%" PRIX64, value);
    possible_print(link);
}

static int by_path(const void *left, const void *right)
{
    const struct acpi_link *const *a = left, *const *b = right;

    return strcmp((*a)->path, (*b)->path);
}

static void links_print(struct sums *sums)
{
    const struct acpi_link *link = NULL;
    const struct acpi_link **sorted;
    unsigned i = 0;

    while ((link = acpi_link_next(link)) != NULL)
        sums->links++;
    sorted = calloc(sums->links + 1u, sizeof(*sorted));
    while ((link = acpi_link_next(link)) != NULL)
        sorted[i++] = link;
    qsort(sorted, sums->links, sizeof(*sorted), by_path);
    for (i = 0; i < sums->links; i++)
        link_print(sorted[i]);
    free(sorted);
}

int main(int argc, char **argv)
{
    static struct boot_info boot;
    const struct acpi_prt *prt = NULL;
    struct sums sums = {0};

    if (argc > 1 && strcmp(argv[1], "-v") == 0) {
        host_is_verbose = true;
        argc--;
        argv++;
    }
    if (argc != 2) {
        fprintf(stderr, "usage: acpi-routes [-v] DIR\n");
        return 2;
    }
    boot.rsdp = machine_load(argv[1]);
    if (boot.rsdp == 0 || !acpi_init(&boot))
        return 1;
    acpi_routing_init();
    printf("pic %s\n", acpi_pic_result());
    while ((prt = acpi_prt_next(prt)) != NULL)
        prt_print(prt, &sums);
    links_print(&sums);
    printf("sum prt=%u ok=%u bad=%u static=%u link=%u links=%u\n", sums.prt, sums.ok, sums.bad,
           sums.routed, sums.linked, sums.links);
    return 0;
}
