/*
 * debug.c - what a driver finds where no kernel debugger is, and what it prints.
 */
#include "ke.h"

#define SHARED_DEBUGGER_ENABLED ((volatile UCHAR *)0xFFFFF780000002D4)

typedef NTSTATUS(NTAPI *PSYSTEM_CONTROL)(ULONG Command, PVOID Input, ULONG InputLength,
                                         PVOID Output, ULONG OutputLength, PULONG ReturnLength,
                                         KPROCESSOR_MODE Mode);

/* ---- no debugger ---------------------------------------------------------------------------- */

static VOID CheckVariables(VOID)
{
    PBOOLEAN enabled = TestRoutine(L"KdDebuggerEnabled");
    PBOOLEAN absent = TestRoutine(L"KdDebuggerNotPresent");
    PUCHAR *port = TestRoutine(L"KdComPortInUse");

    Expect(!*enabled && *absent, "KdDebuggerEnabled is FALSE and KdDebuggerNotPresent TRUE");
    ExpectEqual(*SHARED_DEBUGGER_ENABLED, 0, "the shared user data page says so, too");
    Expect(*port == NULL, "KdComPortInUse: no serial port is the debugger's");
    Expect(KdRefreshDebuggerNotPresent() && *absent,
           "KdRefreshDebuggerNotPresent looks again and finds none");
}

static VOID CheckSwitches(VOID)
{
    NTSTATUS off, on;
    KIRQL irql;

    ExpectStatus(KdDisableDebugger(), STATUS_DEBUGGER_INACTIVE,
                 "KdDisableDebugger has nothing to disable");
    ExpectStatus(KdEnableDebugger(), STATUS_DEBUGGER_INACTIVE,
                 "KdEnableDebugger has nothing to enable");
    KeRaiseIrql(HIGH_LEVEL, &irql);
    off = KdDisableDebugger();
    on = KdEnableDebugger();
    KeLowerIrql(irql);
    Expect(off == STATUS_DEBUGGER_INACTIVE && on == off, "at any IRQL");
}

static VOID CheckControl(VOID)
{
    PSYSTEM_CONTROL control = (PSYSTEM_CONTROL)TestRoutine(L"KdSystemDebugControl");
    ULONG64 output = 0x5A5A5A5A, input = 0;
    ULONG returned = 77;

    ExpectStatus(control(7, &input, sizeof(input), &output, sizeof(output), &returned, KernelMode),
                 STATUS_DEBUGGER_INACTIVE, "KdSystemDebugControl does nothing");
    Expect(returned == 0 && output == 0x5A5A5A5A, "and returns nothing");
    ExpectStatus(control(7, NULL, 0, NULL, 0, NULL, KernelMode), STATUS_DEBUGGER_INACTIVE,
                 "nor needs a buffer");
}

/* ---- printing ------------------------------------------------------------------------------- */

/* These print their own case: where nothing comes out the report is a line short. */
static ULONG PrintList(ULONG Component, ULONG Level, PCCH Format, ...)
{
    va_list arguments;
    ULONG status;

    va_start(arguments, Format);
    status = vDbgPrintEx(Component, Level, Format, arguments);
    va_end(arguments);
    return status;
}

static VOID CheckPrint(VOID)
{
    UNICODE_STRING wide = RTL_CONSTANT_STRING(L"prints");
    ULONG status, list, high;
    KIRQL irql;

    status = DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "ok %u - DbgPrintEx %wZ %s\n",
                        ++TestReport.Cases, &wide, "its arguments");
    list = PrintList(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL,
                     "ok %u - vDbgPrintEx prints a %s of %hd\n", ++TestReport.Cases, "list", 2);
    Expect(status == STATUS_SUCCESS && list == STATUS_SUCCESS, "both return STATUS_SUCCESS");
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    high = DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL,
                      "ok %u - DbgPrintEx prints at DIRQL\n", ++TestReport.Cases);
    KeLowerIrql(irql);
    ExpectStatus((NTSTATUS)high, STATUS_SUCCESS, "and succeeds there");
    status = DbgPrintEx(0x7FFFFFFF, DPFLTR_ERROR_LEVEL,
                        "ok %u - a component that there is not is treated as DEFAULT\n",
                        ++TestReport.Cases);
    ExpectStatus((NTSTATUS)status, STATUS_SUCCESS, "and is no error");
}

