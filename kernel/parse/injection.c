/*
 * One fault from its words. Values are decimal or 0x hex.
 */
#include "parse/injection.h"

#include <lib/string.h>

#include "parse/cmdline.h"
#include "parse/pci_location.h"

enum { WORD_MAX = 16, TAG_SIZE = 4 };

const struct injection_form injection_forms[INJECTION_KINDS] = {
    [INJECTION_MESSAGES] = {"messages", "B:D.F N|off", "grant the device at most N messages",
                            .has_location = true, .has_value = true, .most = 2048},
    [INJECTION_VECTORS] = {"vectors", "N|off", "leave N vectors an IRQL class and processor",
                           .has_value = true, .most = 16},
    [INJECTION_SHARE] = {"share", "B:D.F [off]",
                         "call the device's routines for a neighbour's interrupts too",
                         .has_location = true},
    [INJECTION_DELAY] = {"delay", "B:D.F MICROSECONDS|off", "start its routines so much later",
                         .has_location = true, .has_value = true, .least = 1, .most = 1000000},
    [INJECTION_LATE] = {"late", "B:D.F MILLISECONDS|off", "deliver its next interrupt so late",
                        .has_location = true, .has_value = true, .least = 1, .most = 60000},
    [INJECTION_POOL] = {"pool", "N [TAG]|off", "fail the Nth allocation of drivers, or of TAG",
                        .has_value = true, .has_tag = true, .least = 1, .most = UINT32_MAX},
};

struct words {
    const char *text;
    size_t at;
    size_t start; /* of the last word taken */
    char word[WORD_MAX];
};

static bool is_separator(char character)
{
    return character == ' ' || character == ',' || character == '\t';
}

/* False: no word is left. A word that does not fit is cut, and so is no word of ours. */
static bool take_word(struct words *words)
{
    size_t length = 0;

    while (is_separator(words->text[words->at]))
        words->at++;
    words->start = words->at;
    while (words->text[words->at] != '\0' && !is_separator(words->text[words->at])) {
        if (length + 1 < sizeof(words->word))
            words->word[length++] = words->text[words->at];
        words->at++;
    }
    words->word[length] = '\0';
    if (words->at - words->start >= sizeof(words->word))
        words->word[0] = '\0';
    return words->at > words->start;
}

static bool find_kind(const char *word, enum injection_kind *kind)
{
    for (unsigned i = 0; i < INJECTION_KINDS; i++) {
        if (strcmp(injection_forms[i].word, word) == 0) {
            *kind = (enum injection_kind)i;
            return true;
        }
    }
    return false;
}

static bool take_tag(struct words *words, struct injection *injection)
{
    size_t length = strlen(words->word);

    if (length == 0 || length > TAG_SIZE)
        return false;
    for (size_t i = 0; i < TAG_SIZE; i++) {
        uint8_t character = i < length ? (uint8_t)words->word[i] : ' ';

        injection->tag |= (uint32_t)character << 8 * i;
    }
    return true;
}

/* The value, or `off`; and what may follow it. */
static bool take_value(struct words *words, const struct injection_form *form,
                       struct injection *injection, struct parse_error *error)
{
    bool there = take_word(words);
    uint64_t value;

    if (there && strcmp(words->word, "off") == 0) {
        injection->is_off = true;
        there = take_word(words);
    } else if (form->has_value) {
        if (!there || !cmdline_number(words->word, form->least, form->most, &value))
            return parse_fail_value(error, "value", words->start, "off or a number up to",
                                    form->most);
        injection->value = (uint32_t)value;
        there = take_word(words);
        if (there && form->has_tag) {
            if (!take_tag(words, injection))
                return parse_fail(error, "tag", words->start, "not one to four characters");
            there = take_word(words);
        }
    }
    return !there || parse_fail(error, "arguments", words->start, "one word too many");
}

bool injection_parse(const char *text, struct injection *injection, struct parse_error *error)
{
    struct words words = {.text = text};
    const struct injection_form *form;

    *injection = (struct injection){.location = PCI_LOCATION_NONE};
    if (!take_word(&words) || !find_kind(words.word, &injection->kind))
        return parse_fail(error, "fault", words.start, "not one that can be injected");
    form = &injection_forms[injection->kind];
    if (form->has_location &&
        (!take_word(&words) || !pci_location_parse(words.word, &injection->location)))
        return parse_fail(error, "device", words.start, "not BUS:DEVICE.FUNCTION");
    return take_value(&words, form, injection, error);
}
