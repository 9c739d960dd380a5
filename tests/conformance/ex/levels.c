/*
 * levels.c - each routine at the highest IRQL that its page allows.
 */
#include "ex.h"

#define ENTRY_SIZE 48

static ERESOURCE Resource;

/* ---- APC_LEVEL ------------------------------------------------------------------------------ */

static VOID CheckResourcesAtApc(VOID)
{
    ULONG wrong = 0;
    KIRQL irql;

    KeRaiseIrql(APC_LEVEL, &irql);
    ExInitializeResourceLite(&Resource);
    wrong += !ExAcquireResourceExclusiveLite(&Resource, TRUE);
    ExConvertExclusiveToSharedLite(&Resource);
    wrong += !ExAcquireResourceSharedLite(&Resource, TRUE);
    wrong += !ExAcquireSharedStarveExclusive(&Resource, TRUE);
    wrong += !ExAcquireSharedWaitForExclusive(&Resource, TRUE);
    wrong += ExIsResourceAcquiredSharedLite(&Resource) != 4;
    while (ExIsResourceAcquiredSharedLite(&Resource) > 0)
        ExReleaseResourceLite(&Resource);
    ExEnterCriticalRegionAndAcquireResourceShared(&Resource);
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    ExEnterCriticalRegionAndAcquireResourceExclusive(&Resource);
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    wrong += ExIsResourceAcquiredSharedLite(&Resource) != 0;
    wrong += ExDeleteResourceLite(&Resource) != STATUS_SUCCESS;
    wrong += KeGetCurrentIrql() != APC_LEVEL;
    KeLowerIrql(irql);
    ExpectEqual(wrong, 0, "executive resources are acquired, converted and deleted at APC_LEVEL");
}

static VOID NTAPI Called(PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    ++*(PULONG)Context;
}

static VOID CheckCallbacksAtApc(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Callback\\ExTestLevels");
    OBJECT_ATTRIBUTES attributes;
    PCALLBACK_OBJECT object;
    PVOID registration;
    ULONG calls = 0;
    NTSTATUS status;
    KIRQL irql;

    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    KeRaiseIrql(APC_LEVEL, &irql);
    status = ExCreateCallback(&object, &attributes, TRUE, TRUE);
    if (status == STATUS_SUCCESS) {
        registration = ExRegisterCallback(object, Called, &calls);
        ExNotifyCallback(object, NULL, NULL);
        if (registration != NULL)
            ExUnregisterCallback(registration);
        ObDereferenceObject(object);
    }
    KeLowerIrql(irql);
    Expect(status == STATUS_SUCCESS && calls == 1,
           "callback objects are made, and routines registered, at APC_LEVEL");
}

static VOID Raise(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ExRaiseStatus(STATUS_DEVICE_NOT_READY);
}

static VOID CheckOthersAtApc(VOID)
{
    static DECLSPEC_ALIGN(16) PAGED_LOOKASIDE_LIST paged;
    EX_RUNDOWN_REF rundown;
    FAST_MUTEX mutex;
    ULONG wrong = 0;
    NTSTATUS raised;
    KIRQL irql;

    ExInitializeFastMutex(&mutex);
    KeRaiseIrql(APC_LEVEL, &irql);
    ExAcquireFastMutex(&mutex);
    ExReleaseFastMutex(&mutex);
    wrong += KeGetCurrentIrql() != APC_LEVEL;
    wrong += !ExTryToAcquireFastMutex(&mutex);
    ExReleaseFastMutex(&mutex);
    wrong += KeGetCurrentIrql() != APC_LEVEL;
    Expect(wrong == 0, "a fast mutex that was acquired at APC_LEVEL is released to it");
    ExInitializePagedLookasideList(&paged, NULL, NULL, 0, ENTRY_SIZE, TEST_TAG, 0);
    ExFreeToPagedLookasideList(&paged, ExAllocateFromPagedLookasideList(&paged));
    ExDeletePagedLookasideList(&paged);
    ExInitializeRundownProtection(&rundown);
    wrong += !ExAcquireRundownProtection(&rundown);
    ExReleaseRundownProtection(&rundown);
    ExWaitForRundownProtectionRelease(&rundown);
    ExRundownCompleted(&rundown);
    wrong += ExAcquireRundownProtection(&rundown) != FALSE;
    ExReInitializeRundownProtection(&rundown);
    wrong += !ExAcquireRundownProtection(&rundown);
    wrong += ExSetTimerResolution(0, FALSE) == 0;
    wrong += KeGetCurrentIrql() != APC_LEVEL;
    raised = TestCatch(Raise, NULL);
    KeLowerIrql(irql);
    ExpectEqual(wrong, 0,
                "paged lookaside lists, rundown and the clock's resolution are to be had there");
    ExpectStatus(raised, STATUS_DEVICE_NOT_READY, "ExRaiseStatus raises at APC_LEVEL");
}

/* ---- DISPATCH_LEVEL ------------------------------------------------------------------------- */

