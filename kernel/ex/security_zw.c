/*
 * ex/security_zw.c - security descriptors of objects, by handle, and copies of them.
 *
 * An object keeps the parts that it was given, and gives them back. Nobody is refused by them:
 * every caller is the kernel, which Windows does not check either.
 */
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>

#include "ex/security.h"
#include "ke/ob.h"
#include "mm/pool.h"

#define CAPTURE_TAG 0x63536553u /* "SeSc" as it reads in memory: the caller may free it itself */

#define KNOWN_INFORMATION                                                                          \
    (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |         \
     SACL_SECURITY_INFORMATION)

static KSPIN_LOCK security_lock; /* every object's descriptor */

/* The parts of `given` that `information` names replace those of `parts`. */
static void take_given(SECURITY_DESCRIPTOR *parts, const SECURITY_DESCRIPTOR *given,
                       SECURITY_INFORMATION information)
{
    USHORT mask = 0;

    if (information & OWNER_SECURITY_INFORMATION) {
        parts->Owner = given->Owner;
        mask |= SE_OWNER_DEFAULTED;
    }
    if (information & GROUP_SECURITY_INFORMATION) {
        parts->Group = given->Group;
        mask |= SE_GROUP_DEFAULTED;
    }
    if (information & DACL_SECURITY_INFORMATION) {
        parts->Dacl = given->Dacl;
        mask |= SE_DACL_PRESENT | SE_DACL_DEFAULTED | SE_DACL_PROTECTED;
    }
    if (information & SACL_SECURITY_INFORMATION) {
        parts->Sacl = given->Sacl;
        mask |= SE_SACL_PRESENT | SE_SACL_DEFAULTED | SE_SACL_PROTECTED;
    }
    parts->Control = (parts->Control & (USHORT)~mask) | (given->Control & mask);
}

static bool sid_is_valid(PSID sid)
{
    return sid == NULL || RtlValidSid(sid);
}

/* The parts of a descriptor that is valid. STATUS_UNKNOWN_REVISION, _INVALID_SID, _INVALID_ACL. */
static NTSTATUS capture(PSECURITY_DESCRIPTOR descriptor, SECURITY_DESCRIPTOR *parts)
{
    ex_security_parts(descriptor, parts);
    if (parts->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    if (!sid_is_valid(parts->Owner) || !sid_is_valid(parts->Group))
        return STATUS_INVALID_SID;
    return RtlValidSecurityDescriptor(descriptor) ? STATUS_SUCCESS : STATUS_INVALID_ACL;
}

static struct ob_header *header_of(void *object)
{
    return (struct ob_header *)object - 1;
}

/* The lock is held. */
static void parts_of(struct ob_header *header, SECURITY_DESCRIPTOR *parts)
{
    if (header->security != NULL)
        ex_security_parts(header->security, parts);
    else
        *parts = (SECURITY_DESCRIPTOR){.Revision = SECURITY_DESCRIPTOR_REVISION};
}

/* The lock is held. */
static NTSTATUS replace(struct ob_header *header, const SECURITY_DESCRIPTOR *given,
                        SECURITY_INFORMATION information)
{
    SECURITY_DESCRIPTOR parts;
    void *packed;

    parts_of(header, &parts);
    take_given(&parts, given, information);
    packed = mm_pool_alloc(ex_security_length(&parts), OB_SECURITY_TAG);
    if (packed == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    ex_security_pack(&parts, packed);
    if (header->security != NULL)
        mm_pool_free(header->security, OB_SECURITY_TAG);
    header->security = packed;
    return STATUS_SUCCESS;
}

/* The lock is held. */
static NTSTATUS copy_out(struct ob_header *header, SECURITY_INFORMATION information,
                         PSECURITY_DESCRIPTOR buffer, ULONG size, PULONG needed)
{
    SECURITY_DESCRIPTOR all, asked = {.Revision = SECURITY_DESCRIPTOR_REVISION};

    parts_of(header, &all);
    take_given(&asked, &all, information);
    *needed = ex_security_length(&asked);
    if (size < *needed)
        return STATUS_BUFFER_TOO_SMALL;
    ex_security_pack(&asked, buffer);
    return STATUS_SUCCESS;
}

/* WDK surface */

/*
 * IRQL = PASSIVE_LEVEL. STATUS_ACCESS_VIOLATION: no descriptor; _INVALID_SECURITY_DESCR: it lacks
 * what is to be set; _UNKNOWN_REVISION, _INVALID_SID, _INVALID_ACL, _INVALID_HANDLE,
 * _INSUFFICIENT_RESOURCES. WDK: ZwSetSecurityObject
 */
NTSTATUS NTAPI ZwSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                                   PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    SECURITY_DESCRIPTOR given;
    NTSTATUS status;
    void *object;
    KIRQL irql;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (SecurityDescriptor == NULL)
        return STATUS_ACCESS_VIOLATION;
    status = capture(SecurityDescriptor, &given);
    if (!NT_SUCCESS(status))
        return status;
    if (((SecurityInformation & OWNER_SECURITY_INFORMATION) && given.Owner == NULL) ||
        ((SecurityInformation & GROUP_SECURITY_INFORMATION) && given.Group == NULL))
        return STATUS_INVALID_SECURITY_DESCR;
    status = ob_handle_reference(Handle, NULL, &object);
    if (!NT_SUCCESS(status))
        return status;
    KeAcquireSpinLock(&security_lock, &irql);
    status = replace(header_of(object), &given, SecurityInformation & KNOWN_INFORMATION);
    KeReleaseSpinLock(&security_lock, irql);
    ob_dereference(object);
    return status;
}
LDR_EXPORT(ZwSetSecurityObject);

/* IRQL = PASSIVE_LEVEL. */
NTSTATUS NTAPI ZwQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                                     PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length,
                                     PULONG LengthNeeded)
{
    NTSTATUS status;
    void *object;
    KIRQL irql;

    ASSERT_IRQL(PASSIVE_LEVEL);
    status = ob_handle_reference(Handle, NULL, &object);
    if (!NT_SUCCESS(status))
        return status;
    KeAcquireSpinLock(&security_lock, &irql);
    status = copy_out(header_of(object), SecurityInformation & KNOWN_INFORMATION,
                      SecurityDescriptor, Length, LengthNeeded);
    KeReleaseSpinLock(&security_lock, irql);
    ob_dereference(object);
    return status;
}
LDR_EXPORT(ZwQuerySecurityObject);

