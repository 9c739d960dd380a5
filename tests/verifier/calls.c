/*
 * calls.c - one call of any routine by name, at any IRQL.
 *
 * Where the verifier looks on, the call is never made; the arguments would do for few routines.
 */
#include "rules.h"

typedef NTSTATUS NTAPI ROUTINE(PVOID, PVOID, PVOID, PVOID, PVOID, PVOID, PVOID, PVOID);

NTSTATUS CallByName(const CALL_REQUEST *Request, ULONG Length)
{
    /* An object, an IRP, a structure; as an IRQL, its address is none. */
    static ULONG64 memory[128] __attribute__((aligned(256)));
    PVOID zeros = memory + 8;
    WCHAR name[NAME_MAX];
    UNICODE_STRING string;
    NTSTATUS status;
    ROUTINE *routine;
    ULONG count;
    KIRQL old;

    for (count = 0; count < Length - sizeof(Request->Irql) && count < NAME_MAX; count++)
        name[count] = Request->Name[count];
    string.Buffer = name;
    string.Length = string.MaximumLength = (USHORT)(count * sizeof(WCHAR));
    routine = (ROUTINE *)MmGetSystemRoutineAddress(&string);
    if (routine == NULL)
        return STATUS_PROCEDURE_NOT_FOUND;
    KeRaiseIrql(Request->Irql, &old);
    status = routine(zeros, zeros, zeros, zeros, zeros, zeros, zeros, zeros);
    KeLowerIrql(old);
    return status == STATUS_UNSUCCESSFUL ? STATUS_SUCCESS : STATUS_INTERNAL_ERROR;
}
