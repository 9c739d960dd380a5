/*
 * misc.c - pool without a tag, condition masks, the type of events, local time, alignment.
 */
#include "ex.h"

#define TOO_LARGE ((SIZE_T)1 << 40)

/* ---- pool ----------------------------------------------------------------------------------- */

static VOID AllocateTooMuch(PVOID Context)
{
    ExAllocatePool(*(POOL_TYPE *)Context, TOO_LARGE);
}

static VOID AllocateTooMuchQuota(PVOID Context)
{
    ExAllocatePoolWithQuota(*(POOL_TYPE *)Context, TOO_LARGE);
}

/* A block of either routine: aligned as documented, and the driver's to write. */
static ULONG Blocks(PVOID(NTAPI *Allocate)(POOL_TYPE Type, SIZE_T Size))
{
    static const SIZE_T sizes[] = {1, 16, 100, PAGE_SIZE - 1, PAGE_SIZE, 3 * PAGE_SIZE};
    ULONG i, wrong = 0;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        SIZE_T alignment = sizes[i] >= PAGE_SIZE ? PAGE_SIZE : 16;
        PVOID block = Allocate(i % 2 ? PagedPool : NonPagedPool, sizes[i]);

        wrong += block == NULL || ((ULONG_PTR)block & (alignment - 1)) != 0;
        if (block == NULL)
            continue;
        RtlFillMemory(block, sizes[i], 0x5A);
        ExFreePool(block);
    }
    return wrong;
}

static VOID CheckUntagged(VOID)
{
    POOL_TYPE plain = NonPagedPool;
    POOL_TYPE raise = (POOL_TYPE)(NonPagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE);
    POOL_TYPE quiet = (POOL_TYPE)(NonPagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE);
    PVOID block;
    KIRQL irql;

    ExpectEqual(Blocks(ExAllocatePool), 0, "ExAllocatePool gives aligned blocks of all sizes");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    block = ExAllocatePool(NonPagedPool, 100);
    if (block != NULL)
        ExFreePoolWithTag(block, 0x656E6F4E); /* "None" */
    KeLowerIrql(irql);
    Expect(block != NULL, "also at DISPATCH_LEVEL; their tag is None");
    Expect(ExAllocatePool(NonPagedPool, TOO_LARGE) == NULL, "NULL where there is no memory");
    ExpectStatus(TestCatch(AllocateTooMuch, &raise), STATUS_INSUFFICIENT_RESOURCES,
                 "or, with POOL_RAISE_IF_ALLOCATION_FAILURE, an exception");
    ExpectEqual(Blocks(ExAllocatePoolWithQuota), 0, "ExAllocatePoolWithQuota gives the same");
    ExpectStatus(TestCatch(AllocateTooMuchQuota, &plain), STATUS_INSUFFICIENT_RESOURCES,
                 "and always raises an exception where there is no memory");
    Expect(ExAllocatePoolWithQuota(quiet, TOO_LARGE) == NULL,
           "unless POOL_QUOTA_FAIL_INSTEAD_OF_RAISE asks for NULL");
}

VOID StopPool(ULONG Number)
{
    KIRQL irql;

    KeRaiseIrql(Number == 30 ? DISPATCH_LEVEL + 1 : DISPATCH_LEVEL, &irql);
    if (Number == 30) {
        ExpectStop(0xC2, 8, DISPATCH_LEVEL + 1, NonPagedPool, 100,
                   "BC-C2-1 ExAllocatePool above DISPATCH_LEVEL");
        ExAllocatePool(NonPagedPool, 100);
    } else {
        ExpectStop(0xC2, 8, DISPATCH_LEVEL, TEST_ANY, 100,
                   "BC-C2-1 ExAllocatePoolWithQuota of paged pool at DISPATCH_LEVEL");
        ExAllocatePoolWithQuota(PagedPool, 100);
    }
}

/* ---- versions ------------------------------------------------------------------------------- */

#define EQUAL 1 /* VER_EQUAL and so on */
#define GREATER 2
#define GREATER_EQUAL 3
#define MINOR 1 /* VER_MINORVERSION and so on */
#define MAJOR 2
#define BUILD 4
#define PACK_MAJOR 0x20

static VOID CheckConditions(VOID)
{
    RTL_OSVERSIONINFOEXW version = {.dwOSVersionInfoSize = sizeof(version)};
    ULONGLONG mask, at_least;

    mask = VerSetConditionMask(0, MAJOR, GREATER_EQUAL);
    ExpectEqual(mask, 0x18, "VerSetConditionMask keeps three bits for each part");
    mask = VerSetConditionMask(mask, MINOR, GREATER_EQUAL);
    ExpectEqual(mask, 0x1B, "beside those of other parts");
    mask = VerSetConditionMask(mask, PACK_MAJOR, GREATER_EQUAL);
    ExpectEqual(mask, 0x1801B, "whichever comes first");
    at_least =
        VerSetConditionMask(VerSetConditionMask(0, MAJOR, GREATER_EQUAL), MINOR, GREATER_EQUAL);
    RtlGetVersion((PRTL_OSVERSIONINFOW)&version);
    ExpectStatus(RtlVerifyVersionInfo(&version, MAJOR | MINOR, at_least), STATUS_SUCCESS,
                 "RtlVerifyVersionInfo meets such a mask");
    ExpectStatus(RtlVerifyVersionInfo(&version, BUILD, VerSetConditionMask(0, BUILD, EQUAL)),
                 STATUS_SUCCESS, "each of its conditions");
    ExpectStatus(RtlVerifyVersionInfo(&version, BUILD, VerSetConditionMask(0, BUILD, GREATER)),
                 STATUS_REVISION_MISMATCH, "or not");
    version.dwMajorVersion++;
    ExpectStatus(RtlVerifyVersionInfo(&version, MAJOR | MINOR, at_least), STATUS_REVISION_MISMATCH,
                 "a later version than this one is not met");
}

