/*
 * Wide strings (UTF-16 units) and their way to and from UTF-8. See lib/string.h.
 *
 * Case is folded by ranges: ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic letters whose two
 * forms are one rule apart. That covers every name that an INF, a registry path or a device name
 * of the drivers at hand holds; other letters compare as they are.
 */
#include <lib/string.h>

enum {
    SURROGATE_HIGH_FIRST = 0xD800, /* Unicode 15 "Surrogates" 3.8 */
    SURROGATE_LOW_FIRST = 0xDC00,
    SURROGATE_LOW_LAST = 0xDFFF,
    SURROGATE_BASE = 0x10000,
    CHARACTER_REPLACEMENT = 0xFFFD,
    CHARACTER_LAST = 0x10FFFF,
};

/* Letters first..last (lower case) lie distance above their upper case; step 2: alternating. */
static const struct {
    uint16_t first;
    uint16_t last;
    uint8_t distance;
    uint8_t step;
} wide_case_ranges[] = {
    {'a', 'z', 32, 1},       {0x00E0, 0x00F6, 32, 1}, {0x00F8, 0x00FE, 32, 1},
    {0x0101, 0x012F, 1, 2},  {0x0133, 0x0137, 1, 2},  {0x013A, 0x0148, 1, 2},
    {0x014B, 0x0177, 1, 2},  {0x03B1, 0x03C1, 32, 1}, {0x03C3, 0x03CB, 32, 1},
    {0x0430, 0x044F, 32, 1}, {0x0450, 0x045F, 80, 1},
};

uint16_t lib_wide_upcase(uint16_t character)
{
    if (character < 'a') {
        return character;
    }
    for (size_t i = 0; i < sizeof(wide_case_ranges) / sizeof(wide_case_ranges[0]); i++) {
        uint16_t first = wide_case_ranges[i].first;

        if (character >= first && character <= wide_case_ranges[i].last &&
            (character - first) % wide_case_ranges[i].step == 0) {
            return (uint16_t)(character - wide_case_ranges[i].distance);
        }
    }
    return character;
}

uint16_t lib_wide_downcase(uint16_t character)
{
    for (size_t i = 0; i < sizeof(wide_case_ranges) / sizeof(wide_case_ranges[0]); i++) {
        uint16_t lower = (uint16_t)(character + wide_case_ranges[i].distance);
        uint16_t first = wide_case_ranges[i].first;

        if (lower >= first && lower <= wide_case_ranges[i].last &&
            (lower - first) % wide_case_ranges[i].step == 0) {
            return lower;
        }
    }
    return character;
}

size_t lib_wcslen(const uint16_t *text)
{
    return lib_wcsnlen(text, SIZE_MAX);
}

size_t lib_wcsnlen(const uint16_t *text, size_t limit)
{
    size_t length = 0;

    while (length < limit && text[length] != 0) {
        length++;
    }
    return length;
}

static int wide_compare(const uint16_t *left, const uint16_t *right, size_t limit, bool fold)
{
    for (; limit != 0; limit--, left++, right++) {
        uint16_t a = fold ? lib_wide_upcase(*left) : *left;
        uint16_t b = fold ? lib_wide_upcase(*right) : *right;

        if (a != b) {
            return a < b ? -1 : 1;
        }
        if (a == 0) {
            break;
        }
    }
    return 0;
}

int lib_wcscmp(const uint16_t *left, const uint16_t *right)
{
    return wide_compare(left, right, SIZE_MAX, false);
}

int lib_wcsncmp(const uint16_t *left, const uint16_t *right, size_t limit)
{
    return wide_compare(left, right, limit, false);
}

int lib_wcsicmp(const uint16_t *left, const uint16_t *right)
{
    return wide_compare(left, right, SIZE_MAX, true);
}

int lib_wcsnicmp(const uint16_t *left, const uint16_t *right, size_t limit)
{
    return wide_compare(left, right, limit, true);
}

uint16_t *lib_wcschr(const uint16_t *text, uint16_t character)
{
    for (;; text++) {
        if (*text == character) {
            return (uint16_t *)(uintptr_t)text;
        }
        if (*text == 0) {
            return NULL;
        }
    }
}

uint16_t *lib_wcsrchr(const uint16_t *text, uint16_t character)
{
    const uint16_t *found = NULL;

    for (;; text++) {
        if (*text == character) {
            found = text;
        }
        if (*text == 0) {
            return (uint16_t *)(uintptr_t)found;
        }
    }
}

