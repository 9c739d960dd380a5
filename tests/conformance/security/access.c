/*
 * access.c - conformance of access checks (page "SeAccessCheck").
 *
 * Who asks is the system process: LocalSystem, a member of Administrators.
 */
#include "security.h"

#define READ_RIGHT 0x1
#define WRITE_RIGHT 0x2
#define RUN_RIGHT 0x4
#define ALL_RIGHTS (READ_CONTROL | READ_RIGHT | WRITE_RIGHT | RUN_RIGHT)
#define UNTOUCHED 0x5A5A5A5A

enum { ALLOW = 0, DENY = 1, INHERIT_ONLY = 8 };

static GENERIC_MAPPING mapping = {READ_RIGHT, WRITE_RIGHT, RUN_RIGHT, ALL_RIGHTS};
static LAG_SID stranger = {1, 2, {0, 0, 0, 0, 0, 5}, {32, 545}};
static LAG_ABSOLUTE descriptor;
static ULONG64 list[12];
static SECURITY_SUBJECT_CONTEXT subject;
static ACCESS_MASK granted;
static NTSTATUS why;

static BOOLEAN Ask(PVOID Descriptor, ACCESS_MASK Desired, ACCESS_MASK Previously,
                   KPROCESSOR_MODE Mode)
{
    PPRIVILEGE_SET privileges = NULL;

    granted = UNTOUCHED;
    why = STATUS_PENDING;
    return SeAccessCheck(Descriptor, &subject, FALSE, Desired, Previously, &privileges, &mapping,
                         Mode, &granted, &why);
}

static BOOLEAN User(ACCESS_MASK Desired)
{
    return Ask(&descriptor, Desired, 0, UserMode);
}

static VOID Start(VOID)
{
    RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl((PACL)list, sizeof(list), ACL_REVISION);
    RtlSetDaclSecurityDescriptor(&descriptor, TRUE, (PACL)list, FALSE);
}

static VOID Entry(UCHAR Type, UCHAR Flags, ACCESS_MASK Mask, PLAG_SID Sid)
{
    PACL acl = (PACL)list;
    PVOID entry;

    RtlAddAccessAllowedAce(acl, ACL_REVISION, Mask, Sid);
    RtlGetAce(acl, acl->AceCount - 1, &entry);
    ((PLAG_ACE)entry)->AceType = Type;
    ((PLAG_ACE)entry)->AceFlags = Flags;
}

static VOID CheckWithoutList(VOID)
{
    Expect(Ask(NULL, GENERIC_READ | WRITE_RIGHT, 0, KernelMode) && NT_SUCCESS(why),
           "SeAccessCheck allows the kernel everything");
    ExpectEqual(granted, READ_RIGHT | WRITE_RIGHT, "SeAccessCheck: generic rights are mapped");
    Expect(Ask(NULL, MAXIMUM_ALLOWED, 0, KernelMode) && granted == ALL_RIGHTS,
           "SeAccessCheck: the most that the kernel is allowed is all");
    Expect(!Ask(NULL, READ_RIGHT, 0, UserMode) && why == STATUS_ACCESS_DENIED,
           "SeAccessCheck without a descriptor: STATUS_ACCESS_DENIED for a user");
    ExpectEqual(granted, 0, "SeAccessCheck: what is refused grants nothing");
    RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    Expect(User(GENERIC_WRITE) && NT_SUCCESS(why) && granted == WRITE_RIGHT,
           "SeAccessCheck without a list allows users everything");
    Expect(!User(ACCESS_SYSTEM_SECURITY) && why == STATUS_PRIVILEGE_NOT_HELD && granted == 0,
           "SeAccessCheck: ACCESS_SYSTEM_SECURITY is STATUS_PRIVILEGE_NOT_HELD");
}

static VOID CheckLists(VOID)
{
    Start();
    Expect(!User(READ_RIGHT) && why == STATUS_ACCESS_DENIED,
           "SeAccessCheck: an empty list allows nobody anything");
    Entry(ALLOW, 0, GENERIC_READ, &LocalSystem);
    Entry(ALLOW, 0, WRITE_RIGHT, &Administrators);
    Entry(ALLOW, INHERIT_ONLY, RUN_RIGHT, &LocalSystem);
    Entry(ALLOW, 0, RUN_RIGHT, &stranger);
    Expect(User(READ_RIGHT | WRITE_RIGHT) && granted == (READ_RIGHT | WRITE_RIGHT),
           "SeAccessCheck: what several entries allow together is allowed");
    Expect(!User(READ_RIGHT | RUN_RIGHT) && granted == 0,
           "SeAccessCheck: entries for others, or for children only, allow nothing");
    Expect(Ask(&descriptor, RUN_RIGHT | READ_RIGHT, RUN_RIGHT, UserMode) &&
               granted == (RUN_RIGHT | READ_RIGHT),
           "SeAccessCheck: what was granted before is not asked for again");
    Expect(User(MAXIMUM_ALLOWED) && granted == (READ_RIGHT | WRITE_RIGHT),
           "SeAccessCheck: MAXIMUM_ALLOWED is what the list allows");
}

static VOID CheckOrder(VOID)
{
    Start();
    Entry(DENY, 0, WRITE_RIGHT, &Administrators);
    Entry(DENY, 0, READ_RIGHT, &stranger);
    Entry(ALLOW, 0, GENERIC_ALL, &LocalSystem);
    Entry(DENY, 0, RUN_RIGHT, &LocalSystem);
    Expect(!User(WRITE_RIGHT) && why == STATUS_ACCESS_DENIED,
           "SeAccessCheck: what an earlier entry denies is denied");
    Expect(User(READ_RIGHT), "SeAccessCheck: what others are denied is not");
    Expect(User(RUN_RIGHT), "SeAccessCheck: what an earlier entry allows is allowed");
}

static VOID CheckOwner(VOID)
{
    Start();
    RtlSetOwnerSecurityDescriptor(&descriptor, &stranger, FALSE);
    Expect(!User(READ_CONTROL), "SeAccessCheck: who is not the owner may not read the list");
    RtlSetOwnerSecurityDescriptor(&descriptor, &LocalSystem, FALSE);
    Expect(User(READ_CONTROL | WRITE_DAC), "SeAccessCheck: the owner may read and change it");
    Expect(!User(READ_CONTROL | READ_RIGHT), "SeAccessCheck: and nothing else");
}

VOID CheckAccess(VOID)
{
    SeCaptureSubjectContext(&subject);
    Expect(subject.PrimaryToken != NULL && subject.ClientToken == NULL,
           "SeCaptureSubjectContext: the process's token; nobody is impersonated");
    CheckWithoutList();
    CheckLists();
    CheckOrder();
    CheckOwner();
    SeReleaseSubjectContext(&subject);
    Expect(subject.PrimaryToken == NULL, "SeReleaseSubjectContext: the token is let go");
}
