/*
 * The MADT, as it comes and with its header mended.
 */
#include "fuzz.h"

#include "parse/madt.h"

static void walk(const uint8_t *table, size_t size)
{
    struct madt madt;
    struct madt_entry entry;
    struct parse_error error = {0};
    enum parse_step step;
    size_t count = 0;

    if (!madt_open(&madt, table, size, &error))
        return;
    while ((step = madt_next(&madt, &entry, &error)) == PARSE_ITEM) {
        FUZZ_CHECK(++count <= size / 2);
        FUZZ_CHECK(entry.polarity != 2 && entry.trigger != 2);
    }
    FUZZ_CHECK(step == PARSE_END || error.offset < size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *table = fuzz_acpi_table(data, size, "APIC");

    walk(data, size);
    if (table)
        walk(table, size);
    free(table);
    return 0;
}
