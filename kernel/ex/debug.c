/*
 * ex/debug.c - DbgPrint and its kin.
 *
 * What a driver prints goes out verbatim, line by line (lib/log.h): KTAP printed by a driver is
 * KTAP on the console. Everything is printed until `dbgprint` at the console holds levels of a
 * component back. A level up to 31 is a bit number, a greater one a mask of bits; DbgPrint's own
 * component and level are DEFAULT and INFO (WDK: DbgPrintEx, "Reading and Filtering Debugging
 * Messages").
 */
#include "ex/debug.h"

#include <lib/export.h>
#include <lib/format.h>
#include <lib/log.h>
#include <nt/wdm.h>

enum { LEVEL_BITS = 32, CALL_BYTES_MAX = 512 /* what one call sends; the rest is cut */ };

static uint32_t held_back[EX_DEBUG_COMPONENTS]; /* the masks inverted: 0 prints all */

uint32_t ex_debug_mask(uint32_t component)
{
    return ~held_back[component < EX_DEBUG_COMPONENTS ? component : DPFLTR_DEFAULT_ID];
}

void ex_debug_mask_set(uint32_t component, uint32_t mask)
{
    if (component < EX_DEBUG_COMPONENTS)
        held_back[component] = ~mask;
}

static ULONG print(ULONG component, ULONG level, const char *format, __builtin_ms_va_list arguments)
{
    char line[CALL_BYTES_MAX + 1];
    uint32_t bits = level < LEVEL_BITS ? 1u << level : level;
    int length;

    if ((ex_debug_mask(component) & bits) == 0)
        return STATUS_SUCCESS;
    length = lib_vsnprintf_ms(line, sizeof line, format, arguments);

    if (length < 0)
        return (ULONG)STATUS_INVALID_PARAMETER;
    log_text(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    return STATUS_SUCCESS;
}

/* WDK surface */

ULONG __cdecl DbgPrint(PCSTR Format, ...)
{
    __builtin_ms_va_list arguments;
    ULONG status;

    __builtin_ms_va_start(arguments, Format);
    status = print(DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}
LDR_EXPORT(DbgPrint);

ULONG __cdecl DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    __builtin_ms_va_list arguments;
    ULONG status;

    __builtin_ms_va_start(arguments, Format);
    status = print(ComponentId, Level, Format, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}
LDR_EXPORT(DbgPrintEx);

ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, __builtin_ms_va_list Arguments)
{
    return print(ComponentId, Level, Format, Arguments);
}
LDR_EXPORT(vDbgPrintEx);

VOID NTAPI DbgBreakPoint(VOID)
{
    __asm__ volatile("int3");
}
LDR_EXPORT(DbgBreakPoint);

VOID NTAPI DbgBreakPointWithStatus(ULONG Status)
{
    (void)Status;
    __asm__ volatile("int3");
}
LDR_EXPORT(DbgBreakPointWithStatus);

VOID NTAPI RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PSTR Message)
{
    log_error("driver assertion failed: %s, %s:%u%s%s", (const char *)FailedAssertion,
              (const char *)FileName, LineNumber, Message ? ": " : "", Message ? Message : "");
    DbgBreakPoint();
}
LDR_EXPORT(RtlAssert);
