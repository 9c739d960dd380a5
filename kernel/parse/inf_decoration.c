/*
 * TargetOSVersion decorations, WDK "INF Manufacturer Section":
 *     nt[Architecture].[Major][.[Minor][.[ProductType][.[SuiteMask][.[BuildNumber]]]]]
 * with any part left out. What a driver asks of the system is compared with the version that the
 * kernel reports to drivers: 10.0, workstation.
 */
#include "parse/inf_decoration.h"

#include <lib/bits.h>

#define OS_MAJOR 10u
#define OS_MINOR 0u
#define OS_BUILD 19045u
#define OS_PRODUCT_WORKSTATION 1u

/* The score: architecture named, then the version. */
#define SCORE_ADMITTED BIT(0)
#define SCORE_BUILD BITS(24, 1)
#define SCORE_MINOR BITS(32, 25)
#define SCORE_MAJOR BITS(40, 33)
#define SCORE_ARCHITECTURE BIT(41)

enum { PART_MAJOR, PART_MINOR, PART_PRODUCT, PART_SUITE, PART_BUILD, PART_COUNT };

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

/* Skip a prefix, compared without case; NULL if it is not there. */
static const char *skip_prefix(const char *text, const char *prefix)
{
    for (; *prefix; text++, prefix++) {
        if (lower(*text) != *prefix)
            return NULL;
    }
    return text;
}

/* A decimal or 0x number, perhaps empty (0), up to a dot or the end. NULL: something else. */
static const char *take_number(const char *text, uint64_t *value)
{
    uint64_t base = 10;

    *value = 0;
    if (text[0] == '0' && lower(text[1]) == 'x') {
        base = 16;
        text += 2;
    }
    for (; *text && *text != '.'; text++) {
        char digit = lower(*text);
        uint64_t add = digit >= '0' && digit <= '9'   ? (uint64_t)(digit - '0')
                       : digit >= 'a' && digit <= 'f' ? (uint64_t)(digit - 'a') + 10
                                                      : base;
        if (add >= base || *value > UINT32_MAX)
            return NULL;
        *value = *value * base + add;
    }
    return text;
}

static bool is_admitted(const uint64_t part[PART_COUNT])
{
    if (part[PART_PRODUCT] != 0 && part[PART_PRODUCT] != OS_PRODUCT_WORKSTATION)
        return false;
    if (part[PART_MAJOR] != OS_MAJOR)
        return part[PART_MAJOR] < OS_MAJOR;
    return part[PART_MINOR] == OS_MINOR && part[PART_BUILD] <= OS_BUILD;
}

uint64_t inf_decoration_score(const char *decoration)
{
    uint64_t part[PART_COUNT] = {0};
    uint64_t architecture = 0;
    const char *at = skip_prefix(decoration, "nt");

    if (!at)
        return 0;
    const char *behind = skip_prefix(at, "amd64");
    if (behind) {
        architecture = SCORE_ARCHITECTURE;
        at = behind;
    }
    for (unsigned i = 0; *at; i++) {
        if (*at != '.' || i == PART_COUNT)
            return 0;
        at = take_number(at + 1, &part[i]);
        if (!at)
            return 0;
    }
    if (!is_admitted(part))
        return 0;
    return SCORE_ADMITTED | architecture | FIELD_PREP(SCORE_MAJOR, part[PART_MAJOR]) |
           FIELD_PREP(SCORE_MINOR, part[PART_MINOR]) | FIELD_PREP(SCORE_BUILD, part[PART_BUILD]);
}
