/*
 * token.c - the access token of the system process, and what it tells.
 */
#include "system.h"

#define LENGTH_MAX 1024

/* ntifs.h goes with no other header. */
enum {
    ClassUser = 1,
    ClassGroups,
    ClassPrivileges,
    ClassOwner,
    ClassPrimaryGroup,
    ClassDefaultDacl,
    ClassSource,
    ClassType,
    ClassImpersonationLevel,
    ClassStatistics,
    ClassRestrictedSids,
    ClassSessionId,
    ClassSandBoxInert = 15,
    ClassOrigin = 17,
    ClassElevationType,
    ClassElevation = 20,
    ClassHasRestrictions,
    ClassVirtualizationAllowed = 23,
    ClassVirtualizationEnabled,
    ClassIntegrityLevel,
    ClassUIAccess,
    ClassMandatoryPolicy,
    ClassIsAppContainer = 29,
    ClassAppContainerNumber = 32,
    ClassUnknown = 0x7FFF,

    PrimaryToken = 1,
    TcbPrivilege = 7,
    SystemLogon = 0x3E7,
};

typedef NTSTATUS(NTAPI *POPEN_TOKEN)(HANDLE Process, ACCESS_MASK Access, PHANDLE Token);
typedef NTSTATUS(NTAPI *POPEN_TOKEN_EX)(HANDLE Process, ACCESS_MASK Access, ULONG Attributes,
                                        PHANDLE Token);
typedef NTSTATUS(NTAPI *PQUERY_TOKEN)(HANDLE Token, ULONG Class, PVOID Information, ULONG Length,
                                      PULONG Needed);

typedef struct _MEMBER {
    PUCHAR Sid;
    ULONG Attributes;
} MEMBER;

typedef struct _GROUPS {
    ULONG Count;
    MEMBER Group[1];
} GROUPS;

typedef struct _PRIVILEGE {
    ULONG Low;
    LONG High;
    ULONG Attributes;
} PRIVILEGE;

typedef struct _PRIVILEGES {
    ULONG Count;
    PRIVILEGE Privilege[1];
} PRIVILEGES;

typedef struct _ALLOWED {
    UCHAR Type;
    UCHAR Flags;
    USHORT Size;
    ACCESS_MASK Mask;
    UCHAR Sid[1];
} ALLOWED;

typedef struct _SOURCE {
    CHAR Name[8];
    LUID Identifier;
} SOURCE;

typedef struct _STATISTICS {
    LUID TokenId;
    LUID AuthenticationId;
    LARGE_INTEGER ExpirationTime;
    ULONG Type;
    ULONG ImpersonationLevel;
    ULONG DynamicCharged;
    ULONG DynamicAvailable;
    ULONG GroupCount;
    ULONG PrivilegeCount;
    LUID ModifiedId;
} STATISTICS;

