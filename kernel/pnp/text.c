/*
 * pnp/text.c - lines of text files, conversions of device ids.
 */
#include "pnp/text.h"

#include <lib/string.h>

#include "io/alloc.h"
#include "parse/parse.h"

enum { UTF8_PER_UNIT = 3 }; /* the longest UTF-8 form of one UTF-16 unit */

void pnp_text_lines(const void *data, uint64_t size, void (*line)(const char *text, void *context),
                    void *context)
{
    const char *at = data;
    const char *end = at + size;

    while (at < end) {
        char text[PNP_LINE_MAX];
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop == NULL ? end : stop + 1;
        size_t length;

        if (stop == NULL)
            stop = end;
        while (at < stop && parse_is_blank(*at))
            at++;
        while (stop > at && parse_is_blank(stop[-1]))
            stop--;
        length = (size_t)(stop - at);
        if (length >= sizeof(text))
            length = sizeof(text) - 1;
        memcpy(text, at, length);
        text[length] = 0;
        if (length != 0 && text[0] != '#')
            line(text, context);
        at = next;
    }
}

void pnp_text_from_wide(char *text, size_t size, const WCHAR *wide)
{
    lib_utf8_cut(text, size, wide, lib_wcslen(wide));
}

ULONG pnp_wide_size(const WCHAR *wide)
{
    return wide == NULL ? 0 : (ULONG)((lib_wcslen(wide) + 1) * sizeof(WCHAR));
}

ULONG pnp_multi_size(const WCHAR *multi)
{
    const WCHAR *at = multi;

    if (multi == NULL)
        return 0;
    while (*at != 0)
        at += lib_wcslen(at) + 1;
    return (ULONG)((size_t)(at + 1 - multi) * sizeof(WCHAR));
}

bool pnp_multi_to_texts(const WCHAR *multi, struct pnp_text_list *list)
{
    size_t units = pnp_multi_size(multi) / sizeof(WCHAR);
    const WCHAR *at;
    unsigned count = 0;
    char *text;

    list->count = 0;
    list->texts = NULL;
    if (units == 0)
        return true;
    for (at = multi; *at != 0; at += lib_wcslen(at) + 1)
        count++;
    list->texts = io_allocate(count * sizeof(char *) + units * UTF8_PER_UNIT + 1, IO_TAG_PNP);
    if (list->texts == NULL)
        return false;
    text = (char *)(list->texts + count);
    for (at = multi; *at != 0; at += lib_wcslen(at) + 1) {
        size_t length = lib_wcslen(at);

        list->texts[list->count++] = text;
        text += lib_utf8_from_wide(text, length * UTF8_PER_UNIT, at, length);
        *text++ = 0;
    }
    return true;
}
