/*
 * ex/crt_secure.c - the names of the C library that end in _s: a target that is too small is made
 * empty, and the result says so (Microsoft's C library reference, "Security features in the CRT").
 * The kernel has no invalid parameter handler to call.
 */
#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>
#include <nt/wdm.h>

#define CRT __attribute__((ms_abi))
#define TRUNCATE SIZE_MAX      /* _TRUNCATE, as a count: cut what does not fit */
#define NOT_CUT (SIZE_MAX - 1) /* no count: all of the text or none */

/* EINVAL, ERANGE and STRUNCATE of Microsoft's errno.h */
enum { ERROR_INVALID = 22, ERROR_RANGE = 34, ERROR_TRUNCATED = 80 };

/* ---- copies ---------------------------------------------------------------------------------- */

/* Of text in units of `unit` bytes, how many there are before its end or `limit`. */
static size_t length_of(const void *text, size_t limit, size_t unit)
{
    if (text == NULL)
        return 0;
    return unit == 1 ? lib_strnlen(text, limit) : lib_wcsnlen(text, limit);
}

/* Copy up to `count` units of `from` and a terminator to behind `used` units of `size`. */
static int copy_checked(void *to, size_t size, size_t used, const void *from, size_t count,
                        size_t unit)
{
    char *bytes = to;
    size_t length;
    int status = 0;

    if (to == NULL || size == 0)
        return ERROR_INVALID;
    if ((from == NULL && count != 0) || used == size) {
        memset(bytes, 0, unit);
        return ERROR_INVALID;
    }
    length = length_of(from, count < size ? count : size, unit);
    if (length >= size - used) {
        if (count != TRUNCATE) {
            memset(bytes, 0, unit);
            return ERROR_RANGE;
        }
        length = size - used - 1;
        status = ERROR_TRUNCATED;
    }
    memmove(bytes + used * unit, from, length * unit);
    memset(bytes + (used + length) * unit, 0, unit);
    return status;
}

static CRT int crt_strcpy_s(char *to, size_t size, const char *from)
{
    return copy_checked(to, size, 0, from, NOT_CUT, 1);
}
LDR_EXPORT_AS("strcpy_s", crt_strcpy_s);

static CRT int crt_strncpy_s(char *to, size_t size, const char *from, size_t count)
{
    if (to == NULL && size == 0 && count == 0)
        return 0;
    return copy_checked(to, size, 0, from, count, 1);
}
LDR_EXPORT_AS("strncpy_s", crt_strncpy_s);

static CRT int crt_strcat_s(char *to, size_t size, const char *from)
{
    return copy_checked(to, size, length_of(to, size, 1), from, NOT_CUT, 1);
}
LDR_EXPORT_AS("strcat_s", crt_strcat_s);

static CRT int crt_strncat_s(char *to, size_t size, const char *from, size_t count)
{
    if (to == NULL && size == 0 && count == 0)
        return 0;
    return copy_checked(to, size, length_of(to, size, 1), from, count, 1);
}
LDR_EXPORT_AS("strncat_s", crt_strncat_s);

static CRT int crt_wcscpy_s(WCHAR *to, size_t size, const WCHAR *from)
{
    return copy_checked(to, size, 0, from, NOT_CUT, sizeof(WCHAR));
}
LDR_EXPORT_AS("wcscpy_s", crt_wcscpy_s);

static CRT int crt_wcsncpy_s(WCHAR *to, size_t size, const WCHAR *from, size_t count)
{
    if (to == NULL && size == 0 && count == 0)
        return 0;
    return copy_checked(to, size, 0, from, count, sizeof(WCHAR));
}
LDR_EXPORT_AS("wcsncpy_s", crt_wcsncpy_s);

static CRT int crt_wcscat_s(WCHAR *to, size_t size, const WCHAR *from)
{
    return copy_checked(to, size, length_of(to, size, sizeof(WCHAR)), from, NOT_CUT, sizeof(WCHAR));
}
LDR_EXPORT_AS("wcscat_s", crt_wcscat_s);

static CRT int crt_wcsncat_s(WCHAR *to, size_t size, const WCHAR *from, size_t count)
{
    if (to == NULL && size == 0 && count == 0)
        return 0;
    return copy_checked(to, size, length_of(to, size, sizeof(WCHAR)), from, count, sizeof(WCHAR));
}
LDR_EXPORT_AS("wcsncat_s", crt_wcsncat_s);

