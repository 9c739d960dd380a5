/*
 * ex/debugger.c - what a system without a kernel debugger answers.
 *
 * KdDebuggerEnabled and KdDebuggerNotPresent are in ldr/data.c, DbgPrint in ex/debug.c.
 */
#include <lib/export.h>
#include <nt/ntifs.h>

/* The port a debugger would hold: none, so serial drivers may have them all. */
static PUCHAR com_port_in_use;
LDR_EXPORT_AS("KdComPortInUse", com_port_in_use);

/* WDK surface */

NTSTATUS NTAPI KdSystemDebugControl(ULONG Command, PVOID InputBuffer, ULONG InputBufferLength,
                                    PVOID OutputBuffer, ULONG OutputBufferLength,
                                    PULONG ReturnLength, KPROCESSOR_MODE PreviousMode)
{
    UNREFERENCED_PARAMETER(Command);
    UNREFERENCED_PARAMETER(InputBuffer);
    UNREFERENCED_PARAMETER(InputBufferLength);
    UNREFERENCED_PARAMETER(OutputBuffer);
    UNREFERENCED_PARAMETER(OutputBufferLength);
    UNREFERENCED_PARAMETER(PreviousMode);
    if (ReturnLength != NULL)
        *ReturnLength = 0;
    return STATUS_DEBUGGER_INACTIVE;
}
LDR_EXPORT(KdSystemDebugControl);

BOOLEAN NTAPI KdRefreshDebuggerNotPresent(VOID)
{
    return TRUE;
}
LDR_EXPORT(KdRefreshDebuggerNotPresent);

NTSTATUS NTAPI KdDisableDebugger(VOID)
{
    return STATUS_DEBUGGER_INACTIVE;
}
LDR_EXPORT(KdDisableDebugger);

NTSTATUS NTAPI KdEnableDebugger(VOID)
{
    return STATUS_DEBUGGER_INACTIVE;
}
LDR_EXPORT(KdEnableDebugger);
