/*
 * Altitudes of registry filters: what is one, and which is higher.
 */
#include "test.h"

#include "cm/altitude.h"

static struct altitude of(const char *text)
{
    static uint16_t units[4][64];
    static unsigned next;
    uint16_t *to = units[next++ % 4];
    size_t i;

    for (i = 0; text[i] != 0; i++)
        to[i] = (uint16_t)text[i];
    return (struct altitude){to, i};
}

static int compared(const char *left, const char *right)
{
    return altitude_compare(of(left), of(right));
}

static void knows_what_an_altitude_is(void **state)
{
    (void)state;
    assert_true(altitude_is_valid(of("380010")));
    assert_true(altitude_is_valid(of("380010.123456789012345678901234567890")));
    assert_true(altitude_is_valid(of(".5")));
    assert_false(altitude_is_valid(of("")));
    assert_false(altitude_is_valid(of(".")));
    assert_false(altitude_is_valid(of("1.2.3")));
    assert_false(altitude_is_valid(of("38x")));
    assert_false(altitude_is_valid(of("-1")));
}

static void compares_as_numbers(void **state)
{
    (void)state;
    assert_int_equal(compared("1000", "1000"), 0);
    assert_int_equal(compared("999", "1000"), -1);
    assert_int_equal(compared("20000", "3000"), 1);
    assert_int_equal(compared("0100", "100"), 0);
    assert_int_equal(compared("100.0", "100"), 0);
    assert_int_equal(compared("100.50", "100.5"), 0);
    assert_int_equal(compared("100.5", "100.45"), 1);
    assert_int_equal(compared("100.05", "100.5"), -1);
    assert_int_equal(compared("100", "100.0001"), -1);
    assert_int_equal(compared(".5", "0.5"), 0);
    assert_int_equal(compared("12345678901234567890123", "12345678901234567890124"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("an altitude has digits and at most one point", knows_what_an_altitude_is),
        SENTENCE("altitudes of any length compare as numbers", compares_as_numbers),
    };

    return cmocka_run_group_tests_name("altitudes", tests, NULL, NULL);
}
