/*
 * The kernel command line, walked and asked for each of its own keys.
 */
#include "fuzz.h"

#include "parse/cmdline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = fuzz_string(data, size);
    struct cmdline_iterator iterator;
    struct cmdline_word word;
    char value[CMDLINE_VALUE_MAX];
    uint64_t number;

    cmdline_begin(&iterator, (const char *)data, size);
    for (unsigned i = 0; cmdline_next(&iterator, &word); i++) {
        FUZZ_CHECK(word.key_size + word.value_size <= size);
        bool fits = cmdline_value(&word, value, sizeof(value));
        FUZZ_CHECK(!fits || strlen(value) < sizeof(value));
        cmdline_value(&word, value, 1);
        if (i >= 8)
            continue;
        char *key = fuzz_string((const uint8_t *)word.key, word.key_size);
        FUZZ_CHECK(strlen(key) != word.key_size || cmdline_has(line, key));
        cmdline_get(line, key, value, 5);
        if (cmdline_get_number(line, key, 10, 1000, &number))
            FUZZ_CHECK(number >= 10 && number <= 1000);
        free(key);
    }
    cmdline_number(line, 0, UINT64_MAX, &number);
    free(line);
    return 0;
}
