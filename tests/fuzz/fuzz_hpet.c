/*
 * The HPET description table, as it comes and with its header mended.
 */
#include "fuzz.h"

#include "parse/hpet.h"

static void parse(const uint8_t *table, size_t size)
{
    struct hpet_table hpet;

    if (hpet_parse(table, size, &hpet, NULL))
        FUZZ_CHECK(hpet.address && hpet.comparator_count >= 1 && hpet.comparator_count <= 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *table = fuzz_acpi_table(data, size, "HPET");

    parse(data, size);
    if (table)
        parse(table, size);
    free(table);
    return 0;
}
