/*
 * ex/token_zw.c - the access token of the system process, by handle.
 *
 * Its user and owner is LocalSystem, it is a primary token, and its session is 0. There is no other
 * process, nobody is impersonated, and access is never denied: it tells who is asking, no more.
 */
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "ex/memory_zw.h"
#include "ke/ob.h"

static const struct _OBJECT_TYPE token_type = {.name = "Token"};

/* `size` bytes that begin with a pointer to the SID, and the SID behind them. */
static NTSTATUS answer_sid(ULONG size, PVOID information, ULONG length, PULONG needed)
{
    PSID system = SeExports->SeLocalSystemSid;

    *needed = size + RtlLengthSid(system);
    if (length < *needed)
        return STATUS_BUFFER_TOO_SMALL;
    memset(information, 0, size);
    *(PSID *)information = (PUCHAR)information + size;
    memcpy((PUCHAR)information + size, system, RtlLengthSid(system));
    return STATUS_SUCCESS;
}

static NTSTATUS answer_number(ULONG number, PVOID information, ULONG length, PULONG needed)
{
    *needed = sizeof(number);
    if (length < sizeof(number))
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(information, &number, sizeof(number));
    return STATUS_SUCCESS;
}

/* WDK surface */

/* PASSIVE_LEVEL. STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH: no process. */
NTSTATUS NTAPI ZwOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                                  PHANDLE TokenHandle)
{
    NTSTATUS status = ex_process_check(ProcessHandle);
    void *token;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (!NT_SUCCESS(status))
        return status;
    token = ob_create(&token_type, sizeof(ULONG));
    if (token == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = ob_handle_create(token, DesiredAccess, TokenHandle);
    ob_dereference(token);
    return status;
}
LDR_EXPORT(ZwOpenProcessToken);

/* The same; STATUS_INVALID_PARAMETER: not for a kernel handle. WDK: ZwOpenProcessTokenEx */
NTSTATUS NTAPI ZwOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                                    ULONG HandleAttributes, PHANDLE TokenHandle)
{
    if (!(HandleAttributes & OBJ_KERNEL_HANDLE))
        return STATUS_INVALID_PARAMETER;
    return ZwOpenProcessToken(ProcessHandle, DesiredAccess, TokenHandle);
}
LDR_EXPORT(ZwOpenProcessTokenEx);

/*
 * PASSIVE_LEVEL. STATUS_BUFFER_TOO_SMALL, with the length in *ReturnLength;
 * STATUS_INVALID_INFO_CLASS for what this token does not know. WDK "ZwQueryInformationToken".
 */
NTSTATUS NTAPI ZwQueryInformationToken(HANDLE TokenHandle,
                                       TOKEN_INFORMATION_CLASS TokenInformationClass,
                                       PVOID TokenInformation, ULONG TokenInformationLength,
                                       PULONG ReturnLength)
{
    void *token;
    NTSTATUS status = ob_handle_reference(TokenHandle, &token_type, &token);

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (!NT_SUCCESS(status))
        return status;
    ob_dereference(token);
    switch (TokenInformationClass) {
    case TokenUser:
        return answer_sid(sizeof(TOKEN_USER), TokenInformation, TokenInformationLength,
                          ReturnLength);
    case TokenOwner:
        return answer_sid(sizeof(TOKEN_OWNER), TokenInformation, TokenInformationLength,
                          ReturnLength);
    case TokenType:
        return answer_number(TokenPrimary, TokenInformation, TokenInformationLength, ReturnLength);
    case TokenSessionId:
        return answer_number(0, TokenInformation, TokenInformationLength, ReturnLength);
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}
LDR_EXPORT(ZwQueryInformationToken);
