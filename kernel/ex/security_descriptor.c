/*
 * ex/security_descriptor.c - security descriptors: in pieces, which point to their parts, or in
 * one, self-relative, whose parts lie behind its header.
 *
 * A self-relative descriptor comes without its size, as it does on Windows: its offsets are
 * believed.
 */
#include "ex/security.h"

#include <lib/export.h>
#include <lib/string.h>

enum { PART_STEP = sizeof(ULONG) };

static bool is_relative(const SECURITY_DESCRIPTOR *descriptor)
{
    return descriptor->Control & SE_SELF_RELATIVE;
}

static PVOID part_at(SECURITY_DESCRIPTOR_RELATIVE *descriptor, ULONG offset)
{
    return offset == 0 ? NULL : (PUCHAR)descriptor + offset;
}

void ex_security_parts(PSECURITY_DESCRIPTOR SecurityDescriptor, SECURITY_DESCRIPTOR *parts)
{
    SECURITY_DESCRIPTOR_RELATIVE *relative = SecurityDescriptor;

    *parts = (SECURITY_DESCRIPTOR){.Revision = relative->Revision,
                                   .Sbz1 = relative->Sbz1,
                                   .Control = relative->Control & (USHORT)~SE_SELF_RELATIVE};
    if (relative->Control & SE_SELF_RELATIVE) {
        parts->Owner = part_at(relative, relative->Owner);
        parts->Group = part_at(relative, relative->Group);
        parts->Sacl = part_at(relative, relative->Sacl);
        parts->Dacl = part_at(relative, relative->Dacl);
    } else {
        PISECURITY_DESCRIPTOR absolute = SecurityDescriptor;

        parts->Owner = absolute->Owner;
        parts->Group = absolute->Group;
        parts->Sacl = absolute->Sacl;
        parts->Dacl = absolute->Dacl;
    }
    if (!(parts->Control & SE_SACL_PRESENT))
        parts->Sacl = NULL;
    if (!(parts->Control & SE_DACL_PRESENT))
        parts->Dacl = NULL;
}

static ULONG sid_room(PSID sid)
{
    return sid == NULL ? 0 : (RtlLengthSid(sid) + PART_STEP - 1) & ~(ULONG)(PART_STEP - 1);
}

static ULONG acl_room(PACL acl)
{
    return acl == NULL ? 0 : (acl->AclSize + PART_STEP - 1u) & ~(ULONG)(PART_STEP - 1);
}

ULONG ex_security_length(const SECURITY_DESCRIPTOR *parts)
{
    return (ULONG)sizeof(SECURITY_DESCRIPTOR_RELATIVE) + acl_room(parts->Sacl) +
           acl_room(parts->Dacl) + sid_room(parts->Owner) + sid_room(parts->Group);
}

/* Copies a part to *at of the descriptor; its offset, 0 without one. */
static ULONG put_part(PUCHAR base, ULONG *at, const void *part, ULONG size, ULONG room)
{
    ULONG offset = *at;

    if (part == NULL)
        return 0;
    memcpy(base + offset, part, size);
    *at += room;
    return offset;
}

void ex_security_pack(const SECURITY_DESCRIPTOR *parts, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    SECURITY_DESCRIPTOR_RELATIVE *result = SecurityDescriptor;
    ULONG at = sizeof *result;
    PUCHAR base = SecurityDescriptor;

    memset(result, 0, ex_security_length(parts));
    result->Revision = parts->Revision;
    result->Sbz1 = parts->Sbz1;
    result->Control = parts->Control | SE_SELF_RELATIVE;
    result->Sacl = put_part(base, &at, parts->Sacl, parts->Sacl ? parts->Sacl->AclSize : 0,
                            acl_room(parts->Sacl));
    result->Dacl = put_part(base, &at, parts->Dacl, parts->Dacl ? parts->Dacl->AclSize : 0,
                            acl_room(parts->Dacl));
    result->Owner = put_part(base, &at, parts->Owner, parts->Owner ? RtlLengthSid(parts->Owner) : 0,
                             sid_room(parts->Owner));
    result->Group = put_part(base, &at, parts->Group, parts->Group ? RtlLengthSid(parts->Group) : 0,
                             sid_room(parts->Group));
}

/* What the routines that write want: of the known revision, and in pieces. */
static NTSTATUS check_writable(const SECURITY_DESCRIPTOR *descriptor)
{
    if (descriptor->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    return is_relative(descriptor) ? STATUS_INVALID_SECURITY_DESCR : STATUS_SUCCESS;
}

static void set_control(PISECURITY_DESCRIPTOR descriptor, USHORT bit, BOOLEAN on)
{
    descriptor->Control &= (USHORT)~bit;
    if (on)
        descriptor->Control |= bit;
}

static NTSTATUS take_parts(PSECURITY_DESCRIPTOR descriptor, SECURITY_DESCRIPTOR *parts)
{
    ex_security_parts(descriptor, parts);
    return parts->Revision == SECURITY_DESCRIPTOR_REVISION ? STATUS_SUCCESS
                                                           : STATUS_UNKNOWN_REVISION;
}

/* WDK surface */

NTSTATUS NTAPI RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Revision)
{
    PISECURITY_DESCRIPTOR descriptor = SecurityDescriptor;

    if (Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *descriptor = (SECURITY_DESCRIPTOR){.Revision = SECURITY_DESCRIPTOR_REVISION};
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlCreateSecurityDescriptor);

BOOLEAN NTAPI RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    SECURITY_DESCRIPTOR parts;

    return SecurityDescriptor != NULL && NT_SUCCESS(take_parts(SecurityDescriptor, &parts)) &&
           (parts.Owner == NULL || RtlValidSid(parts.Owner)) &&
           (parts.Group == NULL || RtlValidSid(parts.Group)) &&
           (parts.Sacl == NULL || parts.Sacl->AclSize >= sizeof(ACL)) &&
           (parts.Dacl == NULL || parts.Dacl->AclSize >= sizeof(ACL));
}
LDR_EXPORT(RtlValidSecurityDescriptor);

