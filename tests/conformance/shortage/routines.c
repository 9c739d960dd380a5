/*
 * routines.c - routines of the kernel that need memory: what they return when there is none, and
 * that they succeed when there is again.
 */
#include "shortage.h"

#define SSE 2 /* XSTATE_MASK_LEGACY_SSE */

static BOOLEAN NTAPI AskedAboutNmi(PVOID Context, BOOLEAN Handled)
{
    UNREFERENCED_PARAMETER(Context);
    return Handled;
}

static ULONG CheckNmiCallback(VOID)
{
    PVOID handle = KeRegisterNmiCallback(AskedAboutNmi, NULL);
    BOOLEAN failed = handle == NULL;

    if (failed) {
        handle = KeRegisterNmiCallback(AskedAboutNmi, NULL);
        Expect(handle != NULL, "KeRegisterNmiCallback returns NULL without memory, and only then");
    }
    KeDeregisterNmiCallback(handle);
    return failed;
}

static VOID NTAPI Changed(PVOID Context, PKE_PROCESSOR_CHANGE_NOTIFY_CONTEXT Change,
                          PNTSTATUS OperationStatus)
{
    UNREFERENCED_PARAMETER(Change);
    UNREFERENCED_PARAMETER(OperationStatus);
    ++*(PULONG)Context;
}

static ULONG CheckChangeCallback(VOID)
{
    ULONG told = 0, untold;
    PVOID handle =
        KeRegisterProcessorChangeCallback(Changed, &told, KE_PROCESSOR_CHANGE_ADD_EXISTING);
    BOOLEAN failed = handle == NULL;

    untold = told;
    if (failed) {
        handle = KeRegisterProcessorChangeCallback(Changed, &told, 0);
        Expect(
            untold == 0 && handle != NULL,
            "KeRegisterProcessorChangeCallback returns NULL without memory, having told nothing");
    }
    if (handle != NULL)
        KeDeregisterProcessorChangeCallback(handle);
    return failed;
}

static ULONG CheckExtendedState(VOID)
{
    XSTATE_SAVE save;
    NTSTATUS status = KeSaveExtendedProcessorState(SSE, &save), again = status;

    if (!NT_SUCCESS(status)) {
        again = KeSaveExtendedProcessorState(SSE, &save);
        ExpectStatus(status, STATUS_INSUFFICIENT_RESOURCES,
                     "KeSaveExtendedProcessorState without memory gives "
                     "STATUS_INSUFFICIENT_RESOURCES");
        ExpectStatus(again, STATUS_SUCCESS, "which has saved nothing: tried again, it saves");
    }
    if (NT_SUCCESS(again))
        KeRestoreExtendedProcessorState(&save);
    return !NT_SUCCESS(status);
}

ULONG CheckRoutines(VOID)
{
    return CheckNmiCallback() + CheckChangeCallback() + CheckExtendedState();
}