static VOID CheckResourcesAtDispatch(VOID)
{
    ULONG wrong = 0;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    wrong += ExInitializeResourceLite(&Resource) != STATUS_SUCCESS;
    KeLowerIrql(irql);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    wrong += !ExIsResourceAcquiredExclusiveLite(&Resource);
    wrong += ExIsResourceAcquiredSharedLite(&Resource) != 2;
    wrong += ExGetExclusiveWaiterCount(&Resource) + ExGetSharedWaiterCount(&Resource);
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceForThreadLite(&Resource, ExGetCurrentResourceThread());
    wrong += ExIsResourceAcquiredSharedLite(&Resource) != 0;
    wrong += ExReinitializeResourceLite(&Resource) != STATUS_SUCCESS;
    KeLowerIrql(irql);
    KeLeaveCriticalRegion();
    ExDeleteResourceLite(&Resource);
    ExpectEqual(wrong, 0, "executive resources are initialised and released at DISPATCH_LEVEL");
}

static VOID CheckListsAtDispatch(VOID)
{
    static DECLSPEC_ALIGN(16) NPAGED_LOOKASIDE_LIST nonpaged;
    static DECLSPEC_ALIGN(16) LOOKASIDE_LIST_EX list;
    ULONG wrong = 0;
    PVOID entry;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExInitializeNPagedLookasideList(&nonpaged, NULL, NULL, 0, ENTRY_SIZE, TEST_TAG, 0);
    entry = ExAllocateFromNPagedLookasideList(&nonpaged);
    wrong += entry == NULL;
    ExFreeToNPagedLookasideList(&nonpaged, entry);
    ExDeleteNPagedLookasideList(&nonpaged);
    wrong += ExInitializeLookasideListEx(&list, NULL, NULL, NonPagedPool, 0, ENTRY_SIZE, TEST_TAG,
                                         0) != STATUS_SUCCESS;
    entry = ExAllocateFromLookasideListEx(&list);
    wrong += entry == NULL;
    ExFreeToLookasideListEx(&list, entry);
    ExFlushLookasideListEx(&list);
    ExDeleteLookasideListEx(&list);
    KeLowerIrql(irql);
    ExpectEqual(wrong, 0, "lookaside lists of nonpaged entries live and end at DISPATCH_LEVEL");
}

static VOID CheckPoolAtDispatch(VOID)
{
    PALLOCATE2 allocate2 = (PALLOCATE2)TestRoutine(L"ExAllocatePool2");
    PALLOCATE3 allocate3 = (PALLOCATE3)TestRoutine(L"ExAllocatePool3");
    PFREE2 free2 = (PFREE2)TestRoutine(L"ExFreePool2");
    PVOID blocks[7];
    ULONG i, missing = 0;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    blocks[0] = ExAllocatePool(NonPagedPool, 100);
    blocks[1] = ExAllocatePoolWithTag(NonPagedPool, 100, TEST_TAG);
    blocks[2] = ExAllocatePoolWithTagPriority(NonPagedPool, 100, TEST_TAG, NormalPoolPriority);
    blocks[3] = ExAllocatePoolWithQuota(NonPagedPool, 100);
    blocks[4] = ExAllocatePoolWithQuotaTag(NonPagedPool, 100, TEST_TAG);
    blocks[5] = allocate2(FLAG_NON_PAGED, 100, TEST_TAG);
    blocks[6] = allocate3(FLAG_NON_PAGED, 5000, TEST_TAG, NULL, 0);
    for (i = 0; i < 7; i++)
        missing += blocks[i] == NULL;
    if (missing == 0) {
        for (i = 0; i < 5; i++)
            ExFreePool(blocks[i]);
        ExFreePoolWithTag(blocks[5], TEST_TAG);
        free2(blocks[6], TEST_TAG, NULL, 0);
    }
    KeLowerIrql(irql);
    ExpectEqual(missing, 0, "nonpaged pool of every routine is had, and freed, at DISPATCH_LEVEL");
}

static VOID CheckOthersAtDispatch(VOID)
{
    PALLOCATE_TIMER allocate = (PALLOCATE_TIMER)TestRoutine(L"ExAllocateTimer");
    PSET_TIMER set = (PSET_TIMER)TestRoutine(L"ExSetTimer");
    PCANCEL_TIMER cancel = (PCANCEL_TIMER)TestRoutine(L"ExCancelTimer");
    PDELETE_TIMER end = (PDELETE_TIMER)TestRoutine(L"ExDeleteTimer");
    EX_RUNDOWN_REF rundown;
    FAST_MUTEX mutex;
    ULONG wrong = 0;
    PTIMER timer;
    KIRQL irql;

    ExInitializeRundownProtection(&rundown);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExInitializeFastMutex(&mutex);
    wrong += ExGetPreviousMode() != KernelMode;
    wrong += !ExAcquireRundownProtection(&rundown);
    wrong += !ExAcquireRundownProtectionEx(&rundown, 2);
    ExReleaseRundownProtection(&rundown);
    ExReleaseRundownProtectionEx(&rundown, 2);
    timer = allocate(NULL, NULL, 0);
    if (timer != NULL) {
        wrong += set(timer, -600000000, 0, NULL);
        wrong += !cancel(timer, NULL);
        wrong += end(timer, TRUE, FALSE, NULL);
    }
    KeLowerIrql(irql);
    wrong += !ExTryToAcquireFastMutex(&mutex);
    ExReleaseFastMutex(&mutex);
    ExWaitForRundownProtectionRelease(&rundown);
    Expect(timer != NULL && wrong == 0,
           "rundown protection and timers without a wait are to be had at DISPATCH_LEVEL");
}