static const UCHAR LocalSystem[] = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
static const UCHAR Everyone[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
static const UCHAR Administrators[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};

static PQUERY_TOKEN Query;

/* What the token tells of a class, in a buffer of no byte too many; NULL: it was not told. */
static PVOID Told(HANDLE Token, ULONG Class, PULONG Length)
{
    static UCHAR buffer[LENGTH_MAX];
    ULONG again = 0;

    *Length = 0;
    if (Query(Token, Class, NULL, 0, Length) != STATUS_BUFFER_TOO_SMALL || *Length == 0 ||
        *Length >= sizeof(buffer))
        return NULL;
    RtlFillMemory(buffer, sizeof(buffer), 0xA5);
    if (Query(Token, Class, buffer, *Length - 1, &again) != STATUS_BUFFER_TOO_SMALL ||
        again != *Length || buffer[0] != 0xA5)
        return NULL;
    if (Query(Token, Class, buffer, *Length, &again) != STATUS_SUCCESS || again != *Length ||
        buffer[*Length] != 0xA5)
        return NULL;
    return buffer;
}

/* Sid is one of those above, and stands in the Length bytes at Information. */
static BOOLEAN IsSid(PUCHAR Sid, const UCHAR *Wanted, ULONG WantedLength, PVOID Information,
                     ULONG Length)
{
    return Sid > (PUCHAR)Information && Sid + WantedLength <= (PUCHAR)Information + Length &&
           RtlCompareMemory(Sid, Wanted, WantedLength) == WantedLength;
}

static VOID CheckWho(HANDLE Token)
{
    ULONG length;
    PUCHAR *sid = Told(Token, ClassUser, &length);

    Expect(sid != NULL && IsSid(*sid, LocalSystem, sizeof(LocalSystem), sid, length) &&
               ((MEMBER *)sid)->Attributes == 0,
           "the user of the process is LocalSystem");
    sid = Told(Token, ClassOwner, &length);
    Expect(sid != NULL && ((*sid)[0] == 1 && *sid > (PUCHAR)sid && *sid < (PUCHAR)sid + length),
           "its token tells who will own what it makes");
    sid = Told(Token, ClassPrimaryGroup, &length);
    Expect(sid != NULL && IsSid(*sid, LocalSystem, sizeof(LocalSystem), sid, length),
           "its primary group is LocalSystem");
}

/* Returns how many groups there are. */
static ULONG CheckGroups(HANDLE Token)
{
    ULONG length;
    GROUPS *groups = Told(Token, ClassGroups, &length);
    BOOLEAN administrators = FALSE, everyone = FALSE;
    MEMBER *group;

    if (groups == NULL) {
        Expect(FALSE, "the groups of the token are told");
        return 0;
    }
    for (group = groups->Group; group < &groups->Group[0] + groups->Count; group++) {
        if (IsSid(group->Sid, Administrators, sizeof(Administrators), groups, length))
            administrators = (group->Attributes & 8) != 0; /* SE_GROUP_OWNER */
        if (IsSid(group->Sid, Everyone, sizeof(Everyone), groups, length))
            everyone = (group->Attributes & 4) != 0; /* SE_GROUP_ENABLED */
    }
    Expect(administrators, "LocalSystem is one of the administrators, who may own");
    Expect(everyone, "everyone is a group of it that counts");
    return groups->Count;
}

/* Returns how many privileges there are. */
static ULONG CheckPrivileges(HANDLE Token)
{
    ULONG length;
    PRIVILEGES *privileges = Told(Token, ClassPrivileges, &length);
    BOOLEAN tcb = FALSE, distinct = TRUE;
    PRIVILEGE *privilege;

    if (privileges == NULL) {
        Expect(FALSE, "the privileges of the token are told");
        return 0;
    }
    privilege = privileges->Privilege;
    for (ULONG i = 0; i < privileges->Count; i++) {
        if (privilege[i].Low == TcbPrivilege)
            tcb = (privilege[i].Attributes & 2) != 0; /* SE_PRIVILEGE_ENABLED */
        for (ULONG j = 0; j < i; j++)
            distinct = distinct && privilege[i].Low != privilege[j].Low;
    }
    Expect(tcb, "LocalSystem acts as part of the operating system");
    Expect(distinct && length == FIELD_OFFSET(PRIVILEGES, Privilege) +
                                     privileges->Count * sizeof(PRIVILEGE),
           "no privilege of a token is told twice");
    return privileges->Count;
}

static VOID CheckDacl(HANDLE Token)
{
    ULONG length;
    PACL *dacl = Told(Token, ClassDefaultDacl, &length);
    ALLOWED *ace;

    if (dacl == NULL || *dacl == NULL)
        return Expect(FALSE, "the access list of what the process makes is told");
    ace = (ALLOWED *)(*dacl + 1);
    Expect(*dacl == (PACL)(dacl + 1) && (*dacl)->AclRevision == ACL_REVISION &&
               sizeof(PVOID) + (*dacl)->AclSize <= length && (*dacl)->AceCount > 0 &&
               ace->Mask == GENERIC_ALL &&
               IsSid(ace->Sid, LocalSystem, sizeof(LocalSystem), dacl, length),
           "LocalSystem may do all with what it makes");
}

static VOID CheckStatistics(HANDLE Token, ULONG Groups, ULONG Privileges)
{
    ULONG length;
    SOURCE *source = Told(Token, ClassSource, &length);
    STATISTICS *statistics;

    Expect(source != NULL && length == sizeof(*source) &&
               RtlCompareMemory(source->Name, "*SYSTEM*", sizeof(source->Name)) ==
                   sizeof(source->Name),
           "the system itself is the source of the token");
    statistics = Told(Token, ClassStatistics, &length);
    if (statistics == NULL || length != sizeof(*statistics))
        return Expect(FALSE, "the statistics of the token are told");
    Expect(statistics->AuthenticationId.LowPart == SystemLogon &&
               statistics->AuthenticationId.HighPart == 0 && statistics->Type == PrimaryToken,
           "the statistics tell the system's logon");
    ExpectEqual(statistics->GroupCount, Groups, "the statistics count the groups");
    ExpectEqual(statistics->PrivilegeCount, Privileges, "the statistics count the privileges");
}

static VOID CheckNumbers(HANDLE Token)
{
    static const struct {
        ULONG Class;
        ULONG Number;
        PCSTR Says;
    } numbers[] = {
        {ClassType, PrimaryToken, "its token is a primary one"},
        {ClassRestrictedSids, 0, "its token is restricted by nobody"},
        {ClassSessionId, 0, "its session is 0"},
        {ClassSandBoxInert, FALSE, "its token was not made for a sandbox"},
        {ClassElevationType, 1, "its token is half of no pair"},
        {ClassElevation, TRUE, "its token is elevated"},
        {ClassHasRestrictions, FALSE, "its token was never filtered"},
        {ClassVirtualizationAllowed, FALSE, "its files and keys cannot be virtual"},
        {ClassVirtualizationEnabled, FALSE, "its files and keys are not virtual"},
        {ClassUIAccess, FALSE, "its token has no access to others' windows"},
        {ClassMandatoryPolicy, 0, "no policy of integrity holds for it"},
        {ClassIsAppContainer, FALSE, "it is in no app container"},
        {ClassAppContainerNumber, 0, "its app container has no number"},
    };
    ULONG i, length;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ULONG *number = Told(Token, numbers[i].Class, &length);

        Expect(number != NULL && length == sizeof(*number) && *number == numbers[i].Number,
               numbers[i].Says);
    }
}