static VOID CheckLongPrint(VOID)
{
    static CHAR text[600];
    ULONG cut, end;

    RtlFillMemory(text, sizeof(text) - 1, 'x');
    cut = PrintList(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "# %s", text);
    end = PrintList(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "\n");
    Expect(cut == STATUS_SUCCESS && end == STATUS_SUCCESS,
           "text of more than 512 bytes is cut, and no error");
}

#define CALL_MAX 512 /* bytes that one call passes on */

/*
 * A call whose 512th byte is the end of a case's line; behind it stands that the case has failed.
 */
static ULONG PrintLong(ULONG(__cdecl *Print)(PCSTR Format, ...), PCSTR Name)
{
    ULONG number = ++TestReport.Cases, length, padding;

    for (length = 0; Name[length] != '\0'; length++)
        continue;
    length += sizeof("#\nok 000 - \n") - 1;
    padding = CALL_MAX - length;
    return Print("#%*s\nok %03u - %s\nnot ok %u - more than 512 bytes are passed on\n", padding, "",
                 number, Name, number);
}

/* For what PrintLong gives: a width, a text, the number, the name, the number. */
static ULONG __cdecl PrintEx(PCSTR Format, ...)
{
    va_list arguments;
    ULONG status, numbers[2];
    PCSTR texts[2];

    va_start(arguments, Format);
    numbers[0] = va_arg(arguments, ULONG);
    texts[0] = va_arg(arguments, PCSTR);
    numbers[1] = va_arg(arguments, ULONG);
    texts[1] = va_arg(arguments, PCSTR);
    status = DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, Format, numbers[0], texts[0],
                        numbers[1], texts[1], numbers[1]);
    va_end(arguments);
    return status;
}

static VOID CheckPrintLength(VOID)
{
    ULONG status = DbgPrint("ok %u - DbgPrint prints: %s, %%, %#x\n", ++TestReport.Cases,
                            "its arguments", 0x10);

    ExpectStatus((NTSTATUS)status, STATUS_SUCCESS, "DbgPrint returns STATUS_SUCCESS");
    status = PrintLong(DbgPrint, "DbgPrint passes on 512 bytes of a call and no more");
    ExpectStatus((NTSTATUS)status, STATUS_SUCCESS, "which is no error");
    PrintLong(PrintEx, "DbgPrintEx passes on 512 bytes of a call and no more");
}

/* ---- breakpoints ---------------------------------------------------------------------------- */

static VOID Break(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    DbgBreakPoint();
}

static VOID BreakWithStatus(PVOID Context)
{
    DbgBreakPointWithStatus(*(PULONG)Context);
}

static VOID CheckBreaks(VOID)
{
    ULONG status = 1;

    ExpectStatus(TestCatch(Break, NULL), STATUS_BREAKPOINT,
                 "DbgBreakPoint is an exception where no debugger takes it");
    ExpectStatus(TestCatch(BreakWithStatus, &status), STATUS_BREAKPOINT,
                 "and so is DbgBreakPointWithStatus");
}

VOID CheckDebug(VOID)
{
    CheckVariables();
    CheckSwitches();
    CheckControl();
    CheckPrint();
    CheckLongPrint();
    CheckPrintLength();
    CheckBreaks();
}

/* ---- stops ---------------------------------------------------------------------------------- */

VOID StopDebug(ULONG Number)
{
    KIRQL irql;

    if (Number == 20) {
        ExpectStop(0x7E, 0x80000003, TEST_ANY, TEST_ANY, TEST_ANY,
                   "DbgBreakPoint stops the system where nobody takes the exception");
        DbgBreakPoint();
    } else if (Number == 21) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        ExpectStop(0x1E, 0x80000003, TEST_ANY, TEST_ANY, TEST_ANY,
                   "and DbgBreakPointWithStatus, here at DISPATCH_LEVEL");
        DbgBreakPointWithStatus(1);
    }
}
