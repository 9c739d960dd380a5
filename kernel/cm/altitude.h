/*
 * cm/altitude.h - altitudes of registry filters: decimal numbers as text, "380010" or "380010.5",
 * of any length (WDK: "Load Order Groups and Altitudes for Minifilter Drivers").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct altitude {
    const uint16_t *units;
    size_t length;
};

/* The whole part without leading zeros; *fraction: behind the point, without trailing ones. */
static inline struct altitude altitude_split(struct altitude whole, struct altitude *fraction)
{
    size_t point = 0;

    while (point < whole.length && whole.units[point] != '.')
        point++;
    *fraction = (struct altitude){whole.units + point, 0};
    if (point < whole.length) {
        *fraction = (struct altitude){whole.units + point + 1, whole.length - point - 1};
        while (fraction->length != 0 && fraction->units[fraction->length - 1] == '0')
            fraction->length--;
    }
    whole.length = point;
    while (whole.length != 0 && whole.units[0] == '0') {
        whole.units++;
        whole.length--;
    }
    return whole;
}

/* At least one digit, and at most one point. */
static inline bool altitude_is_valid(struct altitude altitude)
{
    size_t digits = 0, points = 0;

    for (size_t i = 0; i < altitude.length; i++) {
        if (altitude.units[i] == '.')
            points++;
        else if (altitude.units[i] >= '0' && altitude.units[i] <= '9')
            digits++;
        else
            return false;
    }
    return digits != 0 && points <= 1;
}

static inline int altitude_compare_digits(struct altitude left, struct altitude right)
{
    for (size_t i = 0; i < left.length && i < right.length; i++)
        if (left.units[i] != right.units[i])
            return left.units[i] < right.units[i] ? -1 : 1;
    return left.length == right.length ? 0 : left.length < right.length ? -1 : 1;
}

/* Of valid ones: less than, equal to or greater than 0, as left is. */
static inline int altitude_compare(struct altitude left, struct altitude right)
{
    struct altitude left_fraction, right_fraction;

    left = altitude_split(left, &left_fraction);
    right = altitude_split(right, &right_fraction);
    if (left.length != right.length)
        return left.length < right.length ? -1 : 1;
    return altitude_compare_digits(left, right) != 0
               ? altitude_compare_digits(left, right)
               : altitude_compare_digits(left_fraction, right_fraction);
}