static VOID CheckLevel(HANDLE Token)
{
    static const UCHAR system[] = {1, 1, 0, 0, 0, 0, 0, 16, 0, 0x40, 0, 0};
    ULONG length;
    MEMBER *label = Told(Token, ClassIntegrityLevel, &length);
    LUID *origin;

    Expect(label != NULL && IsSid(label->Sid, system, sizeof(system), label, length) &&
               (label->Attributes & 0x20) != 0, /* SE_GROUP_INTEGRITY */
           "its integrity level is the system's");
    origin = Told(Token, ClassOrigin, &length);
    Expect(origin != NULL && length == sizeof(*origin) && origin->LowPart == 0 &&
               origin->HighPart == 0,
           "no other logon has made it");
}

/* Two handles are of the one token. */
static VOID CheckOneToken(HANDLE Token, HANDLE Other)
{
    ULONG length;
    STATISTICS *statistics = Told(Token, ClassStatistics, &length);
    ULONG id = statistics != NULL ? statistics->TokenId.LowPart : 0;

    statistics = Told(Other, ClassStatistics, &length);
    Expect(statistics != NULL && statistics->TokenId.LowPart == id && id != 0,
           "a process has one token however often it is opened");
}

static VOID CheckRefusals(HANDLE Token)
{
    ULONG number = 99, length = 0;

    ExpectStatus(Query(NtCurrentProcess(), ClassType, &number, sizeof(number), &length),
                 STATUS_OBJECT_TYPE_MISMATCH, "ZwQueryInformationToken refuses what is no token");
    ExpectStatus(Query(Token, ClassUser, &number, sizeof(number), &length), STATUS_BUFFER_TOO_SMALL,
                 "ZwQueryInformationToken refuses a short buffer");
    Expect(length >= sizeof(MEMBER) + sizeof(LocalSystem) && length <= LENGTH_MAX,
           "ZwQueryInformationToken says how long it must be");
    ExpectStatus(Query(Token, ClassUnknown, &number, sizeof(number), &length),
                 STATUS_INVALID_INFO_CLASS, "ZwQueryInformationToken refuses an unknown class");
    ExpectStatus(Query(Token, ClassImpersonationLevel, &number, sizeof(number), &length),
                 STATUS_INVALID_INFO_CLASS, "a primary token has no level of impersonation");
    ExpectEqual(number, 99, "ZwQueryInformationToken leaves the buffer alone when it refuses");
}

