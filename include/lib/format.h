/*
 * The one formatter: C printf for the kernel and for drivers.
 *
 * Conversions: %d %i %u %o %x %X %p %c %s %n-free %%; flags - + space # 0; width and precision as
 * numbers or *; sizes hh h l ll z t j and Microsoft's I I32 I64 w. Strings: %ws %ls %S wide,
 * %hs narrow, %Z ANSI_STRING, %wZ UNICODE_STRING, %wc %lc %C. Floating point is not converted:
 * kernel code has no floating-point registers to take it from.
 *
 * Two families read the two kinds of variable argument list:
 *   lib_format, lib_vsnprintf, lib_snprintf    System V list; long is 64 bits
 *   lib_*_ms                                   Windows list (ms_abi); long is 32 bits
 * In the wide ones (lib_vsnwprintf_ms) %s and %c mean wide and %S and %C narrow, as in Windows'
 * C library.
 *
 * Narrow output is UTF-8. Every function returns the number of units that the whole result has,
 * the terminator not counted, whatever the space. Any IRQL, as long as the strings are resident.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Receives the text in pieces, none of them terminated. */
typedef void lib_sink_fn(void *context, const char *text, size_t length);

int lib_format(lib_sink_fn *sink, void *context, const char *format, va_list arguments);
int lib_format_ms(lib_sink_fn *sink, void *context, const char *format,
                  __builtin_ms_va_list arguments);

/* The result is always terminated when size > 0. */
int lib_vsnprintf(char *buffer, size_t size, const char *format, va_list arguments);
__attribute__((format(printf, 3, 4))) int lib_snprintf(char *buffer, size_t size,
                                                       const char *format, ...);
int lib_vsnprintf_ms(char *buffer, size_t size, const char *format, __builtin_ms_va_list arguments);
/* The result is terminated only if there is room for that too, as Windows' _vsnwprintf has it. */
int lib_vsnwprintf_ms(uint16_t *buffer, size_t size, const uint16_t *format,
                      __builtin_ms_va_list arguments);

#endif
