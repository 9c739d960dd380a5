/*
 * security.c - conformance of security identifiers and access control lists.
 *
 * The rules are those of each routine's page; where that leaves a status open, what wdmsec.lib,
 * which drivers link for IoCreateDeviceSecure, goes by.
 */
#include "security.h"

#define ACL_BYTES 64

LAG_SID Administrators = {1, 2, {0, 0, 0, 0, 0, 5}, {32, 544}};
LAG_SID LocalSystem = {1, 1, {0, 0, 0, 0, 0, 5}, {18, 0}};

static VOID CheckIdentifiers(VOID)
{
    static UCHAR authority[6] = {0, 0, 0, 0, 0, 5};
    LAG_SID sid, copy;

    ExpectEqual(RtlLengthRequiredSid(2), 16, "RtlLengthRequiredSid: 8 bytes and 4 a subauthority");
    ExpectEqual(RtlLengthSid(&Administrators), 16, "RtlLengthSid of S-1-5-32-544 is 16");
    ExpectEqual(RtlLengthSid(&LocalSystem), 12, "RtlLengthSid of S-1-5-18 is 12");
    ExpectStatus(RtlInitializeSid(&sid, authority, 2), STATUS_SUCCESS,
                 "RtlInitializeSid takes authority and count");
    *RtlSubAuthoritySid(&sid, 0) = 32;
    *RtlSubAuthoritySid(&sid, 1) = 544;
    Expect(sid.SubAuthority[1] == 544, "RtlSubAuthoritySid leads to each subauthority");
    Expect(RtlEqualSid(&sid, &Administrators), "RtlEqualSid: the same authorities are equal");
    sid.SubAuthority[1] = 545;
    Expect(!RtlEqualSid(&sid, &Administrators), "RtlEqualSid: another last subauthority is not");
    Expect(!RtlEqualSid(&LocalSystem, &Administrators), "RtlEqualSid: another count is not");
    ExpectStatus(RtlInitializeSid(&copy, authority, 16), STATUS_INVALID_PARAMETER,
                 "RtlInitializeSid refuses more than 15 subauthorities");
    ExpectStatus(RtlCopySid(15, &copy, &Administrators), STATUS_BUFFER_TOO_SMALL,
                 "RtlCopySid refuses a buffer that is a byte short");
    ExpectStatus(RtlCopySid(16, &copy, &Administrators), STATUS_SUCCESS, "RtlCopySid copies");
    Expect(RtlEqualSid(&copy, &Administrators), "RtlCopySid: the copy is equal");
    Expect(RtlValidSid(&copy), "RtlValidSid: a SID of revision 1 is valid");
    copy.SubAuthorityCount = 16;
    Expect(!RtlValidSid(&copy), "RtlValidSid: one with 16 subauthorities is not");
    copy.SubAuthorityCount = 2;
    copy.Revision = 2;
    Expect(!RtlValidSid(&copy), "RtlValidSid: one of revision 2 is not");
    Expect(!RtlValidSid(NULL), "RtlValidSid: NULL is not");
}

static VOID CheckLists(VOID)
{
    ULONG64 buffer[ACL_BYTES / sizeof(ULONG64)];
    PACL acl = (PACL)buffer;
    LAG_SID wrong = Administrators;
    PLAG_ACE ace;

    ExpectStatus(RtlCreateAcl(acl, 7, ACL_REVISION), STATUS_BUFFER_TOO_SMALL,
                 "RtlCreateAcl refuses less than a header");
    ExpectStatus(RtlCreateAcl(acl, ACL_BYTES, 1), STATUS_INVALID_PARAMETER,
                 "RtlCreateAcl refuses revision 1");
    ExpectStatus(RtlCreateAcl(acl, 0x10000, ACL_REVISION), STATUS_INVALID_PARAMETER,
                 "RtlCreateAcl refuses more than 65,535 bytes");
    ExpectStatus(RtlCreateAcl(acl, 56, ACL_REVISION), STATUS_SUCCESS, "RtlCreateAcl makes a list");
    Expect(acl->AclSize == 56 && acl->AceCount == 0, "RtlCreateAcl: its size, and no entry");
    wrong.Revision = 2;
    ExpectStatus(RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_ALL, &wrong), STATUS_INVALID_SID,
                 "RtlAddAccessAllowedAce refuses a SID that is none");
    ExpectStatus(RtlAddAccessAllowedAce(acl, 5, GENERIC_ALL, &Administrators),
                 STATUS_REVISION_MISMATCH, "RtlAddAccessAllowedAce refuses revision 5");
    ExpectStatus(RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_ALL, &Administrators),
                 STATUS_SUCCESS, "RtlAddAccessAllowedAce adds an entry");
    ExpectStatus(RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_READ, &LocalSystem),
                 STATUS_SUCCESS, "RtlAddAccessAllowedAce adds another behind it");
    ExpectStatus(RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_READ, &LocalSystem),
                 STATUS_ALLOTTED_SPACE_EXCEEDED, "RtlAddAccessAllowedAce: no third has room");
    ExpectEqual(acl->AceCount, 2, "RtlAddAccessAllowedAce counts them");
    ExpectStatus(RtlGetAce(acl, 0, (PVOID *)&ace), STATUS_SUCCESS, "RtlGetAce finds the first");
    Expect(ace->AceType == 0 && ace->AceSize == 24 && ace->Mask == GENERIC_ALL &&
               RtlEqualSid(&ace->Sid, &Administrators),
           "RtlGetAce: it allows what was given to whom was given");
    ExpectStatus(RtlGetAce(acl, 1, (PVOID *)&ace), STATUS_SUCCESS, "RtlGetAce finds the second");
    Expect(ace->Mask == GENERIC_READ && RtlEqualSid(&ace->Sid, &LocalSystem),
           "RtlGetAce: the second is the second");
    ExpectStatus(RtlGetAce(acl, 2, (PVOID *)&ace), STATUS_INVALID_PARAMETER,
                 "RtlGetAce refuses an index beyond the count");
    acl->AceCount = 3;
    ExpectStatus(RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_READ, &LocalSystem),
                 STATUS_INVALID_ACL, "RtlAddAccessAllowedAce refuses entries beyond the size");
}

static VOID Run(VOID)
{
    CheckIdentifiers();
    CheckLists();
    CheckDescriptors();
    CheckRevisions();
    CheckObjects();
    CheckAccess();
}

const TEST_GROUP TestGroup = {.Run = Run};
