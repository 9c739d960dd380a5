/*
 * ex/token_zw.c - the access token of the system process, by handle.
 *
 * It is a primary token of LocalSystem, in session 0. There is no other process, nobody is
 * impersonated, and access is never denied: it tells who is asking, no more.
 */
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "ex/memory_zw.h"
#include "ex/security.h"
#include "ke/ob.h"

enum {
    TOKEN_GROUP_COUNT = 4,
    TOKEN_ID = 1001,         /* of the only token */
    SYSTEM_LOGON_ID = 0x3E7, /* WDK: SYSTEM_LUID */

    GROUP_ON = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED,
    PRIVILEGE_ON = SE_PRIVILEGE_ENABLED_BY_DEFAULT | SE_PRIVILEGE_ENABLED,
};

static const struct _OBJECT_TYPE token_type = {.name = "Token"};

/* The privileges of LocalSystem; WDK "LocalSystem Account", "Privilege Constants". */
static const struct {
    USHORT name; /* offset in SE_EXPORTS */
    USHORT attributes;
} privileges[] = {
    {offsetof(SE_EXPORTS, SeAssignPrimaryTokenPrivilege), 0},
    {offsetof(SE_EXPORTS, SeLockMemoryPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeIncreaseQuotaPrivilege), 0},
    {offsetof(SE_EXPORTS, SeTcbPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeSecurityPrivilege), 0},
    {offsetof(SE_EXPORTS, SeTakeOwnershipPrivilege), 0},
    {offsetof(SE_EXPORTS, SeLoadDriverPrivilege), 0},
    {offsetof(SE_EXPORTS, SeSystemProfilePrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeSystemtimePrivilege), 0},
    {offsetof(SE_EXPORTS, SeProfileSingleProcessPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeIncreaseBasePriorityPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeCreatePagefilePrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeCreatePermanentPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeBackupPrivilege), 0},
    {offsetof(SE_EXPORTS, SeRestorePrivilege), 0},
    {offsetof(SE_EXPORTS, SeShutdownPrivilege), 0},
    {offsetof(SE_EXPORTS, SeDebugPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeAuditPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeSystemEnvironmentPrivilege), 0},
    {offsetof(SE_EXPORTS, SeChangeNotifyPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeUndockPrivilege), 0},
    {offsetof(SE_EXPORTS, SeManageVolumePrivilege), 0},
    {offsetof(SE_EXPORTS, SeImpersonatePrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeCreateGlobalPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeIncreaseWorkingSetPrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeTimeZonePrivilege), PRIVILEGE_ON},
    {offsetof(SE_EXPORTS, SeCreateSymbolicLinkPrivilege), PRIVILEGE_ON},
};

static SID_AND_ATTRIBUTES integrity_level(void)
{
    return (SID_AND_ATTRIBUTES){SeExports->SeSystemMandatorySid,
                                SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED};
}

/* What one ULONG answers. */
static const struct {
    TOKEN_INFORMATION_CLASS class;
    ULONG number;
} numbers[] = {
    {TokenType, TokenPrimary},
    {TokenRestrictedSids, 0}, /* groups: there are none */
    {TokenSessionId, 0},
    {TokenSandBoxInert, FALSE},
    {TokenElevationType, TokenElevationTypeDefault},
    {TokenElevation, TRUE},
    {TokenHasRestrictions, FALSE},
    {TokenVirtualizationAllowed, FALSE},
    {TokenVirtualizationEnabled, FALSE},
    {TokenUIAccess, FALSE},
    {TokenMandatoryPolicy, 0}, /* off */
    {TokenIsAppContainer, FALSE},
    {TokenAppContainerNumber, 0},
};

/* NULL: something else answers. */
static const ULONG *answer_number(TOKEN_INFORMATION_CLASS class)
{
    for (unsigned i = 0; i < ARRAYSIZE(numbers); i++)
        if (numbers[i].class == class)
            return &numbers[i].number;
    return NULL;
}

static SID_AND_ATTRIBUTES token_group(unsigned index)
{
    const SID_AND_ATTRIBUTES groups[TOKEN_GROUP_COUNT] = {
        {SeExports->SeAliasAdminsSid,
         SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED | SE_GROUP_OWNER},
        {SeExports->SeWorldSid, GROUP_ON},
        {SeExports->SeAuthenticatedUsersSid, GROUP_ON},
        integrity_level(),
    };

    return groups[index];
}

static ULONG groups_length(void)
{
    ULONG length = FIELD_OFFSET(TOKEN_GROUPS, Groups);

    for (unsigned i = 0; i < TOKEN_GROUP_COUNT; i++)
        length += (ULONG)sizeof(SID_AND_ATTRIBUTES) + RtlLengthSid(token_group(i).Sid);
    return length;
}

static ULONG ace_length(PSID sid)
{
    return FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart) + RtlLengthSid(sid);
}

static ULONG dacl_length(void)
{
    return (ULONG)sizeof(ACL) + ace_length(SeExports->SeLocalSystemSid) +
           ace_length(SeExports->SeAliasAdminsSid);
}