/* The same with attributes for the handle. */
static VOID CheckOpenEx(HANDLE Token)
{
    POPEN_TOKEN_EX open = (POPEN_TOKEN_EX)TestRoutine(L"ZwOpenProcessTokenEx");
    ULONG number = 99, length;
    HANDLE token;

    ExpectStatus(open((HANDLE)(ULONG_PTR)0x7FFC, GENERIC_READ, OBJ_KERNEL_HANDLE, &token),
                 STATUS_INVALID_HANDLE, "ZwOpenProcessTokenEx refuses what is no handle");
    ExpectStatus(open(NtCurrentThread(), GENERIC_READ, OBJ_KERNEL_HANDLE, &token),
                 STATUS_OBJECT_TYPE_MISMATCH, "ZwOpenProcessTokenEx refuses what is no process");
    ExpectStatus(open(NtCurrentProcess(), GENERIC_READ, 0, &token), STATUS_INVALID_PARAMETER,
                 "ZwOpenProcessTokenEx gives kernel handles only");
    if (!NT_SUCCESS(open(NtCurrentProcess(), GENERIC_READ, OBJ_KERNEL_HANDLE, &token)))
        return Expect(FALSE, "ZwOpenProcessTokenEx opens the token of the process");
    Expect(Query(token, ClassType, &number, sizeof(number), &length) == STATUS_SUCCESS &&
               number == PrimaryToken,
           "what it opens is the token of the process");
    CheckOneToken(Token, token);
    ZwClose(token);
}

VOID CheckToken(VOID)
{
    POPEN_TOKEN open = (POPEN_TOKEN)TestRoutine(L"ZwOpenProcessToken");
    HANDLE token;
    ULONG number = 99, length = 0, groups, privileges;
    NTSTATUS status;

    Query = (PQUERY_TOKEN)TestRoutine(L"ZwQueryInformationToken");
    ExpectStatus(open((HANDLE)(ULONG_PTR)0x7FFC, GENERIC_READ, &token), STATUS_INVALID_HANDLE,
                 "ZwOpenProcessToken refuses what is no handle");
    ExpectStatus(open(NtCurrentThread(), GENERIC_READ, &token), STATUS_OBJECT_TYPE_MISMATCH,
                 "ZwOpenProcessToken refuses what is no process");
    status = open(NtCurrentProcess(), GENERIC_READ, &token);
    ExpectStatus(status, STATUS_SUCCESS, "ZwOpenProcessToken gives a handle of the token");
    if (!NT_SUCCESS(status))
        return;
    CheckRefusals(token);
    CheckWho(token);
    groups = CheckGroups(token);
    privileges = CheckPrivileges(token);
    CheckDacl(token);
    CheckStatistics(token, groups, privileges);
    CheckNumbers(token);
    CheckLevel(token);
    CheckOpenEx(token);
    ExpectStatus(ZwClose(token), STATUS_SUCCESS, "a token's handle can be closed");
    ExpectStatus(Query(token, ClassType, &number, sizeof(number), &length), STATUS_INVALID_HANDLE,
                 "ZwQueryInformationToken refuses a handle that is closed");
}
