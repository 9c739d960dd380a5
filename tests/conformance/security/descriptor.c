/*
 * descriptor.c - descriptors in pieces and self-relative, their parts, and copies.
 */
#include "security.h"

#define BUFFER_BYTES 160
#define NEEDED (20 + 8 + 16 + 12) /* header, empty list, both SIDs */

static VOID CheckAbsolute(LAG_ABSOLUTE *Descriptor, PACL Dacl)
{
    BOOLEAN present, defaulted = TRUE;
    PACL acl = NULL;
    PSID sid;

    ExpectStatus(RtlCreateSecurityDescriptor(Descriptor, 2), STATUS_UNKNOWN_REVISION,
                 "RtlCreateSecurityDescriptor refuses revision 2");
    ExpectStatus(RtlCreateSecurityDescriptor(Descriptor, SECURITY_DESCRIPTOR_REVISION),
                 STATUS_SUCCESS, "RtlCreateSecurityDescriptor makes one without parts");
    ExpectStatus(RtlGetDaclSecurityDescriptor(Descriptor, &present, &acl, &defaulted),
                 STATUS_SUCCESS, "RtlGetDaclSecurityDescriptor of it succeeds");
    Expect(!present && acl == NULL, "RtlGetDaclSecurityDescriptor: and tells of no list");
    ExpectStatus(RtlSetDaclSecurityDescriptor(Descriptor, TRUE, Dacl, FALSE), STATUS_SUCCESS,
                 "RtlSetDaclSecurityDescriptor sets one");
    ExpectStatus(RtlGetDaclSecurityDescriptor(Descriptor, &present, &acl, &defaulted),
                 STATUS_SUCCESS, "RtlGetDaclSecurityDescriptor of that succeeds");
    Expect(present && acl == Dacl && !defaulted, "RtlGetDaclSecurityDescriptor: it is the one");
    ExpectStatus(RtlGetSaclSecurityDescriptor(Descriptor, &present, &acl, &defaulted),
                 STATUS_SUCCESS, "RtlGetSaclSecurityDescriptor succeeds without a list");
    Expect(!present, "RtlGetSaclSecurityDescriptor: and says so");
    ExpectStatus(RtlSetOwnerSecurityDescriptor(Descriptor, &Administrators, TRUE), STATUS_SUCCESS,
                 "RtlSetOwnerSecurityDescriptor sets an owner");
    ExpectStatus(RtlGetOwnerSecurityDescriptor(Descriptor, &sid, &defaulted), STATUS_SUCCESS,
                 "RtlGetOwnerSecurityDescriptor succeeds");
    Expect(sid == &Administrators && defaulted, "RtlGetOwnerSecurityDescriptor: owner, by default");
    ExpectStatus(RtlSetGroupSecurityDescriptor(Descriptor, &LocalSystem, FALSE), STATUS_SUCCESS,
                 "RtlSetGroupSecurityDescriptor sets a group");
    ExpectStatus(RtlGetGroupSecurityDescriptor(Descriptor, &sid, &defaulted), STATUS_SUCCESS,
                 "RtlGetGroupSecurityDescriptor succeeds");
    Expect(sid == &LocalSystem && !defaulted, "RtlGetGroupSecurityDescriptor: it is the one");
    Expect(RtlValidSecurityDescriptor(Descriptor), "RtlValidSecurityDescriptor: it is valid");
    ExpectEqual(RtlLengthSecurityDescriptor(Descriptor), sizeof(LAG_ABSOLUTE) + NEEDED - 20,
                "RtlLengthSecurityDescriptor: header and parts");
}

