/*
 * The MCFG, as it comes and with its header mended.
 */
#include "fuzz.h"

#include "parse/mcfg.h"

static void walk(const uint8_t *table, size_t size)
{
    struct mcfg mcfg;
    struct mcfg_window window;
    size_t count = 0;

    if (!mcfg_open(&mcfg, table, size, NULL))
        return;
    while (mcfg_next(&mcfg, &window, NULL) == PARSE_ITEM) {
        FUZZ_CHECK(window.first_bus <= window.last_bus && window.address);
        FUZZ_CHECK(++count <= size / 16);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *table = fuzz_acpi_table(data, size, "MCFG");

    walk(data, size);
    if (table)
        walk(table, size);
    free(table);
    return 0;
}
