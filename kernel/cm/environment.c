/*
 * cm/environment.c - names of variables in text, replaced by what an environment gives them.
 *
 * An environment is what Windows' processes have: strings NAME=VALUE one behind the other, and an
 * empty one at the end. Names compare without regard to case. A name without a value stays in the
 * text with the percent signs around it.
 */
#include <lib/string.h>

#include "cm/registry.h"

/* Text that is being written; `written` goes on where there is no room. */
struct expansion {
    PWSTR to;
    size_t room;
    size_t written;
};

static void put(struct expansion *out, PCWSTR text, size_t units)
{
    for (size_t i = 0; i < units; i++, out->written++)
        if (out->written < out->room)
            out->to[out->written] = text[i];
}

static bool name_is(PCWSTR string, PCWSTR name, size_t units)
{
    for (size_t i = 0; i < units; i++)
        if (lib_wide_upcase(string[i]) != lib_wide_upcase(name[i]) || string[i] == 0)
            return false;
    return string[units] == L'=';
}

/* NULL: the name has no value. */
static PCWSTR value_of(PCWSTR environment, PCWSTR name, size_t units)
{
    for (; units != 0 && *environment != 0; environment += lib_wcslen(environment) + 1)
        if (name_is(environment, name, units))
            return environment + units + 1;
    return NULL;
}

/* Units to the next percent sign at or behind `from`; `units` without one. */
static size_t percent_find(PCWSTR text, size_t from, size_t units)
{
    while (from < units && text[from] != L'%')
        from++;
    return from;
}

size_t cm_environment_expand(PCWSTR environment, PCWSTR text, size_t units, PWSTR to, size_t room)
{
    struct expansion out = {.to = to, .room = room};
    size_t at = 0;

    while (at < units) {
        size_t start = percent_find(text, at, units);
        size_t end = percent_find(text, start + 1, units);
        PCWSTR value =
            end < units ? value_of(environment, text + start + 1, end - start - 1) : NULL;

        put(&out, text + at, start - at);
        if (value != NULL) {
            put(&out, value, lib_wcslen(value));
            at = end + 1;
        } else if (start < units) {
            put(&out, text + start, 1);
            at = start + 1;
        } else {
            at = units;
        }
    }
    return out.written;
}
