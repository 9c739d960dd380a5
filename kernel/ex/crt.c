/*
 * ex/crt.c - the C library names that Windows' kernel exports, in the calling convention of
 * drivers. The work is kernel/lib's.
 */
#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>
#include <nt/wdm.h>

#define CRT __attribute__((ms_abi))

static CRT void *crt_memcpy(void *to, const void *from, size_t size)
{
    return memmove(to, from, size); /* as Windows' own: overlapping is harmless */
}
LDR_EXPORT_AS("memcpy", crt_memcpy);
LDR_EXPORT_AS("memmove", crt_memcpy);

static CRT void *crt_memset(void *to, int value, size_t size)
{
    return memset(to, value, size);
}
LDR_EXPORT_AS("memset", crt_memset);

static CRT int crt_memcmp(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size);
}
LDR_EXPORT_AS("memcmp", crt_memcmp);

static CRT void *crt_memchr(const void *memory, int value, size_t size)
{
    return memchr(memory, value, size);
}
LDR_EXPORT_AS("memchr", crt_memchr);

static CRT size_t crt_strlen(const char *text)
{
    return strlen(text);
}
LDR_EXPORT_AS("strlen", crt_strlen);

static CRT int crt_strcmp(const char *a, const char *b)
{
    return strcmp(a, b);
}
LDR_EXPORT_AS("strcmp", crt_strcmp);

static CRT int crt_strncmp(const char *a, const char *b, size_t limit)
{
    return strncmp(a, b, limit);
}
LDR_EXPORT_AS("strncmp", crt_strncmp);

static CRT int crt_stricmp(const char *a, const char *b)
{
    return lib_stricmp(a, b);
}
LDR_EXPORT_AS("_stricmp", crt_stricmp);

static CRT int crt_strnicmp(const char *a, const char *b, size_t limit)
{
    return lib_strnicmp(a, b, limit);
}
LDR_EXPORT_AS("_strnicmp", crt_strnicmp);

static CRT char *crt_strcpy(char *to, const char *from)
{
    return memmove(to, from, strlen(from) + 1);
}
LDR_EXPORT_AS("strcpy", crt_strcpy);

static CRT char *crt_strncpy(char *to, const char *from, size_t count)
{
    size_t length = lib_strnlen(from, count);

    memmove(to, from, length);
    memset(to + length, 0, count - length);
    return to;
}
LDR_EXPORT_AS("strncpy", crt_strncpy);

static CRT char *crt_strcat(char *to, const char *from)
{
    crt_strcpy(to + strlen(to), from);
    return to;
}
LDR_EXPORT_AS("strcat", crt_strcat);

static CRT char *crt_strchr(const char *text, int character)
{
    return strchr(text, character);
}
LDR_EXPORT_AS("strchr", crt_strchr);

static CRT char *crt_strrchr(const char *text, int character)
{
    return strrchr(text, character);
}
LDR_EXPORT_AS("strrchr", crt_strrchr);

static CRT char *crt_strstr(const char *text, const char *part)
{
    return strstr(text, part);
}
LDR_EXPORT_AS("strstr", crt_strstr);

static CRT size_t crt_wcslen(const WCHAR *text)
{
    return lib_wcslen(text);
}
LDR_EXPORT_AS("wcslen", crt_wcslen);

static CRT int crt_wcscmp(const WCHAR *a, const WCHAR *b)
{
    return lib_wcscmp(a, b);
}
LDR_EXPORT_AS("wcscmp", crt_wcscmp);

static CRT int crt_wcsncmp(const WCHAR *a, const WCHAR *b, size_t limit)
{
    return lib_wcsncmp(a, b, limit);
}
LDR_EXPORT_AS("wcsncmp", crt_wcsncmp);

static CRT int crt_wcsicmp(const WCHAR *a, const WCHAR *b)
{
    return lib_wcsicmp(a, b);
}
LDR_EXPORT_AS("_wcsicmp", crt_wcsicmp);

static CRT int crt_wcsnicmp(const WCHAR *a, const WCHAR *b, size_t limit)
{
    return lib_wcsnicmp(a, b, limit);
}
LDR_EXPORT_AS("_wcsnicmp", crt_wcsnicmp);

