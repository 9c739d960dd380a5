/*
 * shortage.c - what is said when there is no memory. The run lets one allocation of the system
 * fail, again and again a later one, and has all of these called each time; whoever was refused
 * prints a case, and must succeed when asked once more.
 */
#include "ex.h"

static PCALLBACK_OBJECT Object;

static NTSTATUS Create(PCWSTR Text, PCALLBACK_OBJECT *Created)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Text);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return ExCreateCallback(Created, &attributes, TRUE, TRUE);
}

static NTSTATUS TryCreate(VOID)
{
    PCALLBACK_OBJECT object;
    NTSTATUS status = Create(L"\\Callback\\ExTestShortage", &object);

    if (NT_SUCCESS(status))
        ObDereferenceObject(object);
    return status;
}

static VOID NTAPI Called(PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
}

static NTSTATUS TryRegister(VOID)
{
    PVOID registration = ExRegisterCallback(Object, Called, NULL);

    if (registration == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    ExUnregisterCallback(registration);
    return STATUS_SUCCESS;
}

static NTSTATUS TryTimer(VOID)
{
    PTIMER timer = ((PALLOCATE_TIMER)TestRoutine(L"ExAllocateTimer"))(NULL, NULL, 0);

    if (timer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    ((PDELETE_TIMER)TestRoutine(L"ExDeleteTimer"))(timer, TRUE, TRUE, NULL);
    return STATUS_SUCCESS;
}

static const TEST_ATTEMPT attempts[] = {
    {"ExCreateCallback without memory gives STATUS_INSUFFICIENT_RESOURCES", TryCreate},
    {"ExRegisterCallback without memory gives NULL", TryRegister},
    {"ExAllocateTimer without memory gives NULL", TryTimer},
};

/* ---- resources, which cannot be refused ----------------------------------------------------- */

#define WAIT_MS 10000

static ERESOURCE Resource;

static VOID Wait(PVOID Context)
{
    KeEnterCriticalRegion();
    *(volatile LONG *)Context = ExAcquireResourceExclusiveLite(&Resource, TRUE);
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static VOID CheckResource(VOID)
{
    volatile LONG acquired = FALSE;
    TEST_THREAD thread;
    BOOLEAN started;
    ULONG i;

    ExpectStatus(ExInitializeResourceLite(&Resource), STATUS_SUCCESS,
                 "ExInitializeResourceLite succeeds without memory");
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&Resource, TRUE);
    started = TestThreadStart(&thread, 0, Wait, (PVOID)&acquired);
    for (i = 0; i < WAIT_MS && started && ExGetExclusiveWaiterCount(&Resource) == 0; i++)
        TestPause(1);
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
    if (started) { /* else the allocation that fails was the thread's */
        TestThreadJoin(&thread);
        Expect(acquired, "who waits for a resource waits for memory, too");
    }
    ExDeleteResourceLite(&Resource);
}

VOID StepShortage(ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    if (!NT_SUCCESS(Create(L"\\Callback\\ExTestScarce", &Object)))
        return; /* the one allocation that fails was this one's */
    KtapBegin(&TestReport);
    TestAttempts(attempts, sizeof(attempts) / sizeof(attempts[0]));
    CheckResource();
    KtapEnd(&TestReport);
    ObDereferenceObject(Object);
}
