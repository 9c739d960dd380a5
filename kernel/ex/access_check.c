/*
 * ex/access_check.c - SeAccessCheck: may a subject have access to what a descriptor protects?
 *
 * The kernel may everything. Who asks to be looked at as a user is who everybody here is:
 * LocalSystem, with the groups of its token (ex/token_zw.c). Entries are gone through in their
 * order: what one denies before another has allowed it is denied. Neither the privilege to take
 * ownership nor the one for the system's list is enabled in that token.
 */
#include <lib/assert.h>
#include <lib/export.h>
#include <nt/ntifs.h>

#include "ex/security.h"
#include "ke/ob.h"

enum { ACE_DENIED = 1, ACE_INHERIT_ONLY = 8 };

#define GENERIC_RIGHTS (GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL)

static ACCESS_MASK mask_map(ACCESS_MASK mask, const GENERIC_MAPPING *mapping)
{
    ACCESS_MASK mapped = mask & ~(ACCESS_MASK)GENERIC_RIGHTS;

    if ((mask & GENERIC_READ) != 0)
        mapped |= mapping->GenericRead;
    if ((mask & GENERIC_WRITE) != 0)
        mapped |= mapping->GenericWrite;
    if ((mask & GENERIC_EXECUTE) != 0)
        mapped |= mapping->GenericExecute;
    if ((mask & GENERIC_ALL) != 0)
        mapped |= mapping->GenericAll;
    return mapped;
}

/* Does the subject go by that name? */
static bool is_subject(PSID sid)
{
    const PSID names[] = {SeExports->SeLocalSystemSid, SeExports->SeAliasAdminsSid,
                          SeExports->SeWorldSid, SeExports->SeAuthenticatedUsersSid};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (sid != NULL && RtlEqualSid(sid, names[i]))
            return true;
    return false;
}

/* What the list allows of what is wanted, and has not denied before. */
static ACCESS_MASK list_allows(PACL dacl, ACCESS_MASK wanted, const GENERIC_MAPPING *mapping)
{
    ACCESS_MASK allowed = 0, denied = 0;
    PACCESS_ALLOWED_ACE ace;

    for (ULONG i = 0; NT_SUCCESS(RtlGetAce(dacl, i, (PVOID *)&ace)); i++) {
        ACCESS_MASK mask = mask_map(ace->Mask, mapping) & wanted;

        if ((ace->Header.AceFlags & ACE_INHERIT_ONLY) != 0 || ace->Header.AceType > ACE_DENIED ||
            !is_subject(&ace->SidStart))
            continue;
        if (ace->Header.AceType == ACE_DENIED)
            denied |= mask & ~allowed;
        else
            allowed |= mask & ~denied;
    }
    return allowed;
}

/* The rights, of those wanted, that the descriptor gives. */
static ACCESS_MASK descriptor_allows(const SECURITY_DESCRIPTOR *parts, ACCESS_MASK wanted,
                                     const GENERIC_MAPPING *mapping)
{
    ACCESS_MASK allowed = 0;

    if (parts->Dacl == NULL)
        return wanted;
    if (is_subject(parts->Owner))
        allowed = wanted & (READ_CONTROL | WRITE_DAC);
    return allowed | list_allows(parts->Dacl, wanted, mapping);
}

static NTSTATUS user_check(const SECURITY_DESCRIPTOR *parts, ACCESS_MASK desired,
                           ACCESS_MASK previous, const GENERIC_MAPPING *mapping,
                           ACCESS_MASK *granted)
{
    ACCESS_MASK missing = mask_map(desired & ~(ACCESS_MASK)MAXIMUM_ALLOWED, mapping) & ~previous;
    ACCESS_MASK most = (desired & MAXIMUM_ALLOWED) != 0 ? mapping->GenericAll : 0, allowed;

    if ((missing & ACCESS_SYSTEM_SECURITY) != 0)
        return STATUS_PRIVILEGE_NOT_HELD;
    allowed = descriptor_allows(parts, missing | most, mapping);
    if ((missing & ~allowed) != 0 || (allowed | previous) == 0)
        return STATUS_ACCESS_DENIED;
    *granted = allowed | previous;
    return STATUS_SUCCESS;
}

/* WDK surface */

/* PASSIVE_LEVEL. The process's token; nobody is impersonated. WDK "SeCaptureSubjectContext". */
VOID NTAPI SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    *SubjectContext = (SECURITY_SUBJECT_CONTEXT){.PrimaryToken = ex_token_reference()};
}
LDR_EXPORT(SeCaptureSubjectContext);

/* PASSIVE_LEVEL. WDK "SeReleaseSubjectContext". */
VOID NTAPI SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    if (SubjectContext->PrimaryToken != NULL) /* not released before */
        ob_dereference(SubjectContext->PrimaryToken);
    *SubjectContext = (SECURITY_SUBJECT_CONTEXT){0};
}
LDR_EXPORT(SeReleaseSubjectContext);

/*
 * PASSIVE_LEVEL. FALSE: *AccessStatus says why: STATUS_ACCESS_DENIED, or STATUS_PRIVILEGE_NOT_HELD
 * where ACCESS_SYSTEM_SECURITY is asked for; *GrantedAccess is 0 then. No privilege is used:
 * *Privileges is NULL. No descriptor denies a user everything. WDK "SeAccessCheck".
 */
BOOLEAN NTAPI SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor,
                            PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
                            BOOLEAN SubjectContextLocked, ACCESS_MASK DesiredAccess,
                            ACCESS_MASK PreviouslyGrantedAccess, PPRIVILEGE_SET *Privileges,
                            PGENERIC_MAPPING GenericMapping, KPROCESSOR_MODE AccessMode,
                            PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus)
{
    SECURITY_DESCRIPTOR parts;

    UNREFERENCED_PARAMETER(SubjectSecurityContext);
    UNREFERENCED_PARAMETER(SubjectContextLocked); /* what never changes needs no lock */
    ASSERT_IRQL(PASSIVE_LEVEL);
    if (Privileges != NULL)
        *Privileges = NULL;
    *GrantedAccess = 0;
    *AccessStatus = STATUS_ACCESS_DENIED;
    if (AccessMode == KernelMode) {
        *GrantedAccess = PreviouslyGrantedAccess |
                         mask_map(DesiredAccess & ~(ACCESS_MASK)MAXIMUM_ALLOWED, GenericMapping);
        if ((DesiredAccess & MAXIMUM_ALLOWED) != 0)
            *GrantedAccess |= GenericMapping->GenericAll;
        *AccessStatus = STATUS_SUCCESS;
    } else if (SecurityDescriptor != NULL) {
        ex_security_parts(SecurityDescriptor, &parts);
        *AccessStatus = user_check(&parts, DesiredAccess, PreviouslyGrantedAccess, GenericMapping,
                                   GrantedAccess);
    }
    return NT_SUCCESS(*AccessStatus);
}
LDR_EXPORT(SeAccessCheck);
