/*
 * MP floating pointer and configuration table, as they come and with the sums mended.
 */
#include "fuzz.h"

#include "parse/mp_table.h"

enum { CONFIG_HEADER = 44, AT_LENGTH = 4, AT_CHECKSUM = 7 };

static void walk(const uint8_t *table, size_t size)
{
    struct mp_config config;
    struct mp_entry entry;
    struct parse_error error = {0};
    enum parse_step step;
    size_t count = 0;

    FUZZ_CHECK(mp_config_length(table, size) <= UINT16_MAX);
    if (!mp_config_open(&config, table, size, &error))
        return;
    while ((step = mp_config_next(&config, &entry, &error)) == PARSE_ITEM) {
        FUZZ_CHECK(++count <= size / 8);
        FUZZ_CHECK(strlen(entry.bus_type) < sizeof(entry.bus_type));
        FUZZ_CHECK(mp_interrupt_pci_device(&entry.interrupt) < 32);
    }
    FUZZ_CHECK(step == PARSE_END || error.what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mp_floating floating;
    size_t offset;

    if (mp_floating_find(data, size, &offset, &floating))
        FUZZ_CHECK(offset % 16 == 0 && offset + 16 <= size);
    walk(data, size);
    if (size < CONFIG_HEADER || size > UINT16_MAX)
        return 0;

    uint8_t *copy = fuzz_copy(data, size);
    uint16_t length = (uint16_t)size;
    memcpy(copy, "PCMP", 4);
    memcpy(copy + AT_LENGTH, &length, sizeof(length));
    fuzz_fix_sum(copy, size, AT_CHECKSUM);
    walk(copy, size);
    memcpy(copy, "_MP_", 4);
    copy[8] = 1;
    fuzz_fix_sum(copy, 16, 10);
    FUZZ_CHECK(mp_floating_find(copy, size, &offset, &floating));
    free(copy);
    return 0;
}