/* How long the answer to a class is; 0: the token does not know it. */
static ULONG answer_length(TOKEN_INFORMATION_CLASS class)
{
    ULONG system_length = RtlLengthSid(SeExports->SeLocalSystemSid);

    switch (class) {
    case TokenUser:
        return sizeof(TOKEN_USER) + system_length;
    case TokenGroups:
        return groups_length();
    case TokenPrivileges:
        return FIELD_OFFSET(TOKEN_PRIVILEGES, Privileges) +
               ARRAYSIZE(privileges) * sizeof(LUID_AND_ATTRIBUTES);
    case TokenOwner:
        return sizeof(TOKEN_OWNER) + system_length;
    case TokenPrimaryGroup:
        return sizeof(TOKEN_PRIMARY_GROUP) + system_length;
    case TokenDefaultDacl:
        return sizeof(TOKEN_DEFAULT_DACL) + dacl_length();
    case TokenSource:
        return sizeof(TOKEN_SOURCE);
    case TokenStatistics:
        return sizeof(TOKEN_STATISTICS);
    case TokenOrigin:
        return sizeof(TOKEN_ORIGIN);
    case TokenIntegrityLevel:
        return sizeof(TOKEN_MANDATORY_LABEL) + RtlLengthSid(integrity_level().Sid);
    default:
        return answer_number(class) != NULL ? sizeof(ULONG) : 0;
    }
}

/* Puts `sid` at *at, and *at behind it. */
static PSID put_sid(PUCHAR *at, PSID sid)
{
    PSID put = *at;

    memcpy(put, sid, RtlLengthSid(sid));
    *at += RtlLengthSid(sid);
    return put;
}

/* A SID that has attributes, and the SID behind it. */
static void answer_member(PSID_AND_ATTRIBUTES answer, SID_AND_ATTRIBUTES member)
{
    PUCHAR behind = (PUCHAR)(answer + 1);

    *answer = member;
    answer->Sid = put_sid(&behind, member.Sid);
}

static void answer_groups(PTOKEN_GROUPS groups)
{
    PSID_AND_ATTRIBUTES to = groups->Groups;
    PUCHAR behind = (PUCHAR)&to[TOKEN_GROUP_COUNT];

    groups->GroupCount = TOKEN_GROUP_COUNT;
    for (unsigned i = 0; i < TOKEN_GROUP_COUNT; i++) {
        to[i] = token_group(i);
        to[i].Sid = put_sid(&behind, to[i].Sid);
    }
}

static void answer_privileges(PTOKEN_PRIVILEGES answer)
{
    PLUID_AND_ATTRIBUTES to = answer->Privileges;

    answer->PrivilegeCount = ARRAYSIZE(privileges);
    for (unsigned i = 0; i < ARRAYSIZE(privileges); i++) {
        to[i].Luid = *(PLUID)((PUCHAR)SeExports + privileges[i].name);
        to[i].Attributes = privileges[i].attributes;
    }
}

static void answer_dacl(PTOKEN_DEFAULT_DACL answer)
{
    PACL dacl = (PACL)(answer + 1);

    answer->DefaultDacl = dacl;
    RtlCreateAcl(dacl, dacl_length(), ACL_REVISION);
    RtlAddAccessAllowedAce(dacl, ACL_REVISION, GENERIC_ALL, SeExports->SeLocalSystemSid);
    RtlAddAccessAllowedAce(dacl, ACL_REVISION, READ_CONTROL | GENERIC_READ | GENERIC_EXECUTE,
                           SeExports->SeAliasAdminsSid);
}

static void answer_statistics(PTOKEN_STATISTICS statistics)
{
    statistics->TokenId.LowPart = TOKEN_ID;
    statistics->AuthenticationId.LowPart = SYSTEM_LOGON_ID;
    statistics->ExpirationTime.QuadPart = MAXLONGLONG;
    statistics->TokenType = TokenPrimary;
    statistics->DynamicCharged = RtlLengthSid(SeExports->SeLocalSystemSid) + dacl_length();
    statistics->GroupCount = TOKEN_GROUP_COUNT;
    statistics->PrivilegeCount = ARRAYSIZE(privileges);
    statistics->ModifiedId = statistics->TokenId;
}

/* What the token knows of a class, in as many zeroed bytes as it takes. */
static void answer(TOKEN_INFORMATION_CLASS class, PVOID information)
{
    PUCHAR behind;

    switch (class) {
    case TokenUser:
        return answer_member(information, (SID_AND_ATTRIBUTES){SeExports->SeLocalSystemSid, 0});
    case TokenIntegrityLevel:
        return answer_member(information, integrity_level());
    case TokenGroups:
        return answer_groups(information);
    case TokenPrivileges:
        return answer_privileges(information);
    case TokenOwner:
    case TokenPrimaryGroup:
        behind = (PUCHAR)information + sizeof(PSID);
        *(PSID *)information = put_sid(&behind, SeExports->SeLocalSystemSid);
        return;
    case TokenDefaultDacl:
        return answer_dacl(information);
    case TokenSource:
        memcpy(((PTOKEN_SOURCE)information)->SourceName, "*SYSTEM*", TOKEN_SOURCE_LENGTH);
        return;
    case TokenStatistics:
        return answer_statistics(information);
    case TokenOrigin: /* the first logon, which none has made */
        return;
    default:
        *(PULONG)information = *answer_number(class);
        return;
    }
}

/* What requests come with: there without memory, too. */
static struct {
    struct ob_header header;
    ULONG token;
} system_token = {.header = {.reference_count = 1, .type = &token_type}};

void *ex_token_reference(void)
{
    ob_reference(&system_token.token);
    return &system_token.token;
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
 * STATUS_INVALID_INFO_CLASS for what this token does not know, as its impersonation level: it is
 * a primary token. WDK "ZwQueryInformationToken".
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
    *ReturnLength = answer_length(TokenInformationClass);
    if (*ReturnLength == 0)
        return STATUS_INVALID_INFO_CLASS;
    if (TokenInformationLength < *ReturnLength)
        return STATUS_BUFFER_TOO_SMALL;
    memset(TokenInformation, 0, *ReturnLength);
    answer(TokenInformationClass, TokenInformation);
    return STATUS_SUCCESS;
}
LDR_EXPORT(ZwQueryInformationToken);