static CRT WCHAR *crt_wcscpy(WCHAR *to, const WCHAR *from)
{
    return memmove(to, from, (lib_wcslen(from) + 1) * sizeof *to);
}
LDR_EXPORT_AS("wcscpy", crt_wcscpy);

static CRT WCHAR *crt_wcsncpy(WCHAR *to, const WCHAR *from, size_t count)
{
    size_t length = lib_wcsnlen(from, count);

    memmove(to, from, length * sizeof *to);
    memset(to + length, 0, (count - length) * sizeof *to);
    return to;
}
LDR_EXPORT_AS("wcsncpy", crt_wcsncpy);

static CRT WCHAR *crt_wcscat(WCHAR *to, const WCHAR *from)
{
    crt_wcscpy(to + lib_wcslen(to), from);
    return to;
}
LDR_EXPORT_AS("wcscat", crt_wcscat);

static CRT WCHAR *crt_wcschr(const WCHAR *text, WCHAR character)
{
    return lib_wcschr(text, character);
}
LDR_EXPORT_AS("wcschr", crt_wcschr);

static CRT WCHAR *crt_wcsrchr(const WCHAR *text, WCHAR character)
{
    return lib_wcsrchr(text, character);
}
LDR_EXPORT_AS("wcsrchr", crt_wcsrchr);

static CRT WCHAR *crt_wcsstr(const WCHAR *text, const WCHAR *part)
{
    return lib_wcsstr(text, part);
}
LDR_EXPORT_AS("wcsstr", crt_wcsstr);

/* ---- formatting ------------------------------------------------------------------------------ */

struct bounded {
    char *next;
    size_t left;
    size_t total;
};

static void bounded_out(void *context, const char *text, size_t length)
{
    struct bounded *out = context;
    size_t part = length < out->left ? length : out->left;

    memcpy(out->next, text, part);
    out->next += part;
    out->left -= part;
    out->total += length;
}

/* A result that fills the buffer exactly is not terminated; a longer one is cut and answers -1. */
static CRT int crt_vsnprintf(char *buffer, size_t count, const char *format,
                             __builtin_ms_va_list arguments)
{
    struct bounded out = {buffer, count, 0};

    lib_format_ms(bounded_out, &out, format, arguments);
    if (out.left)
        *out.next = '\0';
    return out.total <= count ? (int)out.total : -1;
}
LDR_EXPORT_AS("_vsnprintf", crt_vsnprintf);

static CRT int crt_snprintf(char *buffer, size_t count, const char *format, ...)
{
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = crt_vsnprintf(buffer, count, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
LDR_EXPORT_AS("_snprintf", crt_snprintf);

static CRT int crt_vsprintf(char *buffer, const char *format, __builtin_ms_va_list arguments)
{
    return crt_vsnprintf(buffer, SIZE_MAX, format, arguments);
}
LDR_EXPORT_AS("vsprintf", crt_vsprintf);

static CRT int crt_sprintf(char *buffer, const char *format, ...)
{
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = crt_vsprintf(buffer, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
LDR_EXPORT_AS("sprintf", crt_sprintf);

static CRT int crt_vsnwprintf(WCHAR *buffer, size_t count, const WCHAR *format,
                              __builtin_ms_va_list arguments)
{
    int length = lib_vsnwprintf_ms(buffer, count, format, arguments);

    return length >= 0 && (size_t)length <= count ? length : -1;
}
LDR_EXPORT_AS("_vsnwprintf", crt_vsnwprintf);

static CRT int crt_snwprintf(WCHAR *buffer, size_t count, const WCHAR *format, ...)
{
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = crt_vsnwprintf(buffer, count, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
LDR_EXPORT_AS("_snwprintf", crt_snwprintf);

static CRT int crt_vswprintf(WCHAR *buffer, const WCHAR *format, __builtin_ms_va_list arguments)
{
    return lib_vsnwprintf_ms(buffer, INT32_MAX, format, arguments);
}
LDR_EXPORT_AS("_vswprintf", crt_vswprintf);

static CRT int crt_swprintf(WCHAR *buffer, const WCHAR *format, ...)
{
    __builtin_ms_va_list arguments;
    int length;

    __builtin_ms_va_start(arguments, format);
    length = crt_vswprintf(buffer, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
}
LDR_EXPORT_AS("swprintf", crt_swprintf);