/* ---- object types --------------------------------------------------------------------------- */

static VOID NTAPI Nothing(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
}

static VOID CheckEventType(VOID)
{
    POBJECT_TYPE *type = TestRoutine(L"ExEventObjectType");
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ExTestEvent");
    HANDLE handle, thread;
    PKEVENT event = IoCreateNotificationEvent(&name, &handle);
    PVOID object = NULL;

    Expect(event != NULL, "a named event can be had");
    if (event == NULL)
        return;
    ExpectStatus(
        ObReferenceObjectByHandle(handle, EVENT_ALL_ACCESS, *type, KernelMode, &object, NULL),
        STATUS_SUCCESS, "ExEventObjectType is the type of its handle");
    Expect(object == event, "which gives the event");
    if (object != NULL)
        ObDereferenceObject(object);
    ExpectStatus(ObReferenceObjectByPointer(event, EVENT_ALL_ACCESS, *type, KernelMode),
                 STATUS_SUCCESS, "and of the event itself");
    ObDereferenceObject(event);
    ExpectStatus(ObReferenceObjectByPointer(KeGetCurrentThread(), 0, *type, KernelMode),
                 STATUS_OBJECT_TYPE_MISMATCH, "a thread is none");
    ExpectStatus(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Nothing, NULL),
                 STATUS_SUCCESS, "a handle of a thread can be had");
    ExpectStatus(
        ObReferenceObjectByHandle(thread, EVENT_ALL_ACCESS, *type, KernelMode, &object, NULL),
        STATUS_OBJECT_TYPE_MISMATCH, "and is of another type");
    ZwClose(thread);
    ZwClose(handle);
}

/* ---- local time ----------------------------------------------------------------------------- */

#define SHARED_BIAS ((volatile KSYSTEM_TIME *)0xFFFFF78000000020) /* KUSER_SHARED_DATA's */

static VOID CheckLocalTime(VOID)
{
    LONGLONG bias = (LONGLONG)SHARED_BIAS->High1Time << 32 | SHARED_BIAS->LowPart;
    LARGE_INTEGER system, local, back;
    KIRQL irql;

    KeQuerySystemTime(&system);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    ExSystemTimeToLocalTime(&system, &local);
    ExLocalTimeToSystemTime(&local, &back);
    KeLowerIrql(irql);
    Expect(local.QuadPart == system.QuadPart - bias,
           "ExSystemTimeToLocalTime subtracts the bias that the shared user data page tells");
    Expect(back.QuadPart == local.QuadPart + bias, "and ExLocalTimeToSystemTime adds it");
}

/* ---- alignment ------------------------------------------------------------------------------ */

/* In memory that is aligned to 8 bytes, and to no more. */
static VOID CheckAlignment(VOID)
{
    static DECLSPEC_ALIGN(16) UCHAR room[8 + sizeof(ERESOURCE)];
    PERESOURCE resource = (PERESOURCE)(room + 8);
    PFAST_MUTEX mutex = (PFAST_MUTEX)(room + 8);
    PEX_RUNDOWN_REF rundown = (PEX_RUNDOWN_REF)(room + 8);
    BOOLEAN done;

    ExInitializeResourceLite(resource);
    ExEnterCriticalRegionAndAcquireResourceExclusive(resource);
    done = ExIsResourceAcquiredExclusiveLite(resource);
    ExReleaseResourceAndLeaveCriticalRegion(resource);
    ExDeleteResourceLite(resource);
    Expect(done, "ExInitializeResourceLite: 8 bytes are alignment enough");
    ExInitializeFastMutex(mutex);
    ExAcquireFastMutex(mutex);
    done = !ExTryToAcquireFastMutex(mutex);
    ExReleaseFastMutex(mutex);
    Expect(done, "ExInitializeFastMutex: 8 bytes are alignment enough");
    ExInitializeRundownProtection(rundown);
    done = ExAcquireRundownProtection(rundown);
    ExReleaseRundownProtection(rundown);
    ExWaitForRundownProtectionRelease(rundown);
    Expect(done && !ExAcquireRundownProtection(rundown),
           "ExInitializeRundownProtection: 8 bytes are alignment enough");
}

VOID CheckMiscellany(VOID)
{
    CheckAlignment();
    CheckLocalTime();
    CheckUntagged();
    CheckConditions();
    CheckEventType();
}