/* As long as the self-relative form needs, of a descriptor in pieces with its larger header. */
ULONG NTAPI RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    SECURITY_DESCRIPTOR parts;
    ULONG header = is_relative(SecurityDescriptor) ? sizeof(SECURITY_DESCRIPTOR_RELATIVE)
                                                   : sizeof(SECURITY_DESCRIPTOR);

    ex_security_parts(SecurityDescriptor, &parts);
    return ex_security_length(&parts) - (ULONG)sizeof(SECURITY_DESCRIPTOR_RELATIVE) + header;
}
LDR_EXPORT(RtlLengthSecurityDescriptor);

NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                            BOOLEAN DaclPresent, PACL Dacl, BOOLEAN DaclDefaulted)
{
    PISECURITY_DESCRIPTOR descriptor = SecurityDescriptor;
    NTSTATUS status = check_writable(descriptor);

    if (!NT_SUCCESS(status))
        return status;
    set_control(descriptor, SE_DACL_PRESENT, DaclPresent);
    set_control(descriptor, SE_DACL_DEFAULTED, DaclPresent && DaclDefaulted);
    descriptor->Dacl = DaclPresent ? Dacl : NULL;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlSetDaclSecurityDescriptor);

NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                            PBOOLEAN DaclPresent, PACL *Dacl,
                                            PBOOLEAN DaclDefaulted)
{
    SECURITY_DESCRIPTOR parts;
    NTSTATUS status = take_parts(SecurityDescriptor, &parts);

    if (!NT_SUCCESS(status))
        return status;
    *DaclPresent = (parts.Control & SE_DACL_PRESENT) != 0;
    if (*DaclPresent) {
        *Dacl = parts.Dacl;
        *DaclDefaulted = (parts.Control & SE_DACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlGetDaclSecurityDescriptor);

NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                            PBOOLEAN SaclPresent, PACL *Sacl,
                                            PBOOLEAN SaclDefaulted)
{
    SECURITY_DESCRIPTOR parts;
    NTSTATUS status = take_parts(SecurityDescriptor, &parts);

    if (!NT_SUCCESS(status))
        return status;
    *SaclPresent = (parts.Control & SE_SACL_PRESENT) != 0;
    if (*SaclPresent) {
        *Sacl = parts.Sacl;
        *SaclDefaulted = (parts.Control & SE_SACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlGetSaclSecurityDescriptor);

NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Owner,
                                             BOOLEAN OwnerDefaulted)
{
    PISECURITY_DESCRIPTOR descriptor = SecurityDescriptor;
    NTSTATUS status = check_writable(descriptor);

    if (!NT_SUCCESS(status))
        return status;
    descriptor->Owner = Owner;
    set_control(descriptor, SE_OWNER_DEFAULTED, OwnerDefaulted);
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlSetOwnerSecurityDescriptor);

NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Owner,
                                             PBOOLEAN OwnerDefaulted)
{
    SECURITY_DESCRIPTOR parts;
    NTSTATUS status = take_parts(SecurityDescriptor, &parts);

    if (!NT_SUCCESS(status))
        return status;
    *Owner = parts.Owner;
    *OwnerDefaulted = (parts.Control & SE_OWNER_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlGetOwnerSecurityDescriptor);

NTSTATUS NTAPI RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Group,
                                             BOOLEAN GroupDefaulted)
{
    PISECURITY_DESCRIPTOR descriptor = SecurityDescriptor;
    NTSTATUS status = check_writable(descriptor);

    if (!NT_SUCCESS(status))
        return status;
    descriptor->Group = Group;
    set_control(descriptor, SE_GROUP_DEFAULTED, GroupDefaulted);
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlSetGroupSecurityDescriptor);

NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Group,
                                             PBOOLEAN GroupDefaulted)
{
    SECURITY_DESCRIPTOR parts;
    NTSTATUS status = take_parts(SecurityDescriptor, &parts);

    if (!NT_SUCCESS(status))
        return status;
    *Group = parts.Group;
    *GroupDefaulted = (parts.Control & SE_GROUP_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlGetGroupSecurityDescriptor);

NTSTATUS NTAPI RtlAbsoluteToSelfRelativeSD(PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
                                           PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
                                           PULONG BufferLength)
{
    SECURITY_DESCRIPTOR parts;
    ULONG needed;

    if (is_relative(AbsoluteSecurityDescriptor))
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    ex_security_parts(AbsoluteSecurityDescriptor, &parts);
    needed = ex_security_length(&parts);
    if (*BufferLength < needed) {
        *BufferLength = needed;
        return STATUS_BUFFER_TOO_SMALL;
    }
    ex_security_pack(&parts, SelfRelativeSecurityDescriptor);
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlAbsoluteToSelfRelativeSD);
