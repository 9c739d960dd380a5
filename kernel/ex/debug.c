/*
 * ex/debug.c - DbgPrint and its kin.
 *
 * What a driver prints goes out verbatim, line by line (lib/log.h): KTAP printed by a driver is
 * KTAP on the console. Nothing is filtered by component or level.
 */
#include <lib/export.h>
#include <lib/format.h>
#include <lib/log.h>
#include <nt/wdm.h>

static ULONG print(const char *format, __builtin_ms_va_list arguments)
{
    char line[LOG_LINE_MAX]; /* DbgPrint's own limit: longer text is cut */
    int length = lib_vsnprintf_ms(line, sizeof line, format, arguments);

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
    status = print(Format, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}
LDR_EXPORT(DbgPrint);

ULONG __cdecl DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    __builtin_ms_va_list arguments;
    ULONG status;

    (void)ComponentId, (void)Level;
    __builtin_ms_va_start(arguments, Format);
    status = print(Format, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}
LDR_EXPORT(DbgPrintEx);

ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, __builtin_ms_va_list Arguments)
{
    (void)ComponentId, (void)Level;
    return print(Format, Arguments);
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
