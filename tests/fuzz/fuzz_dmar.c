/*
 * The DMAR table, as it comes and with its header mended: units, and the scopes of each.
 */
#include "fuzz.h"

#include "parse/dmar.h"

static void walk(const uint8_t *table, size_t size)
{
    struct dmar dmar;
    struct dmar_unit unit;
    struct dmar_scope scope;
    struct parse_error error = {0};
    enum parse_step step;
    size_t count = 0;

    if (!dmar_open(&dmar, table, size, &error))
        return;
    while ((step = dmar_next(&dmar, &unit, &error)) == PARSE_ITEM) {
        FUZZ_CHECK(++count <= size / 16 && unit.end <= size);
        while (dmar_scope_next(&dmar, &unit, &scope, &error) == PARSE_ITEM)
            FUZZ_CHECK(scope.path_length >= 1 && scope.path_length <= DMAR_PATH_MAX);
        FUZZ_CHECK(unit.first_scope <= unit.end);
    }
    FUZZ_CHECK(step == PARSE_END || error.offset < size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *table = fuzz_acpi_table(data, size, "DMAR");

    walk(data, size);
    if (table)
        walk(table, size);
    free(table);
    return 0;
}
