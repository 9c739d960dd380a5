/*
 * The FADT, as it comes and with its header mended.
 */
#include "fuzz.h"

#include "parse/fadt.h"

static void parse(const uint8_t *table, size_t size)
{
    struct fadt fadt;

    if (fadt_parse(table, size, &fadt, NULL))
        FUZZ_CHECK(!fadt.has_reset || fadt.reset.address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *table = fuzz_acpi_table(data, size, "FACP");

    parse(data, size);
    if (table)
        parse(table, size);
    free(table);
    return 0;
}
