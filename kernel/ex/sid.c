/*
 * ex/sid.c - security identifiers, and the access control lists that name them.
 *
 * Both are plain memory of the caller's. An entry of a list is never looked at beyond the list's
 * size, nor the list beyond what its header says.
 */
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

enum { ACE_SIZE_STEP = sizeof(ULONG) };

static BOOLEAN acl_revision_is_known(ULONG revision)
{
    return revision >= ACL_REVISION2 && revision <= ACL_REVISION4;
}

/* The place behind the last entry; NULL: the entries do not fit the list. */
static PACE_HEADER acl_end(PACL acl)
{
    ULONG at = sizeof *acl;

    for (USHORT i = 0; i < acl->AceCount; i++) {
        PACE_HEADER ace = (PACE_HEADER)((PUCHAR)acl + at);

        if (at + sizeof *ace > acl->AclSize || ace->AceSize < sizeof *ace ||
            at + ace->AceSize > acl->AclSize)
            return NULL;
        at += ace->AceSize;
    }
    return (PACE_HEADER)((PUCHAR)acl + at);
}

/* WDK surface */

BOOLEAN NTAPI RtlValidSid(PSID Sid)
{
    PISID sid = Sid;

    return sid != NULL && sid->Revision == SID_REVISION &&
           sid->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES;
}
LDR_EXPORT(RtlValidSid);

ULONG NTAPI RtlLengthRequiredSid(ULONG SubAuthorityCount)
{
    return (ULONG)(FIELD_OFFSET(SID, SubAuthority) + SubAuthorityCount * sizeof(ULONG));
}
LDR_EXPORT(RtlLengthRequiredSid);

ULONG NTAPI RtlLengthSid(PSID Sid)
{
    return RtlLengthRequiredSid(((PISID)Sid)->SubAuthorityCount);
}
LDR_EXPORT(RtlLengthSid);

BOOLEAN NTAPI RtlEqualSid(PSID Sid1, PSID Sid2)
{
    PISID a = Sid1, b = Sid2;

    return a->Revision == b->Revision && a->SubAuthorityCount == b->SubAuthorityCount &&
           memcmp(a, b, RtlLengthSid(a)) == 0;
}
LDR_EXPORT(RtlEqualSid);

/* The subauthorities are the caller's to write. */
NTSTATUS NTAPI RtlInitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY IdentifierAuthority,
                                UCHAR SubAuthorityCount)
{
    PISID sid = Sid;

    if (SubAuthorityCount > SID_MAX_SUB_AUTHORITIES)
        return STATUS_INVALID_PARAMETER;
    sid->Revision = SID_REVISION;
    sid->SubAuthorityCount = SubAuthorityCount;
    sid->IdentifierAuthority = *IdentifierAuthority;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlInitializeSid);

PULONG NTAPI RtlSubAuthoritySid(PSID Sid, ULONG SubAuthority)
{
    PULONG first = ((PISID)Sid)->SubAuthority;

    return first + SubAuthority;
}
LDR_EXPORT(RtlSubAuthoritySid);

NTSTATUS NTAPI RtlCopySid(ULONG Length, PSID Destination, PSID Source)
{
    if (RtlLengthSid(Source) > Length)
        return STATUS_BUFFER_TOO_SMALL;
    memmove(Destination, Source, RtlLengthSid(Source));
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlCopySid);

NTSTATUS NTAPI RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision)
{
    if (AclLength < sizeof *Acl)
        return STATUS_BUFFER_TOO_SMALL;
    if (AclLength > MAXUSHORT || !acl_revision_is_known(AclRevision))
        return STATUS_INVALID_PARAMETER;
    memset(Acl, 0, sizeof *Acl);
    Acl->AclRevision = (UCHAR)AclRevision;
    Acl->AclSize = (USHORT)(AclLength & ~(ULONG)(ACE_SIZE_STEP - 1));
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlCreateAcl);

NTSTATUS NTAPI RtlAddAccessAllowedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid)
{
    PACCESS_ALLOWED_ACE ace;
    ULONG size;

    if (!RtlValidSid(Sid))
        return STATUS_INVALID_SID;
    if (!acl_revision_is_known(Acl->AclRevision) || acl_end(Acl) == NULL)
        return STATUS_INVALID_ACL;
    if (!acl_revision_is_known(AceRevision))
        return STATUS_REVISION_MISMATCH;
    ace = (PACCESS_ALLOWED_ACE)acl_end(Acl);
    size = FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart) + RtlLengthSid(Sid);
    if ((ULONG)((PUCHAR)ace - (PUCHAR)Acl) + size > Acl->AclSize)
        return STATUS_ALLOTTED_SPACE_EXCEEDED;
    ace->Header.AceType = ACCESS_ALLOWED_ACE_TYPE;
    ace->Header.AceFlags = 0;
    ace->Header.AceSize = (USHORT)size;
    ace->Mask = AccessMask;
    memcpy(&ace->SidStart, Sid, RtlLengthSid(Sid));
    Acl->AceCount++;
    if (AceRevision > Acl->AclRevision)
        Acl->AclRevision = (UCHAR)AceRevision;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlAddAccessAllowedAce);

NTSTATUS NTAPI RtlGetAce(PACL Acl, ULONG AceIndex, PVOID *Ace)
{
    PACE_HEADER at = (PACE_HEADER)(Acl + 1);

    if (!acl_revision_is_known(Acl->AclRevision) || AceIndex >= Acl->AceCount ||
        acl_end(Acl) == NULL)
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; i < AceIndex; i++)
        at = (PACE_HEADER)((PUCHAR)at + at->AceSize);
    *Ace = at;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlGetAce);
