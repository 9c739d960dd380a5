/*
 * Hexadecimal text: what is accepted comes back the same after formatting.
 */
#include "fuzz.h"

#include "parse/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size);
    uint8_t bytes[64], again[64];
    char formatted[129];
    size_t length, length_again;
    struct parse_error error = {0};

    if (hex_parse(text, bytes, sizeof(bytes), &length, &error)) {
        FUZZ_CHECK(length <= sizeof(bytes));
        FUZZ_CHECK(hex_format(bytes, length, formatted, 2 * length + 1));
        FUZZ_CHECK(hex_parse(formatted, again, length, &length_again, NULL));
        FUZZ_CHECK(length == length_again && memcmp(bytes, again, length) == 0);
    } else {
        FUZZ_CHECK(error.what && error.offset <= size);
    }
    free(text);
    return 0;
}
