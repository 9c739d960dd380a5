/*
 * ex/security_names.c - what SeExports tells: the numbers of privileges and well-known security
 * identifiers.
 *
 * WDK: "Privilege Constants", "Well-Known SIDs"; [MS-DTYP] 2.4.2.4 gives the identifiers.
 */
#include <lib/export.h>
#include <nt/ntifs.h>

enum { SID_PARTS_MAX = 2 };

/* A SID with room for as many subauthorities as any below has. */
struct known_sid {
    UCHAR revision;
    UCHAR count;
    SID_IDENTIFIER_AUTHORITY authority;
    ULONG parts[SID_PARTS_MAX];
};

#define KNOWN_SID(AUTHORITY, COUNT, ...)                                                           \
    (PSID) & (struct known_sid)                                                                    \
    {                                                                                              \
        SID_REVISION, COUNT, {{0, 0, 0, 0, 0, AUTHORITY}},                                         \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static SE_EXPORTS names = {
    .SeCreateTokenPrivilege = {2, 0},
    .SeAssignPrimaryTokenPrivilege = {3, 0},
    .SeLockMemoryPrivilege = {4, 0},
    .SeIncreaseQuotaPrivilege = {5, 0},
    .SeUnsolicitedInputPrivilege = {6, 0},
    .SeTcbPrivilege = {7, 0},
    .SeSecurityPrivilege = {8, 0},
    .SeTakeOwnershipPrivilege = {9, 0},
    .SeLoadDriverPrivilege = {10, 0},
    .SeSystemProfilePrivilege = {11, 0},
    .SeSystemtimePrivilege = {12, 0},
    .SeProfileSingleProcessPrivilege = {13, 0},
    .SeIncreaseBasePriorityPrivilege = {14, 0},
    .SeCreatePagefilePrivilege = {15, 0},
    .SeCreatePermanentPrivilege = {16, 0},
    .SeBackupPrivilege = {17, 0},
    .SeRestorePrivilege = {18, 0},
    .SeShutdownPrivilege = {19, 0},
    .SeDebugPrivilege = {20, 0},
    .SeAuditPrivilege = {21, 0},
    .SeSystemEnvironmentPrivilege = {22, 0},
    .SeChangeNotifyPrivilege = {23, 0},
    .SeRemoteShutdownPrivilege = {24, 0},
    .SeUndockPrivilege = {25, 0},
    .SeSyncAgentPrivilege = {26, 0},
    .SeEnableDelegationPrivilege = {27, 0},
    .SeManageVolumePrivilege = {28, 0},
    .SeImpersonatePrivilege = {29, 0},
    .SeCreateGlobalPrivilege = {30, 0},
    .SeTrustedCredManAccessPrivilege = {31, 0},
    .SeRelabelPrivilege = {32, 0},
    .SeIncreaseWorkingSetPrivilege = {33, 0},
    .SeTimeZonePrivilege = {34, 0},
    .SeCreateSymbolicLinkPrivilege = {35, 0},
    .SeNullSid = KNOWN_SID(0, 1, 0),
    .SeWorldSid = KNOWN_SID(1, 1, 0),
    .SeLocalSid = KNOWN_SID(2, 1, 0),
    .SeCreatorOwnerSid = KNOWN_SID(3, 1, 0),
    .SeCreatorGroupSid = KNOWN_SID(3, 1, 1),
    .SeNtAuthoritySid = KNOWN_SID(5, 0, 0),
    .SeDialupSid = KNOWN_SID(5, 1, 1),
    .SeNetworkSid = KNOWN_SID(5, 1, 2),
    .SeBatchSid = KNOWN_SID(5, 1, 3),
    .SeInteractiveSid = KNOWN_SID(5, 1, 4),
    .SeLocalSystemSid = KNOWN_SID(5, 1, 18),
    .SeAliasAdminsSid = KNOWN_SID(5, 2, 32, 544),
    .SeAliasUsersSid = KNOWN_SID(5, 2, 32, 545),
    .SeAliasGuestsSid = KNOWN_SID(5, 2, 32, 546),
    .SeAliasPowerUsersSid = KNOWN_SID(5, 2, 32, 547),
    .SeAliasAccountOpsSid = KNOWN_SID(5, 2, 32, 548),
    .SeAliasSystemOpsSid = KNOWN_SID(5, 2, 32, 549),
    .SeAliasPrintOpsSid = KNOWN_SID(5, 2, 32, 550),
    .SeAliasBackupOpsSid = KNOWN_SID(5, 2, 32, 551),
    .SeAuthenticatedUsersSid = KNOWN_SID(5, 1, 11),
    .SeRestrictedSid = KNOWN_SID(5, 1, 12),
    .SeAnonymousLogonSid = KNOWN_SID(5, 1, 7),
    .SeLocalServiceSid = KNOWN_SID(5, 1, 19),
    .SeNetworkServiceSid = KNOWN_SID(5, 1, 20),
    .SeIUserSid = KNOWN_SID(5, 1, 17),
    .SeUntrustedMandatorySid = KNOWN_SID(16, 1, 0),
    .SeLowMandatorySid = KNOWN_SID(16, 1, 0x1000),
    .SeMediumMandatorySid = KNOWN_SID(16, 1, 0x2000),
    .SeHighMandatorySid = KNOWN_SID(16, 1, 0x3000),
    .SeSystemMandatorySid = KNOWN_SID(16, 1, 0x4000),
    .SeOwnerRightsSid = KNOWN_SID(3, 1, 4),
};

PSE_EXPORTS SeExports = &names;
LDR_EXPORT_DATA(SeExports);
