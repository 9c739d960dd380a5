/*
 * What a bug check says: names and meanings of the codes.
 */
#include "test.h"

#include <inttypes.h>

#include "../../kernel/lib/bugcheck_meaning.c"
#include "../../kernel/lib/bugcheck_names.c"

int lib_snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

void lib_symbol_describe(uint64_t address, char *buffer, size_t size)
{
    snprintf(buffer, size, "first.sys+0x%" PRIx64, address);
}

static void says_what_the_parameters_mean(void **state)
{
    const uint64_t pool[] = {8, 2, 1, 100};
    const uint64_t fault[] = {0x10, 2, 0, 0x1071};
    char text[192];

    (void)state;
    assert_true(lib_bugcheck_explain(0xC2, pool, text, sizeof(text)));
    assert_string_equal(text, "0x64 bytes of pool type 0x1 are allocated at IRQL 0x2: too high "
                              "for it");
    assert_true(lib_bugcheck_explain(0xD1, fault, text, sizeof(text)));
    assert_string_equal(text, "first.sys+0x1071 used 0x10 at IRQL 0x2, where no memory is");
}

static void says_nothing_of_what_it_does_not_know(void **state)
{
    const uint64_t parameters[] = {0xFF, 0, 0, 0};
    char text[8] = "as ever";

    (void)state;
    assert_false(lib_bugcheck_explain(0xC2, parameters, text, sizeof(text)));
    assert_false(lib_bugcheck_explain(0xDEADDEAD, parameters, text, sizeof(text)));
    assert_string_equal(text, "as ever");
    assert_false(lib_bugcheck_explain(0xD1, parameters, text, 0));
}

static void never_overflows_and_fits_a_line(void **state)
{
    char text[192];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bugcheck_meanings); i++) {
        uint64_t most[] = {bugcheck_meanings[i].first, ANY, ANY, ANY};

        assert_string_not_equal(lib_bugcheck_name(bugcheck_meanings[i].code), "UNKNOWN_BUG_CHECK");
        for (size_t size = 1; size <= sizeof(text); size++) {
            memset(text, 'x', sizeof(text));
            assert_true(lib_bugcheck_explain(bugcheck_meanings[i].code, most, text, size));
            assert_true(strnlen(text, size) < size);
            assert_true(size == sizeof(text) || text[size] == 'x');
        }
        assert_true(strlen(text) < sizeof(text) - 1); /* not cut */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("the parameters of a bug check become a sentence", says_what_the_parameters_mean),
        SENTENCE("nothing is said of a code or a kind that is not known",
                 says_nothing_of_what_it_does_not_know),
        SENTENCE("each meaning has a code with a name and fits a line of the report",
                 never_overflows_and_fits_a_line),
    };

    return cmocka_run_group_tests_name("bug checks", tests, NULL, NULL);
}
