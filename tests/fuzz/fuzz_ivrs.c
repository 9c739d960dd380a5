/*
 * The IVRS table, as it comes and with its header mended: units, and the device entries of each.
 */
#include "fuzz.h"

#include "parse/ivrs.h"

static void walk(const uint8_t *table, size_t size)
{
    struct ivrs ivrs;
    struct ivrs_unit unit;
    struct ivrs_entry entry;
    struct parse_error error = {0};
    enum parse_step step;
    size_t count = 0;

    if (!ivrs_open(&ivrs, table, size, &error))
        return;
    while ((step = ivrs_next(&ivrs, &unit, &error)) == PARSE_ITEM) {
        FUZZ_CHECK(++count <= size / 24 && unit.end <= size);
        while (ivrs_entry_next(&ivrs, &unit, &entry, &error) == PARSE_ITEM)
            FUZZ_CHECK(entry.first <= entry.last);
        FUZZ_CHECK(unit.first_entry <= unit.end);
    }
    FUZZ_CHECK(step == PARSE_END || error.offset < size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *table = fuzz_acpi_table(data, size, "IVRS");

    walk(data, size);
    if (table)
        walk(table, size);
    free(table);
    return 0;
}
