/*
 * Words and numbers of the kernel command line. A quote that is never closed reaches to the end of
 * the line: a boot must not fail over it.
 */
#include "parse/cmdline.h"

#include <lib/string.h>

void cmdline_begin(struct cmdline_iterator *iterator, const char *line, size_t size)
{
    iterator->next = line;
    iterator->end = line + size;
}

bool cmdline_next(struct cmdline_iterator *iterator, struct cmdline_word *word)
{
    const char *at = iterator->next;
    const char *end = iterator->end;
    bool quoted = false;

    while (at < end && parse_is_space(*at))
        at++;
    if (at == end || *at == '\0')
        return false;

    *word = (struct cmdline_word){.key = at};
    for (; at < end && *at && (quoted || !parse_is_space(*at)); at++) {
        if (*at == '"')
            quoted = !quoted;
        if (*at == '=' && !quoted && !word->value) {
            word->key_size = (size_t)(at - word->key);
            word->value = at + 1;
        }
    }
    if (word->value)
        word->value_size = (size_t)(at - word->value);
    else
        word->key_size = (size_t)(at - word->key);
    iterator->next = at;
    return true;
}

bool cmdline_value(const struct cmdline_word *word, char *buffer, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < word->value_size; i++) {
        if (word->value[i] == '"')
            continue;
        if (length + 1 >= size)
            return false;
        buffer[length++] = word->value[i];
    }
    if (size == 0)
        return false;
    buffer[length] = '\0';
    return true;
}

/* The next word with that key. */
static bool next_of(struct cmdline_iterator *iterator, const char *key, struct cmdline_word *found)
{
    size_t key_size = strlen(key);
    struct cmdline_word word;

    while (cmdline_next(iterator, &word)) {
        if (word.key_size == key_size && memcmp(word.key, key, key_size) == 0) {
            *found = word;
            return true;
        }
    }
    return false;
}

/* The last one. */
static bool find_word(const char *line, const char *key, struct cmdline_word *found)
{
    struct cmdline_iterator iterator;
    bool any = false;

    cmdline_begin(&iterator, line, strlen(line));
    while (next_of(&iterator, key, found))
        any = true;
    return any;
}

bool cmdline_next_value(struct cmdline_iterator *iterator, const char *key, char *buffer,
                        size_t size)
{
    struct cmdline_word word;

    if (!next_of(iterator, key, &word))
        return false;
    if (!cmdline_value(&word, buffer, size) && size != 0)
        buffer[0] = '\0';
    return true;
}

bool cmdline_get(const char *line, const char *key, char *buffer, size_t size)
{
    struct cmdline_word word;

    return find_word(line, key, &word) && cmdline_value(&word, buffer, size);
}

bool cmdline_has(const char *line, const char *key)
{
    struct cmdline_word word;

    return find_word(line, key, &word);
}

static int digit_value(char character, unsigned base)
{
    int value = -1;

    if (character >= '0' && character <= '9')
        value = character - '0';
    else if (character >= 'a' && character <= 'f')
        value = character - 'a' + 10;
    else if (character >= 'A' && character <= 'F')
        value = character - 'A' + 10;
    return value < (int)base ? value : -1;
}

/* 10, 20 or 30 for K, M or G and 0 for none; -1 for anything else. */
static int suffix_shift(const char *text)
{
    int shift = -1;

    if (*text == '\0')
        return 0;
    if (*text == 'K' || *text == 'k')
        shift = 10;
    else if (*text == 'M' || *text == 'm')
        shift = 20;
    else if (*text == 'G' || *text == 'g')
        shift = 30;
    return text[1] == '\0' ? shift : -1;
}

bool cmdline_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
    unsigned base = 10;
    uint64_t value = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (digit_value(*text, base) < 0)
        return false;
    for (; digit_value(*text, base) >= 0; text++) {
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit_value(*text, base), &value))
            return false;
    }

    int shift = suffix_shift(text);
    if (shift < 0 || value > UINT64_MAX >> shift)
        return false;
    value <<= shift;
    if (value < least || value > most)
        return false;
    *number = value;
    return true;
}

bool cmdline_get_number(const char *line, const char *key, uint64_t least, uint64_t most,
                        uint64_t *number)
{
    char text[32] = "";

    return cmdline_get(line, key, text, sizeof(text)) && cmdline_number(text, least, most, number);
}
