/*
 * revisions.c - descriptors of an unknown revision, of the form that a routine does not take, and
 * without the part that is asked for; the ends of what identifiers and lists can be.
 */
#include "security.h"

#define SE_SACL_PRESENT 0x0010
#define SE_SACL_DEFAULTED 0x0020
#define ACL_REVISION_LAST 4 /* ACL_REVISION_DS */
#define SUB_AUTHORITIES_MAX 15

#define UNSET ((PVOID)(ULONG_PTR)0x5A5A)

static VOID CheckUnknownGets(LAG_ABSOLUTE *Unknown)
{
    BOOLEAN present = 7, defaulted = 7;
    PACL acl = UNSET;
    PSID sid = UNSET;

    ExpectStatus(RtlGetDaclSecurityDescriptor(Unknown, &present, &acl, &defaulted),
                 STATUS_UNKNOWN_REVISION, "RtlGetDaclSecurityDescriptor refuses revision 2");
    ExpectStatus(RtlGetSaclSecurityDescriptor(Unknown, &present, &acl, &defaulted),
                 STATUS_UNKNOWN_REVISION, "RtlGetSaclSecurityDescriptor refuses revision 2");
    ExpectStatus(RtlGetOwnerSecurityDescriptor(Unknown, &sid, &defaulted), STATUS_UNKNOWN_REVISION,
                 "RtlGetOwnerSecurityDescriptor refuses revision 2");
    ExpectStatus(RtlGetGroupSecurityDescriptor(Unknown, &sid, &defaulted), STATUS_UNKNOWN_REVISION,
                 "RtlGetGroupSecurityDescriptor refuses revision 2");
    Expect(present == 7 && defaulted == 7 && acl == UNSET && sid == UNSET,
           "and none of them stores anything");
}

static VOID CheckUnknownSets(LAG_ABSOLUTE *Unknown, PACL Dacl)
{
    LAG_ABSOLUTE before = *Unknown;

    ExpectStatus(RtlSetDaclSecurityDescriptor(Unknown, TRUE, Dacl, FALSE), STATUS_UNKNOWN_REVISION,
                 "RtlSetDaclSecurityDescriptor refuses revision 2");
    ExpectStatus(RtlSetOwnerSecurityDescriptor(Unknown, &Administrators, FALSE),
                 STATUS_UNKNOWN_REVISION, "RtlSetOwnerSecurityDescriptor refuses revision 2");
    ExpectStatus(RtlSetGroupSecurityDescriptor(Unknown, &Administrators, FALSE),
                 STATUS_UNKNOWN_REVISION, "RtlSetGroupSecurityDescriptor refuses revision 2");
    Expect(RtlCompareMemory(Unknown, &before, sizeof(before)) == sizeof(before),
           "and each of them leaves the descriptor as it was");
}

static VOID CheckRelative(VOID)
{
    LAG_RELATIVE relative = {.Revision = SECURITY_DESCRIPTOR_REVISION, .Control = SE_SELF_RELATIVE};

    ExpectStatus(RtlSetOwnerSecurityDescriptor(&relative, &Administrators, FALSE),
                 STATUS_INVALID_SECURITY_DESCR,
                 "RtlSetOwnerSecurityDescriptor refuses what is self-relative");
    ExpectStatus(RtlSetGroupSecurityDescriptor(&relative, &Administrators, FALSE),
                 STATUS_INVALID_SECURITY_DESCR,
                 "RtlSetGroupSecurityDescriptor refuses what is self-relative");
    Expect(relative.Owner == 0 && relative.Group == 0 && relative.Control == SE_SELF_RELATIVE,
           "which is left as it was");
    ExpectEqual(RtlLengthSecurityDescriptor(&relative), sizeof(relative),
                "RtlLengthSecurityDescriptor of a header is that of the header");
}

/* ---- parts that are not there ---------------------------------------------------------------- */

