/*
 * .reg files, item by item, with room for the data and without.
 */
#include "fuzz.h"

#include "parse/reg_file.h"

static void walk(const uint8_t *file, size_t size, char *scratch, uint32_t room)
{
    struct reg_file reg;
    struct reg_file_item item;
    uint8_t data[64];

    if (!reg_file_open(&reg, file, size, scratch, encoding_scratch_size(size), NULL))
        return;
    while (reg_file_next(&reg, &item, data, room, NULL) == PARSE_ITEM) {
        FUZZ_CHECK(item.size <= room);
        FUZZ_CHECK(strlen(item.name) < REG_FILE_NAME_MAX);
        FUZZ_CHECK(strlen(reg.key) > 0 && strlen(reg.key) < REG_FILE_KEY_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *scratch = malloc(encoding_scratch_size(size));

    walk(data, size, scratch, 64);
    walk(data, size, scratch, 2);
    free(scratch);
    return 0;
}
