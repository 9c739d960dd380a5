/*
 * locks.c - executive resources, fast mutexes, reader-writer spin locks, rundown protection,
 * callback objects.
 */
#include "ex.h"

static ERESOURCE Resource;
static BOOLEAN OtherGotIt;

static VOID TryShared(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    OtherGotIt = ExAcquireResourceSharedLite(&Resource, FALSE);
    if (OtherGotIt)
        ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static VOID TryExclusive(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    OtherGotIt = ExAcquireResourceExclusiveLite(&Resource, FALSE);
    if (OtherGotIt)
        ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static BOOLEAN OtherThread(TEST_THREAD_ROUTINE Routine)
{
    TEST_THREAD thread;

    OtherGotIt = FALSE;
    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), Routine, NULL))
        return FALSE;
    TestThreadJoin(&thread);
    return OtherGotIt;
}

VOID CheckResources(VOID)
{
    ExpectStatus(ExInitializeResourceLite(&Resource), STATUS_SUCCESS, "a resource is initialised");
    Expect(OtherThread(TryExclusive), "a free resource is acquired");
    KeEnterCriticalRegion();
    Expect(ExAcquireResourceSharedLite(&Resource, TRUE), "a resource is acquired shared");
    ExpectEqual(ExIsResourceAcquiredSharedLite(&Resource), 1, "once by this thread");
    Expect(ExAcquireResourceSharedLite(&Resource, TRUE) &&
               ExIsResourceAcquiredSharedLite(&Resource) == 2,
           "and again");
    ExReleaseResourceLite(&Resource);
    Expect(OtherThread(TryShared), "another thread shares it");
    Expect(!OtherThread(TryExclusive), "and cannot have it alone");
    Expect(!ExIsResourceAcquiredExclusiveLite(&Resource), "this thread does not have it alone");
    ExReleaseResourceLite(&Resource);
    Expect(ExAcquireResourceExclusiveLite(&Resource, TRUE) &&
               ExIsResourceAcquiredExclusiveLite(&Resource),
           "a resource is acquired exclusive");
    Expect(ExAcquireResourceExclusiveLite(&Resource, FALSE), "and again by its owner");
    ExReleaseResourceLite(&Resource);
    Expect(!OtherThread(TryShared), "another thread cannot share it");
    ExConvertExclusiveToSharedLite(&Resource);
    Expect(!ExIsResourceAcquiredExclusiveLite(&Resource) && OtherThread(TryShared),
           "until it is converted");
    Expect(ExGetExclusiveWaiterCount(&Resource) == 0 && ExGetSharedWaiterCount(&Resource) == 0,
           "nobody waits");
    ExReleaseResourceForThreadLite(&Resource, ExGetCurrentResourceThread());
    ExpectEqual(ExIsResourceAcquiredSharedLite(&Resource), 0, "released for a thread it is free");
    Expect(ExAcquireSharedStarveExclusive(&Resource, FALSE),
           "ExAcquireSharedStarveExclusive acquires");
    ExReleaseResourceLite(&Resource);
    Expect(ExAcquireSharedWaitForExclusive(&Resource, FALSE),
           "ExAcquireSharedWaitForExclusive acquires");
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
    ExpectStatus(ExReinitializeResourceLite(&Resource), STATUS_SUCCESS,
                 "a free resource starts anew");
    ExpectStatus(ExDeleteResourceLite(&Resource), STATUS_SUCCESS, "a resource is deleted");
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static VOID NTAPI Called(PVOID Context, PVOID First, PVOID Second)
{
    *(PULONG_PTR)Context += (ULONG_PTR)First * 16 + (ULONG_PTR)Second;
}

static VOID CheckRundown(VOID)
{
    EX_RUNDOWN_REF rundown;

    ExInitializeRundownProtection(&rundown);
    Expect(ExAcquireRundownProtection(&rundown), "rundown protection is acquired");
    ExReleaseRundownProtection(&rundown);
    ExWaitForRundownProtectionRelease(&rundown);
    Expect(!ExAcquireRundownProtection(&rundown), "until rundown has begun");
    ExRundownCompleted(&rundown);
    ExWaitForRundownProtectionRelease(&rundown);
    Expect(!ExAcquireRundownProtection(&rundown) && !ExAcquireRundownProtectionEx(&rundown, 2),
           "after ExRundownCompleted nobody is protected, and a wait is over at once");
    ExReInitializeRundownProtection(&rundown);
    Expect(ExAcquireRundownProtectionEx(&rundown, 3),
           "and after it has been set up again, many times");
    ExReleaseRundownProtectionEx(&rundown, 3);
    ExWaitForRundownProtectionRelease(&rundown);
}

VOID CheckCallbacks(VOID)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    PCALLBACK_OBJECT object, same;
    ULONG_PTR sum = 0;
    PVOID registration;

    RtlInitUnicodeString(&name, L"\\Callback\\ExTest");
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    ExpectStatus(ExCreateCallback(&object, &attributes, FALSE, TRUE), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-EX-46 a callback object that there is not is not opened");
    ExpectStatus(ExCreateCallback(&object, &attributes, TRUE, FALSE), STATUS_SUCCESS,
                 "G-EX-46 but created");
    ExpectStatus(ExCreateCallback(&same, &attributes, FALSE, TRUE), STATUS_SUCCESS,
                 "G-EX-46 and then opened");
    Expect(same == object, "G-EX-46 the same one");
    registration = ExRegisterCallback(object, Called, &sum);
    Expect(registration != NULL, "G-EX-47 a routine is registered");
    Expect(ExRegisterCallback(object, Called, &sum) == NULL,
           "G-EX-47 a second one only where the object allows it");
    ExNotifyCallback(object, (PVOID)2, (PVOID)3);
    ExpectEqual(sum, 0x23, "ExNotifyCallback calls it with both arguments");
    ExUnregisterCallback(registration);
    ExNotifyCallback(object, (PVOID)2, (PVOID)3);
    ExpectEqual(sum, 0x23, "until it is unregistered");
    ObDereferenceObject(same);
    ObDereferenceObject(object);
    CheckRundown();
}