static VOID CheckRelative(LAG_ABSOLUTE *Absolute, PVOID Buffer)
{
    LAG_RELATIVE *relative = Buffer;
    ULONG length = 0;
    BOOLEAN defaulted;
    PSID sid;

    ExpectStatus(RtlAbsoluteToSelfRelativeSD(Absolute, NULL, &length), STATUS_BUFFER_TOO_SMALL,
                 "RtlAbsoluteToSelfRelativeSD refuses no buffer");
    ExpectEqual(length, NEEDED, "RtlAbsoluteToSelfRelativeSD: and tells what it needs");
    ExpectStatus(RtlAbsoluteToSelfRelativeSD(Absolute, Buffer, &length), STATUS_SUCCESS,
                 "RtlAbsoluteToSelfRelativeSD fills one of that length");
    Expect((relative->Control & (SE_SELF_RELATIVE | SE_DACL_PRESENT)) ==
               (SE_SELF_RELATIVE | SE_DACL_PRESENT),
           "RtlAbsoluteToSelfRelativeSD: the result says that it is self-relative");
    Expect(relative->Owner >= 20 && relative->Owner + 16 <= NEEDED && relative->Sacl == 0,
           "RtlAbsoluteToSelfRelativeSD: offsets lead behind the header, 0 to nothing");
    ExpectStatus(RtlGetOwnerSecurityDescriptor(Buffer, &sid, &defaulted), STATUS_SUCCESS,
                 "RtlGetOwnerSecurityDescriptor takes that form, too");
    Expect(RtlEqualSid(sid, &Administrators) && defaulted,
           "RtlGetOwnerSecurityDescriptor: and finds the owner in it");
    ExpectEqual(RtlLengthSecurityDescriptor(Buffer), NEEDED,
                "RtlLengthSecurityDescriptor of that form is its length");
    ExpectStatus(RtlAbsoluteToSelfRelativeSD(Buffer, Buffer, &length), STATUS_BAD_DESCRIPTOR_FORMAT,
                 "RtlAbsoluteToSelfRelativeSD refuses what is self-relative");
    ExpectStatus(RtlSetDaclSecurityDescriptor(Buffer, FALSE, NULL, FALSE),
                 STATUS_INVALID_SECURITY_DESCR,
                 "RtlSetDaclSecurityDescriptor refuses what is self-relative");
}

static VOID CheckCapture(LAG_ABSOLUTE *Absolute)
{
    PSECURITY_DESCRIPTOR captured = NULL;

    ExpectStatus(SeCaptureSecurityDescriptor(Absolute, KernelMode, PagedPool, FALSE, &captured),
                 STATUS_SUCCESS, "SeCaptureSecurityDescriptor succeeds for the kernel");
    Expect(captured == Absolute, "SeCaptureSecurityDescriptor: and copies only if told to");
    ExpectStatus(SeReleaseSecurityDescriptor(captured, KernelMode, FALSE), STATUS_SUCCESS,
                 "SeReleaseSecurityDescriptor leaves the original alone");
    ExpectStatus(SeCaptureSecurityDescriptor(Absolute, KernelMode, PagedPool, TRUE, &captured),
                 STATUS_SUCCESS, "SeCaptureSecurityDescriptor copies when told to");
    Expect(captured != Absolute && RtlLengthSecurityDescriptor(captured) == NEEDED &&
               RtlValidSecurityDescriptor(captured),
           "SeCaptureSecurityDescriptor: the copy is self-relative");
    ExpectStatus(SeReleaseSecurityDescriptor(captured, KernelMode, TRUE), STATUS_SUCCESS,
                 "SeReleaseSecurityDescriptor frees the copy");
    Absolute->Revision = 2;
    ExpectStatus(SeCaptureSecurityDescriptor(Absolute, KernelMode, PagedPool, TRUE, &captured),
                 STATUS_UNKNOWN_REVISION, "SeCaptureSecurityDescriptor refuses revision 2");
    Expect(!RtlValidSecurityDescriptor(Absolute), "RtlValidSecurityDescriptor: nor is it valid");
    Absolute->Revision = 1;
    ExpectStatus(SeCaptureSecurityDescriptor(NULL, KernelMode, PagedPool, TRUE, &captured),
                 STATUS_SUCCESS, "SeCaptureSecurityDescriptor of nothing succeeds");
    Expect(captured == NULL, "SeCaptureSecurityDescriptor: and is nothing");
}

VOID CheckDescriptors(VOID)
{
    ULONG64 buffer[BUFFER_BYTES / sizeof(ULONG64)];
    LAG_ABSOLUTE absolute;
    ACL dacl;

    RtlCreateAcl(&dacl, sizeof(dacl), ACL_REVISION);
    CheckAbsolute(&absolute, &dacl);
    CheckRelative(&absolute, buffer);
    CheckCapture(&absolute);
}
