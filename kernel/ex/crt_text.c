/*
 * ex/crt_text.c - more of the C library that Windows' kernel exports: classes of characters,
 * numbers in text, sorting and searching. ASCII only, as in the C locale.
 */
#include <hal/hal.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

#define CRT __attribute__((ms_abi))

/* ---- classes --------------------------------------------------------------------------------- */

static bool in(int c, int first, int last)
{
    return c >= first && c <= last;
}

static CRT int crt_isdigit(int c)
{
    return in(c, '0', '9');
}
LDR_EXPORT_AS("isdigit", crt_isdigit);

static CRT int crt_islower(int c)
{
    return in(c, 'a', 'z');
}
LDR_EXPORT_AS("islower", crt_islower);

static CRT int crt_isupper(int c)
{
    return in(c, 'A', 'Z');
}
LDR_EXPORT_AS("isupper", crt_isupper);

static CRT int crt_isspace(int c)
{
    return c == ' ' || in(c, '\t', '\r');
}
LDR_EXPORT_AS("isspace", crt_isspace);

static CRT int crt_isprint(int c)
{
    return in(c, ' ', '~');
}
LDR_EXPORT_AS("isprint", crt_isprint);

static CRT int crt_isxdigit(int c)
{
    return in(c, '0', '9') || in(c, 'a', 'f') || in(c, 'A', 'F');
}
LDR_EXPORT_AS("isxdigit", crt_isxdigit);

static CRT int crt_tolower(int c)
{
    return in(c, 'A', 'Z') ? c - 'A' + 'a' : c;
}
LDR_EXPORT_AS("tolower", crt_tolower);

static CRT int crt_toupper(int c)
{
    return in(c, 'a', 'z') ? c - 'a' + 'A' : c;
}
LDR_EXPORT_AS("toupper", crt_toupper);

static CRT WCHAR crt_towlower(WCHAR c)
{
    return (WCHAR)crt_tolower(c);
}
LDR_EXPORT_AS("towlower", crt_towlower);

static CRT WCHAR crt_towupper(WCHAR c)
{
    return (WCHAR)crt_toupper(c);
}
LDR_EXPORT_AS("towupper", crt_towupper);

static CRT char *crt_strlwr(char *text)
{
    for (char *at = text; *at != 0; at++)
        *at = (char)crt_tolower(*at);
    return text;
}
LDR_EXPORT_AS("_strlwr", crt_strlwr);

static CRT char *crt_strupr(char *text)
{
    for (char *at = text; *at != 0; at++)
        *at = (char)crt_toupper(*at);
    return text;
}
LDR_EXPORT_AS("_strupr", crt_strupr);

static CRT WCHAR *crt_wcslwr(WCHAR *text)
{
    for (WCHAR *at = text; *at != 0; at++)
        *at = (WCHAR)crt_towlower(*at);
    return text;
}
LDR_EXPORT_AS("_wcslwr", crt_wcslwr);

static CRT WCHAR *crt_wcsupr(WCHAR *text)
{
    for (WCHAR *at = text; *at != 0; at++)
        *at = (WCHAR)crt_towupper(*at);
    return text;
}
LDR_EXPORT_AS("_wcsupr", crt_wcsupr);

/* ---- numbers --------------------------------------------------------------------------------- */

/* The nearest that a LONG holds. */
static CRT LONG crt_atol(const char *text)
{
    const ULONG most = MAXLONG;
    ULONG value = 0;
    bool negative;

    while (crt_isspace(*text))
        text++;
    negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    for (; crt_isdigit(*text); text++) {
        ULONG digit = (ULONG)(*text - '0');

        if (value > (most + negative - digit) / 10)
            return (LONG)(most + negative);
        value = value * 10 + digit;
    }
    return (LONG)(negative ? 0 - value : value);
}
LDR_EXPORT_AS("atol", crt_atol);
LDR_EXPORT_AS("atoi", crt_atol);

/* Digits of a value, last first; how many. */
static unsigned digits_of(ULONG value, unsigned radix, char digits[32])
{
    unsigned count = 0;

    do {
        digits[count++] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % radix];
        value /= radix;
    } while (value != 0);
    return count;
}

/* Only a decimal number has a sign. */
static CRT char *crt_itoa(int value, char *text, int radix)
{
    char digits[32];
    char *to = text;
    bool negative = radix == 10 && value < 0;

    if (in(radix, 2, 36)) {
        unsigned count =
            digits_of(negative ? 0 - (ULONG)value : (ULONG)value, (unsigned)radix, digits);

        if (negative)
            *to++ = '-';
        while (count != 0)
            *to++ = digits[--count];
    }
    *to = 0;
    return text;
}
LDR_EXPORT_AS("_itoa", crt_itoa);

static CRT WCHAR *crt_itow(int value, WCHAR *text, int radix)
{
    char narrow[34];
    unsigned i;

    crt_itoa(value, narrow, radix);
    for (i = 0; narrow[i] != 0; i++)
        text[i] = (WCHAR)narrow[i];
    text[i] = 0;
    return text;
}
LDR_EXPORT_AS("_itow", crt_itow);

/* ---- bounded lengths ------------------------------------------------------------------------- */

static CRT size_t crt_strnlen(const char *text, size_t limit)
{
    return lib_strnlen(text, limit);
}
LDR_EXPORT_AS("strnlen", crt_strnlen);

static CRT size_t crt_wcsnlen(const WCHAR *text, size_t limit)
{
    return lib_wcsnlen(text, limit);
}
LDR_EXPORT_AS("wcsnlen", crt_wcsnlen);

/* ---- frames larger than a page -------------------------------------------------------------- */

LDR_EXPORT_AS("__chkstk", hal_stack_probe);

/* ---- order ----------------------------------------------------------------------------------- */

typedef CRT int compare_fn(const void *a, const void *b);

static CRT void *crt_bsearch(const void *key, const void *base, size_t count, size_t size,
                             compare_fn *compare)
{
    while (count != 0) {
        const char *middle = (const char *)base + count / 2 * size;
        int order = compare(key, middle);

        if (order == 0)
            return (void *)middle;
        if (order > 0) {
            base = middle + size;
            count--;
        }
        count /= 2;
    }
    return NULL;
}
LDR_EXPORT_AS("bsearch", crt_bsearch);

static void exchange(char *a, char *b, size_t size)
{
    while (size-- != 0) {
        char kept = *a;

        *a++ = *b;
        *b++ = kept;
    }
}

/* Heap sort: no recursion on a kernel stack, no bad input. */
static void sift(char *base, size_t root, size_t count, size_t size, compare_fn *compare)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + root * size, base + child * size) >= 0)
            return;
        exchange(base + root * size, base + child * size, size);
        root = child;
    }
}

static CRT void crt_qsort(void *base, size_t count, size_t size, compare_fn *compare)
{
    for (size_t root = count / 2; root-- != 0;)
        sift(base, root, count, size, compare);
    for (size_t end = count; end > 1; end--) {
        exchange(base, (char *)base + (end - 1) * size, size);
        sift(base, 0, end - 1, size, compare);
    }
}
LDR_EXPORT_AS("qsort", crt_qsort);