uint16_t *lib_wcsstr(const uint16_t *text, const uint16_t *pattern)
{
    size_t length = lib_wcslen(pattern);

    for (;; text++) {
        if (lib_wcsncmp(text, pattern, length) == 0) {
            return (uint16_t *)(uintptr_t)text;
        }
        if (*text == 0) {
            return NULL;
        }
    }
}

size_t lib_wcslcpy(uint16_t *destination, const uint16_t *source, size_t size)
{
    size_t length = lib_wcslen(source);

    if (size != 0) {
        size_t copied = length < size ? length : size - 1;

        memcpy(destination, source, copied * sizeof(uint16_t));
        destination[copied] = 0;
    }
    return length;
}

uint32_t lib_wide_next(const uint16_t *source, size_t length, size_t *at)
{
    uint32_t unit = source[(*at)++];

    if (unit < SURROGATE_HIGH_FIRST || unit > SURROGATE_LOW_LAST) {
        return unit;
    }
    if (unit < SURROGATE_LOW_FIRST && *at < length && source[*at] >= SURROGATE_LOW_FIRST &&
        source[*at] <= SURROGATE_LOW_LAST) {
        uint32_t low = source[(*at)++];

        return SURROGATE_BASE + ((unit - SURROGATE_HIGH_FIRST) << 10) + (low - SURROGATE_LOW_FIRST);
    }
    return CHARACTER_REPLACEMENT;
}

/* Unicode 15 "UTF-8" 3.9, table 3-7 */
uint32_t lib_utf8_next(const char *source, size_t length, size_t *at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)source[(*at)++];
    size_t count = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    uint32_t character = count == 1 ? lead : lead & (0x7Fu >> count);

    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4) {
        return CHARACTER_REPLACEMENT;
    }
    for (size_t i = 1; i < count; i++) {
        if (*at >= length || ((unsigned char)source[*at] & 0xC0) != 0x80) {
            return CHARACTER_REPLACEMENT;
        }
        character = character << 6 | ((unsigned char)source[(*at)++] & 0x3F);
    }
    if ((count > 1 && character < least[count]) || character > CHARACTER_LAST ||
        (character >= SURROGATE_HIGH_FIRST && character <= SURROGATE_LOW_LAST)) {
        return CHARACTER_REPLACEMENT;
    }
    return character;
}

static size_t utf8_encode(uint32_t character, char bytes[4])
{
    size_t count = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};

    for (size_t i = count; i-- > 1; character >>= 6) {
        bytes[i] = (char)(0x80 | (character & 0x3F));
    }
    bytes[0] = (char)(lead[count] | character);
    return count;
}

size_t lib_utf8_from_wide(char *destination, size_t size, const uint16_t *source, size_t length)
{
    size_t needed = 0;
    size_t at = 0;
    bool full = false;

    while (at < length) {
        char bytes[4];
        size_t count = utf8_encode(lib_wide_next(source, length, &at), bytes);

        full = full || needed + count > size;
        if (!full) {
            memcpy(destination + needed, bytes, count);
        }
        needed += count;
    }
    return needed;
}

void lib_utf8_cut(char *text, size_t size, const uint16_t *source, size_t length)
{
    size_t used = 0;
    size_t at = 0;

    while (at < length) {
        char bytes[4];
        size_t count = utf8_encode(lib_wide_next(source, length, &at), bytes);

        if (used + count >= size) {
            break;
        }
        memcpy(text + used, bytes, count);
        used += count;
    }
    text[used] = '\0';
}

size_t lib_wide_from_utf8(uint16_t *destination, size_t size, const char *source, size_t length)
{
    size_t needed = 0;
    size_t at = 0;
    bool full = false;

    while (at < length) {
        uint32_t character = lib_utf8_next(source, length, &at);
        size_t count = character < SURROGATE_BASE ? 1 : 2;

        full = full || needed + count > size;
        if (!full && count == 1) {
            destination[needed] = (uint16_t)character;
        } else if (!full) {
            character -= SURROGATE_BASE;
            destination[needed] = (uint16_t)(SURROGATE_HIGH_FIRST + (character >> 10));
            destination[needed + 1] = (uint16_t)(SURROGATE_LOW_FIRST + (character & 0x3FF));
        }
        needed += count;
    }
    return needed;
}
