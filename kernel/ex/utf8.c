/*
 * ex/utf8.c - UTF-8 to UTF-16 and back, as drivers ask for it.
 *
 * What is malformed becomes U+FFFD and makes the status STATUS_SOME_NOT_MAPPED, a success code.
 * Without a destination only the size is told; with one that is too small it is filled with whole
 * characters as far as they fit. Nothing is terminated.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

enum { REPLACEMENT = 0xFFFD, UTF8_LENGTH_MAX = 4, WIDE_LENGTH_MAX = 2 };

/* How a conversion stands. */
struct conversion {
    size_t written; /* bytes */
    bool full;
    bool unmapped;
};

/* Append `size` bytes of one character, as long as there is room. to NULL: count only. */
static void put(struct conversion *state, void *to, size_t room, const void *bytes, size_t size)
{
    if (to != NULL && (state->full || size > room - state->written)) {
        state->full = true;
        return;
    }
    if (to != NULL)
        memcpy((char *)to + state->written, bytes, size);
    state->written += size;
}

static NTSTATUS finish(const struct conversion *state, PULONG actual)
{
    if (actual != NULL)
        *actual = (ULONG)state->written;
    if (state->full)
        return STATUS_BUFFER_TOO_SMALL;
    return state->unmapped ? STATUS_SOME_NOT_MAPPED : STATUS_SUCCESS;
}

/* WDK surface */

NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                                 PULONG UnicodeStringActualByteCount, PCCH UTF8StringSource,
                                 ULONG UTF8StringByteCount)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    struct conversion state = {0};
    size_t at = 0;

    if (UTF8StringSource == NULL)
        return STATUS_INVALID_PARAMETER_4;
    if (UnicodeStringDestination == NULL && UnicodeStringActualByteCount == NULL)
        return STATUS_INVALID_PARAMETER;
    while (at < UTF8StringByteCount && !state.full) {
        size_t start = at;
        uint32_t character = lib_utf8_next(UTF8StringSource, UTF8StringByteCount, &at);
        WCHAR units[WIDE_LENGTH_MAX];
        size_t count =
            lib_wide_from_utf8(units, WIDE_LENGTH_MAX, UTF8StringSource + start, at - start);

        if (character == REPLACEMENT &&
            (at - start != 3 || memcmp(UTF8StringSource + start, replacement, 3) != 0))
            state.unmapped = true;
        put(&state, UnicodeStringDestination, UnicodeStringMaxByteCount & ~1u, units,
            count * sizeof(WCHAR));
    }
    return finish(&state, UnicodeStringActualByteCount);
}
LDR_EXPORT(RtlUTF8ToUnicodeN);

NTSTATUS NTAPI RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                                 PULONG UTF8StringActualByteCount, PCWCH UnicodeStringSource,
                                 ULONG UnicodeStringByteCount)
{
    size_t length = UnicodeStringByteCount / sizeof(WCHAR);
    struct conversion state = {0};
    size_t at = 0;

    if (UnicodeStringSource == NULL)
        return STATUS_INVALID_PARAMETER_4;
    if (UTF8StringDestination == NULL && UTF8StringActualByteCount == NULL)
        return STATUS_INVALID_PARAMETER;
    if (UnicodeStringByteCount % sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER_5;
    while (at < length && !state.full) {
        size_t start = at;
        uint32_t character = lib_wide_next(UnicodeStringSource, length, &at);
        char bytes[UTF8_LENGTH_MAX];
        size_t count =
            lib_utf8_from_wide(bytes, UTF8_LENGTH_MAX, UnicodeStringSource + start, at - start);

        if (character == REPLACEMENT && UnicodeStringSource[start] != REPLACEMENT)
            state.unmapped = true;
        put(&state, UTF8StringDestination, UTF8StringMaxByteCount, bytes, count);
    }
    return finish(&state, UTF8StringActualByteCount);
}
LDR_EXPORT(RtlUnicodeToUTF8N);