/*
 * A self-relative copy, for ExFreePool or SeReleaseSecurityDescriptor; a kernel caller who does not
 * ask for one has the original. IRQL = PASSIVE_LEVEL.
 */
NTSTATUS NTAPI SeCaptureSecurityDescriptor(PSECURITY_DESCRIPTOR OriginalSecurityDescriptor,
                                           KPROCESSOR_MODE CurrentMode, POOL_TYPE PoolType,
                                           BOOLEAN CaptureIfKernel,
                                           PSECURITY_DESCRIPTOR *CapturedSecurityDescriptor)
{
    SECURITY_DESCRIPTOR parts;
    NTSTATUS status;
    PVOID copy;

    *CapturedSecurityDescriptor = OriginalSecurityDescriptor;
    if (OriginalSecurityDescriptor == NULL || (CurrentMode == KernelMode && !CaptureIfKernel))
        return STATUS_SUCCESS;
    *CapturedSecurityDescriptor = NULL;
    status = capture(OriginalSecurityDescriptor, &parts);
    if (!NT_SUCCESS(status))
        return status;
    copy = ExAllocatePoolWithTag(PoolType, ex_security_length(&parts), CAPTURE_TAG);
    if (copy == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    ex_security_pack(&parts, copy);
    *CapturedSecurityDescriptor = copy;
    return STATUS_SUCCESS;
}
LDR_EXPORT(SeCaptureSecurityDescriptor);

/* The parameters are those of the capture. IRQL = PASSIVE_LEVEL. */
NTSTATUS NTAPI SeReleaseSecurityDescriptor(PSECURITY_DESCRIPTOR CapturedSecurityDescriptor,
                                           KPROCESSOR_MODE CurrentMode, BOOLEAN CaptureIfKernelMode)
{
    if (CapturedSecurityDescriptor != NULL && (CurrentMode == UserMode || CaptureIfKernelMode))
        ExFreePoolWithTag(CapturedSecurityDescriptor, 0);
    return STATUS_SUCCESS;
}
LDR_EXPORT(SeReleaseSecurityDescriptor);
