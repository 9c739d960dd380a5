/*
 * object.c - descriptors of objects: what IoCreateDeviceSecure's library does with a new device.
 */
#include "security.h"

#define BUFFER_BYTES 128

/* The SID that SeExports has for administrators: what SDDL's BA means. */
static VOID CheckNames(VOID)
{
    ULONG_PTR *exports = TestRoutine(L"SeExports");
    PUCHAR names = exports == NULL ? NULL : (PUCHAR)*exports;
    PSID *sids = (PSID *)(names + 23 * sizeof(LUID)); /* behind the first 23 privileges */

    Expect(names != NULL, "SeExports is exported");
    if (names == NULL)
        return;
    ExpectEqual(((PLUID)names)[18].LowPart, 20, "SeExports: SeDebugPrivilege is number 20");
    Expect(RtlEqualSid(sids[10], &LocalSystem), "SeExports: SeLocalSystemSid is S-1-5-18");
    Expect(RtlEqualSid(sids[11], &Administrators), "SeExports: SeAliasAdminsSid is S-1-5-32-544");
}

static VOID CheckSet(HANDLE Handle)
{
    ULONG64 buffer[BUFFER_BYTES / sizeof(ULONG64)], list[8];
    LAG_ABSOLUTE given;
    PACL acl = (PACL)list;
    BOOLEAN present, defaulted;
    ULONG needed = 0;
    PSID sid;

    RtlCreateAcl(acl, sizeof(list), ACL_REVISION);
    RtlAddAccessAllowedAce(acl, ACL_REVISION, GENERIC_ALL, &Administrators);
    RtlCreateSecurityDescriptor(&given, SECURITY_DESCRIPTOR_REVISION);
    RtlSetDaclSecurityDescriptor(&given, TRUE, acl, FALSE);
    ExpectStatus(ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, &given), STATUS_SUCCESS,
                 "ZwSetSecurityObject sets the list of a device");
    ExpectStatus(ZwSetSecurityObject(Handle, OWNER_SECURITY_INFORMATION, &given),
                 STATUS_INVALID_SECURITY_DESCR,
                 "ZwSetSecurityObject refuses to set an owner from a descriptor without");
    RtlSetOwnerSecurityDescriptor(&given, &LocalSystem, FALSE);
    RtlSetDaclSecurityDescriptor(&given, FALSE, NULL, FALSE);
    ExpectStatus(ZwSetSecurityObject(Handle, OWNER_SECURITY_INFORMATION, &given), STATUS_SUCCESS,
                 "ZwSetSecurityObject sets an owner beside it");
    ExpectStatus(ZwQuerySecurityObject(Handle, DACL_SECURITY_INFORMATION, NULL, 0, &needed),
                 STATUS_BUFFER_TOO_SMALL, "ZwQuerySecurityObject refuses no buffer");
    ExpectEqual(needed, 20 + sizeof(list), "ZwQuerySecurityObject: and tells what it needs");
    ExpectStatus(
        ZwQuerySecurityObject(Handle, DACL_SECURITY_INFORMATION, buffer, sizeof(buffer), &needed),
        STATUS_SUCCESS, "ZwQuerySecurityObject tells the list");
    RtlGetDaclSecurityDescriptor(buffer, &present, &acl, &defaulted);
    Expect(present && acl->AceCount == 1, "ZwQuerySecurityObject: with its entry");
    RtlGetOwnerSecurityDescriptor(buffer, &sid, &defaulted);
    Expect(sid == NULL, "ZwQuerySecurityObject: and not the owner, who was not asked for");
    ZwQuerySecurityObject(Handle, OWNER_SECURITY_INFORMATION, buffer, sizeof(buffer), &needed);
    RtlGetOwnerSecurityDescriptor(buffer, &sid, &defaulted);
    Expect(sid != NULL && RtlEqualSid(sid, &LocalSystem),
           "ZwQuerySecurityObject tells the owner when asked");
    buffer[0] = 0x5A5A5A5A;
    ExpectStatus(
        ZwQuerySecurityObject(Handle, OWNER_SECURITY_INFORMATION, buffer, needed - 1, &needed),
        STATUS_BUFFER_TOO_SMALL,
        "ZwQuerySecurityObject leaves a buffer alone that is a byte short");
    ExpectEqual(buffer[0], 0x5A5A5A5A, "ZwQuerySecurityObject: nothing was written there");
}

