/*
 * A line of ordinals.txt, field by field.
 */
#include "parse/ordinal.h"

#include "parse/cmdline.h"

/* The next word, which must fit; *at moves behind it. */
static bool take_word(const char *line, uint32_t *at, char *word, uint32_t room, const char *what,
                      struct parse_error *error)
{
    uint32_t length = 0;

    while (parse_is_blank(line[*at]))
        (*at)++;
    for (; line[*at] != 0 && !parse_is_blank(line[*at]); (*at)++) {
        if (length == room - 1)
            return parse_fail(error, what, *at, "too long");
        word[length++] = line[*at];
    }
    word[length] = 0;
    return length != 0 ? true : parse_fail(error, what, *at, "missing");
}

bool ordinal_parse(const char *line, struct ordinal *ordinal, struct parse_error *error)
{
    char digits[16];
    uint64_t number;
    uint32_t at = 0;

    if (!take_word(line, &at, ordinal->library, sizeof(ordinal->library), "library", error) ||
        !take_word(line, &at, digits, sizeof(digits), "ordinal", error))
        return false;
    if (!cmdline_number(digits, 0, UINT16_MAX, &number))
        return parse_fail(error, "ordinal", at, "not a number of 16 bits");
    ordinal->number = (uint16_t)number;
    if (!take_word(line, &at, ordinal->name, sizeof(ordinal->name), "name", error))
        return false;
    while (parse_is_blank(line[at]))
        at++;
    return line[at] == 0 ? true : parse_fail(error, "line", at, "more than three fields");
}
