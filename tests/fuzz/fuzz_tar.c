/*
 * ustar archives, as they come and with the checksum of every header mended.
 */
#include "fuzz.h"

#include <stdio.h>

#include "parse/tar.h"

enum { BLOCK = 512, AT_CHECKSUM = 148 };

static void walk(const uint8_t *data, size_t size)
{
    struct tar_iterator iterator;
    struct tar_member member;
    struct parse_error error = {0};
    enum parse_step step;

    tar_begin(&iterator, data, size);
    while ((step = tar_next(&iterator, &member, &error)) == PARSE_ITEM) {
        const uint8_t *bytes = member.data;
        FUZZ_CHECK(strlen(member.name) < TAR_NAME_MAX && member.name[0]);
        FUZZ_CHECK(bytes >= data && member.size <= (uint64_t)(data + size - bytes));
    }
    FUZZ_CHECK(step == PARSE_END || error.what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);

    walk(data, size);
    for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
        unsigned sum = 0;

        if (memcmp(copy + at + 257, "ustar", 5) != 0)
            continue;
        memset(copy + at + AT_CHECKSUM, ' ', 8);
        for (unsigned i = 0; i < BLOCK; i++)
            sum += copy[at + i];
        snprintf((char *)copy + at + AT_CHECKSUM, 8, "%06o", sum);
    }
    walk(copy, size);
    free(copy);
    return 0;
}