/* What is refused changes nothing of what the object has. */
static VOID CheckInvalid(HANDLE Handle)
{
    ULONG64 before[BUFFER_BYTES / sizeof(ULONG64)], after[BUFFER_BYTES / sizeof(ULONG64)];
    SECURITY_INFORMATION all = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    LAG_SID sid = Administrators;
    LAG_ABSOLUTE given;
    ULONG length = 0, again = 0;
    ACL acl;

    ZwQuerySecurityObject(Handle, all, before, sizeof(before), &length);
    ExpectStatus(ZwSetSecurityObject(Handle, all, NULL), STATUS_ACCESS_VIOLATION,
                 "ZwSetSecurityObject needs a descriptor");
    RtlCreateAcl(&acl, sizeof(acl), ACL_REVISION);
    RtlCreateSecurityDescriptor(&given, SECURITY_DESCRIPTOR_REVISION);
    RtlSetOwnerSecurityDescriptor(&given, &sid, FALSE);
    RtlSetDaclSecurityDescriptor(&given, TRUE, &acl, FALSE);
    given.Revision = 2;
    ExpectStatus(ZwSetSecurityObject(Handle, all, &given), STATUS_UNKNOWN_REVISION,
                 "ZwSetSecurityObject refuses revision 2");
    given.Revision = SECURITY_DESCRIPTOR_REVISION;
    sid.Revision = 2;
    ExpectStatus(ZwSetSecurityObject(Handle, all, &given), STATUS_INVALID_SID,
                 "ZwSetSecurityObject refuses a SID that is none");
    sid.Revision = 1;
    acl.AclSize = sizeof(acl) - 1;
    ExpectStatus(ZwSetSecurityObject(Handle, all, &given), STATUS_INVALID_ACL,
                 "ZwSetSecurityObject refuses a list that is none");
    ExpectStatus(ZwSetSecurityObject(Handle, GROUP_SECURITY_INFORMATION, &given),
                 STATUS_INVALID_ACL, "ZwSetSecurityObject: set or not");
    ZwQuerySecurityObject(Handle, all, after, sizeof(after), &again);
    Expect(length == again && RtlCompareMemory(before, after, length) == length,
           "ZwSetSecurityObject: what is refused changes nothing");
}

VOID CheckObjects(VOID)
{
    PDEVICE_OBJECT device;
    HANDLE handle = NULL;
    LAG_ABSOLUTE given;
    ULONG needed;

    CheckNames();
    RtlCreateSecurityDescriptor(&given, SECURITY_DESCRIPTOR_REVISION);
    ExpectStatus(ZwSetSecurityObject((HANDLE)0x7FFFFFFC, DACL_SECURITY_INFORMATION, &given),
                 STATUS_INVALID_HANDLE, "ZwSetSecurityObject refuses a handle that is none");
    ExpectStatus(
        ZwQuerySecurityObject((HANDLE)0x7FFFFFFC, DACL_SECURITY_INFORMATION, NULL, 0, &needed),
        STATUS_INVALID_HANDLE, "ZwQuerySecurityObject refuses a handle that is none");
    ExpectStatus(IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device),
                 STATUS_SUCCESS, "a device is created");
    ExpectStatus(ObOpenObjectByPointer(device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC,
                                       *(POBJECT_TYPE *)TestRoutine(L"IoFileObjectType"),
                                       KernelMode, &handle),
                 STATUS_OBJECT_TYPE_MISMATCH, "ObOpenObjectByPointer: a device is no file");
    ExpectStatus(ObOpenObjectByPointer(device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC, NULL, KernelMode,
                                       &handle),
                 STATUS_SUCCESS, "ObOpenObjectByPointer opens it");
    CheckSet(handle);
    CheckInvalid(handle);
    ExpectStatus(ZwClose(handle), STATUS_SUCCESS, "the handle is closed");
    IoDeleteDevice(device);
}