static VOID CheckParts(PACL Acl)
{
    BOOLEAN present = FALSE, defaulted = FALSE;
    LAG_ABSOLUTE descriptor;
    PACL acl = UNSET;
    PSID sid = UNSET;

    RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlGetOwnerSecurityDescriptor(&descriptor, &sid, &defaulted);
    Expect(sid == NULL, "RtlGetOwnerSecurityDescriptor gives NULL where no owner is");
    sid = UNSET;
    RtlGetGroupSecurityDescriptor(&descriptor, &sid, &defaulted);
    Expect(sid == NULL, "RtlGetGroupSecurityDescriptor gives NULL where no group is");
    RtlSetDaclSecurityDescriptor(&descriptor, TRUE, NULL, TRUE);
    RtlGetDaclSecurityDescriptor(&descriptor, &present, &acl, &defaulted);
    Expect(present && acl == NULL && defaulted,
           "RtlSetDaclSecurityDescriptor sets a NULL list, which is one");
    RtlSetDaclSecurityDescriptor(&descriptor, FALSE, Acl, TRUE);
    RtlGetDaclSecurityDescriptor(&descriptor, &present, &acl, &defaulted);
    Expect(!present && (descriptor.Control & SE_DACL_PRESENT) == 0,
           "RtlSetDaclSecurityDescriptor takes the list away");
    descriptor.Control |= SE_SACL_PRESENT | SE_SACL_DEFAULTED;
    descriptor.Sacl = Acl;
    defaulted = FALSE;
    RtlGetSaclSecurityDescriptor(&descriptor, &present, &acl, &defaulted);
    Expect(present && acl == Acl && defaulted, "RtlGetSaclSecurityDescriptor finds the list");
    RtlSetOwnerSecurityDescriptor(&descriptor, &Administrators, TRUE);
    RtlSetOwnerSecurityDescriptor(&descriptor, NULL, FALSE);
    RtlSetGroupSecurityDescriptor(&descriptor, &Administrators, TRUE);
    RtlSetGroupSecurityDescriptor(&descriptor, NULL, FALSE);
    Expect(descriptor.Owner == NULL && descriptor.Group == NULL &&
               descriptor.Control == (SE_SACL_PRESENT | SE_SACL_DEFAULTED),
           "owner and group can be taken away, and their flags with them");
}

static VOID CheckValidity(VOID)
{
    LAG_SID wrong = Administrators;
    LAG_ABSOLUTE descriptor;

    wrong.Revision = 2;
    RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlSetOwnerSecurityDescriptor(&descriptor, &wrong, FALSE);
    Expect(!RtlValidSecurityDescriptor(&descriptor),
           "RtlValidSecurityDescriptor is FALSE if the owner is no valid SID");
    RtlSetOwnerSecurityDescriptor(&descriptor, NULL, FALSE);
    RtlSetGroupSecurityDescriptor(&descriptor, &wrong, FALSE);
    Expect(!RtlValidSecurityDescriptor(&descriptor) && !RtlValidSecurityDescriptor(NULL),
           "RtlValidSecurityDescriptor is FALSE if the group is none, or there is nothing");
}

/* ---- ends ------------------------------------------------------------------------------------ */

static VOID CheckEnds(VOID)
{
    static UCHAR authority[6] = {0, 0, 0, 0, 0, 5};
    UCHAR room[8 + 4 * SUB_AUTHORITIES_MAX];
    ULONG64 buffer[8];
    PACL acl = (PACL)buffer;
    PVOID ace = UNSET;

    Expect(RtlLengthRequiredSid(0) == 8 && RtlLengthRequiredSid(SUB_AUTHORITIES_MAX) == 68,
           "RtlLengthRequiredSid goes from no subauthority to 15");
    Expect(RtlSubAuthoritySid(&LocalSystem, 1) == &LocalSystem.SubAuthority[1],
           "RtlSubAuthoritySid does not look at the count");
    ExpectStatus(RtlInitializeSid(room, authority, SUB_AUTHORITIES_MAX), STATUS_SUCCESS,
                 "RtlInitializeSid takes 15 subauthorities");
    Expect(RtlValidSid(room) && RtlLengthSid(room) == sizeof(room), "and the SID is valid");
    ExpectStatus(RtlCreateAcl(acl, MAXUSHORT, ACL_REVISION_LAST), STATUS_SUCCESS,
                 "RtlCreateAcl takes 65,535 bytes, and revision 4");
    ExpectStatus(RtlCreateAcl(acl, 8, ACL_REVISION_LAST + 1), STATUS_INVALID_PARAMETER,
                 "RtlCreateAcl refuses revision 5");
    ExpectStatus(RtlCreateAcl(acl, 8, ACL_REVISION), STATUS_SUCCESS,
                 "RtlCreateAcl takes a list with room for nothing");
    ExpectStatus(RtlAddAccessAllowedAce(acl, 1, GENERIC_ALL, &LocalSystem),
                 STATUS_REVISION_MISMATCH, "RtlAddAccessAllowedAce refuses revision 1");
    ExpectStatus(RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_ALL, &LocalSystem),
                 STATUS_ALLOTTED_SPACE_EXCEEDED, "RtlAddAccessAllowedAce needs room in the list");
    acl->AceCount = 1;
    ExpectStatus(RtlGetAce(acl, 0, &ace), STATUS_INVALID_PARAMETER,
                 "RtlGetAce refuses a list whose entries do not fit it");
    Expect(ace == UNSET, "and stores nothing");
}

VOID CheckRevisions(VOID)
{
    LAG_ABSOLUTE unknown;
    ACL acl;

    RtlCreateAcl(&acl, sizeof(acl), ACL_REVISION);
    RtlCreateSecurityDescriptor(&unknown, SECURITY_DESCRIPTOR_REVISION);
    unknown.Revision = 2;
    CheckUnknownGets(&unknown);
    CheckUnknownSets(&unknown, &acl);
    CheckRelative();
    CheckParts(&acl);
    CheckValidity();
    CheckEnds();
}
