/*
 * Lines of ordinals.txt: what is accepted fits and is terminated.
 */
#include "fuzz.h"

#include "parse/ordinal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = fuzz_string(data, size);
    struct ordinal ordinal;
    struct parse_error error = {0};

    if (ordinal_parse(line, &ordinal, &error)) {
        FUZZ_CHECK(strlen(ordinal.library) - 1 < ORDINAL_LIBRARY_MAX - 1);
        FUZZ_CHECK(strlen(ordinal.name) - 1 < ORDINAL_NAME_MAX - 1);
    } else {
        FUZZ_CHECK(error.what && error.offset <= size);
    }
    free(line);
    return 0;
}
