/*
 * Components of the power framework: the F-state that is chosen, dependencies that make sense.
 */
#include "test.h"

#include "pnp/fx_component.h"

static const struct fx_state states[] = {{0, 0}, {10, 100}, {50, 1000}, {200, 100000}};

static uint32_t selected(uint64_t latency, uint64_t residency, bool wake, uint32_t deepest)
{
    const struct fx_hints hints = {latency, residency, wake};

    return fx_state_select(states, 4, deepest, &hints);
}

static void chooses_the_deepest_state_that_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(selected(UINT64_MAX, UINT64_MAX, false, 0), 3);
    assert_int_equal(selected(200, 100000, false, 0), 3);
    assert_int_equal(selected(199, UINT64_MAX, false, 0), 2);
    assert_int_equal(selected(UINT64_MAX, 999, false, 0), 1);
    assert_int_equal(selected(0, UINT64_MAX, false, 0), 0);
    assert_int_equal(selected(UINT64_MAX, 0, false, 0), 0);
    assert_int_equal(selected(UINT64_MAX, UINT64_MAX, true, 2), 2);
    assert_int_equal(selected(UINT64_MAX, UINT64_MAX, true, 0), 0);
    assert_int_equal(selected(10, UINT64_MAX, true, 2), 1);
}

static void skips_a_state_that_costs_more_than_a_deeper_one(void **state)
{
    static const struct fx_state odd[] = {{0, 0}, {500, 10}, {20, 10}};
    const struct fx_hints hints = {100, 100, false};

    (void)state;
    assert_int_equal(fx_state_select(odd, 3, 0, &hints), 2);
    assert_int_equal(fx_state_select(odd, 1, 0, &hints), 0);
}

#define NONE                                                                                       \
    {                                                                                              \
        0, NULL                                                                                    \
    }

static void takes_dependencies_without_circles(void **state)
{
    static const uint32_t zero[] = {0}, one[] = {1}, two[] = {2}, three[] = {3}, four[] = {4},
                          both[] = {0, 1}, twice[] = {1, 1}, self[] = {0}, beyond[] = {6};
    const struct fx_providers chain[] = {NONE, {1, zero}, {1, one}, {1, two}, {1, three}};
    const struct fx_providers long_chain[] = {NONE,     {1, zero},  {1, one},
                                              {1, two}, {1, three}, {1, four}};
    const struct fx_providers circle[] = {{1, one}, {1, zero}};
    const struct fx_providers diamond[] = {NONE, {1, zero}, {2, both}};
    const struct fx_providers repeated[] = {NONE, NONE, {2, twice}};
    const struct fx_providers own[] = {{1, self}, NONE};
    const struct fx_providers unknown[] = {NONE, {1, beyond}};

    (void)state;
    assert_true(fx_providers_are_valid(chain, 5));
    assert_false(fx_providers_are_valid(long_chain, 6));
    assert_false(fx_providers_are_valid(circle, 2));
    assert_true(fx_providers_are_valid(diamond, 3));
    assert_false(fx_providers_are_valid(repeated, 3));
    assert_false(fx_providers_are_valid(own, 2));
    assert_false(fx_providers_are_valid(unknown, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("the deepest F-state that latency, residency and wake allow is chosen",
                 chooses_the_deepest_state_that_is_allowed),
        SENTENCE("an F-state that costs more than a deeper one is skipped",
                 skips_a_state_that_costs_more_than_a_deeper_one),
        SENTENCE("dependencies of components end, and name each provider once",
                 takes_dependencies_without_circles),
    };

    return cmocka_run_group_tests_name("power framework", tests, NULL, NULL);
}