/* ---- HIGH_LEVEL ----------------------------------------------------------------------------- */

static ULONG SequencedAtHigh(VOID)
{
    static DECLSPEC_ALIGN(16) SLIST_HEADER head;
    static DECLSPEC_ALIGN(16) SLIST_ENTRY entries[2];
    ULONG wrong = 0;

    ExInitializeSListHead(&head);
    InitializeSListHead(&head); /* the other name of it */
    wrong += ExInterlockedPushEntrySList(&head, &entries[0], NULL) != NULL;
    wrong += ExInterlockedPushEntrySList(&head, &entries[1], NULL) != &entries[0];
    wrong += ExInterlockedPopEntrySList(&head, NULL) != &entries[1];
    wrong += ExInterlockedFlushSList(&head) != &entries[0];
    return wrong;
}

static ULONG LockedAtHigh(VOID)
{
    static LIST_ENTRY head, entries[2];
    static SINGLE_LIST_ENTRY single, link;
    LARGE_INTEGER sum = {.QuadPart = 1}, five = {.QuadPart = 5};
    KSPIN_LOCK lock;
    ULONG number = 1, wrong = 0;

    KeInitializeSpinLock(&lock);
    InitializeListHead(&head);
    single.Next = NULL;
    wrong += ExInterlockedInsertHeadList(&head, &entries[0], &lock) != NULL;
    wrong += ExInterlockedInsertTailList(&head, &entries[1], &lock) != &entries[0];
    wrong += ExInterlockedRemoveHeadList(&head, &lock) != &entries[0];
    wrong += ExInterlockedPushEntryList(&single, &link, &lock) != NULL;
    wrong += ExInterlockedPopEntryList(&single, &lock) != &link;
    wrong += ExInterlockedAddUlong(&number, 5, &lock) != 1 || number != 6;
    wrong += ExInterlockedAddLargeInteger(&sum, five, &lock).QuadPart != 1 || sum.QuadPart != 6;
    return wrong;
}

typedef VOID(NTAPI *PRESOLUTION)(PULONG Maximum, PULONG Minimum, PULONG Current);
typedef VOID(NTAPI *PCHANGE)(PLONG Lock);

static ULONG OthersAtHigh(PRESOLUTION Resolution, PCHANGE Acquire, PCHANGE Release)
{
    ULONG maximum = 0, minimum = 0, current = 0;
    LONG lock = 0;

    Resolution(&maximum, &minimum, &current);
    Acquire(&lock);
    Release(&lock);
    return (current < minimum || current > maximum) + (lock != 0);
}

static VOID CheckAtHigh(VOID)
{
    PRESOLUTION resolution = (PRESOLUTION)TestRoutine(L"ExQueryTimerResolution");
    PCHANGE acquire = (PCHANGE)TestRoutine(L"ExAcquireSpinLockExclusiveAtDpcLevel");
    PCHANGE release = (PCHANGE)TestRoutine(L"ExReleaseSpinLockExclusiveFromDpcLevel");
    PCHANGE share = (PCHANGE)TestRoutine(L"ExAcquireSpinLockSharedAtDpcLevel");
    PCHANGE leave = (PCHANGE)TestRoutine(L"ExReleaseSpinLockSharedFromDpcLevel");
    ULONG sequenced, locked, others;
    KIRQL irql;

    KeRaiseIrql(HIGH_LEVEL, &irql);
    sequenced = SequencedAtHigh();
    locked = LockedAtHigh();
    others = OthersAtHigh(resolution, acquire, release) + OthersAtHigh(resolution, share, leave);
    KeLowerIrql(irql);
    ExpectEqual(sequenced, 0, "sequenced lists are used at any IRQL");
    ExpectEqual(locked, 0, "LOCK-17 the routines that take a spin lock are called at any IRQL");
    ExpectEqual(others, 0, "and so are those for locks at DISPATCH_LEVEL or above");
}

VOID CheckLevels(VOID)
{
    CheckResourcesAtApc();
    CheckCallbacksAtApc();
    CheckOthersAtApc();
    CheckResourcesAtDispatch();
    CheckListsAtDispatch();
    CheckPoolAtDispatch();
    CheckOthersAtDispatch();
    CheckAtHigh();
}