static CRT int crt_memcpy_s(void *to, size_t size, const void *from, size_t count)
{
    if (count == 0)
        return 0;
    if (to == NULL)
        return ERROR_INVALID;
    if (from == NULL || count > size) {
        memset(to, 0, size);
        return from == NULL ? ERROR_INVALID : ERROR_RANGE;
    }
    memmove(to, from, count);
    return 0;
}
LDR_EXPORT_AS("memcpy_s", crt_memcpy_s);

/* Unlike memcpy_s, it leaves the target as it is where it fails. */
static CRT int crt_memmove_s(void *to, size_t size, const void *from, size_t count)
{
    if (count == 0)
        return 0;
    if (to == NULL || from == NULL)
        return ERROR_INVALID;
    if (count > size)
        return ERROR_RANGE;
    memmove(to, from, count);
    return 0;
}
LDR_EXPORT_AS("memmove_s", crt_memmove_s);

/* ---- formatting ------------------------------------------------------------------------------ */

/*
 * How many units to write, a terminator among them: `count` and that, as far as it fits. 0: there
 * is no buffer or no format; a buffer is made empty.
 */
static size_t room_of(void *buffer, size_t size, size_t count, const void *format, size_t unit)
{
    if (buffer == NULL || size == 0)
        return 0;
    if (format == NULL) {
        memset(buffer, 0, unit);
        return 0;
    }
    return count < size ? count + 1 : size;
}

/* The result of a text of `total` units, which was written as far as `room` went. */
static int formatted(void *buffer, size_t size, size_t count, size_t room, int total, size_t unit)
{
    if (total >= 0 && (size_t)total < room)
        return total;
    memset((char *)buffer + (room - 1) * unit, 0, unit);
    if (count >= size && count != TRUNCATE)
        memset(buffer, 0, unit);
    return -1;
}

static CRT int crt_vsnprintf_s(char *buffer, size_t size, size_t count, const char *format,
                               __builtin_ms_va_list arguments)
{
    size_t room = room_of(buffer, size, count, format, 1);

    if (buffer == NULL && size == 0 && count == 0 && format != NULL)
        return 0;
    if (room == 0)
        return -1;
    return formatted(buffer, size, count, room, lib_vsnprintf_ms(buffer, room, format, arguments),
                     1);
}
LDR_EXPORT_AS("_vsnprintf_s", crt_vsnprintf_s);

static CRT int crt_snprintf_s(char *buffer, size_t size, size_t count, const char *format, ...)
{
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = crt_vsnprintf_s(buffer, size, count, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
LDR_EXPORT_AS("_snprintf_s", crt_snprintf_s);

static CRT int crt_vsprintf_s(char *buffer, size_t size, const char *format,
                              __builtin_ms_va_list arguments)
{
    return size == 0 ? -1 : crt_vsnprintf_s(buffer, size, NOT_CUT, format, arguments);
}
LDR_EXPORT_AS("vsprintf_s", crt_vsprintf_s);

static CRT int crt_sprintf_s(char *buffer, size_t size, const char *format, ...)
{
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = crt_vsprintf_s(buffer, size, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
LDR_EXPORT_AS("sprintf_s", crt_sprintf_s);

static CRT int crt_vsnwprintf_s(WCHAR *buffer, size_t size, size_t count, const WCHAR *format,
                                __builtin_ms_va_list arguments)
{
    size_t room = room_of(buffer, size, count, format, sizeof(WCHAR));

    if (buffer == NULL && size == 0 && count == 0 && format != NULL)
        return 0;
    if (room == 0)
        return -1;
    return formatted(buffer, size, count, room, lib_vsnwprintf_ms(buffer, room, format, arguments),
                     sizeof(WCHAR));
}
LDR_EXPORT_AS("_vsnwprintf_s", crt_vsnwprintf_s);

static CRT int crt_snwprintf_s(WCHAR *buffer, size_t size, size_t count, const WCHAR *format, ...)
{
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = crt_vsnwprintf_s(buffer, size, count, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
LDR_EXPORT_AS("_snwprintf_s", crt_snwprintf_s);

static CRT int crt_vswprintf_s(WCHAR *buffer, size_t size, const WCHAR *format,
                               __builtin_ms_va_list arguments)
{
    return size == 0 ? -1 : crt_vsnwprintf_s(buffer, size, NOT_CUT, format, arguments);
}
LDR_EXPORT_AS("vswprintf_s", crt_vswprintf_s);

static CRT int crt_swprintf_s(WCHAR *buffer, size_t size, const WCHAR *format, ...)
{
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = crt_vswprintf_s(buffer, size, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
LDR_EXPORT_AS("swprintf_s", crt_swprintf_s);
