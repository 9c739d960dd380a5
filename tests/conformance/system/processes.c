/*
 * processes.c - ZwQuerySystemInformation: the process and its threads, times, code integrity.
 */
#include "system.h"

enum { ClassProcesses = 5, ClassProcessorTimes = 8, ClassCodeIntegrity = 103, StateWaiting = 5 };

/* As the SDK's page of NtQuerySystemInformation declares them. */
typedef struct _PROCESS_FACTS {
    ULONG NextEntryOffset;
    ULONG NumberOfThreads;
    UCHAR Reserved1[48];
    UNICODE_STRING ImageName;
    KPRIORITY BasePriority;
    HANDLE UniqueProcessId;
    PVOID Reserved2;
    ULONG HandleCount;
    ULONG SessionId;
    PVOID Reserved3;
    SIZE_T PeakVirtualSize;
    SIZE_T VirtualSize;
    ULONG Reserved4;
    SIZE_T PeakWorkingSetSize;
    SIZE_T WorkingSetSize;
    PVOID Reserved5;
    SIZE_T QuotaPagedPoolUsage;
    PVOID Reserved6;
    SIZE_T QuotaNonPagedPoolUsage;
    SIZE_T PagefileUsage;
    SIZE_T PeakPagefileUsage;
    SIZE_T PrivatePageCount;
    LARGE_INTEGER Reserved7[6];
} PROCESS_FACTS, *PPROCESS_FACTS;

typedef struct _THREAD_FACTS {
    LARGE_INTEGER Reserved1[3];
    ULONG Reserved2;
    PVOID StartAddress;
    CLIENT_ID ClientId;
    KPRIORITY Priority;
    LONG BasePriority;
    ULONG Reserved3;
    ULONG ThreadState;
    ULONG WaitReason;
} THREAD_FACTS, *PTHREAD_FACTS;

typedef struct _PROCESSOR_TIMES {
    LARGE_INTEGER IdleTime;
    LARGE_INTEGER KernelTime;
    LARGE_INTEGER UserTime;
    LARGE_INTEGER Reserved1[2];
    ULONG Reserved2;
} PROCESSOR_TIMES;

typedef NTSTATUS(NTAPI *PQUERY)(ULONG Class, PVOID Information, ULONG Length, PULONG Needed);

static PQUERY Query;
static KEVENT Release;
static volatile HANDLE WaiterId;

static VOID Waiter(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    WaiterId = PsGetCurrentThreadId();
    TestWait(&Release, 60000);
}

static PPROCESS_FACTS AllocateFacts(VOID)
{
    PPROCESS_FACTS facts;
    ULONG length = 0, more;

    ExpectStatus(Query(ClassProcesses, NULL, 0, &length), STATUS_INFO_LENGTH_MISMATCH,
                 "ZwQuerySystemInformation says how long the list of processes is");
    more = length + 16 * sizeof(THREAD_FACTS); /* for threads that come meanwhile */
    facts = ExAllocatePoolWithTag(NonPagedPoolNx, more, TEST_TAG);
    if (facts != NULL && !NT_SUCCESS(Query(ClassProcesses, facts, more, &length))) {
        ExFreePoolWithTag(facts, TEST_TAG);
        facts = NULL;
    }
    return facts;
}

static PTHREAD_FACTS FindThread(PPROCESS_FACTS Facts, HANDLE Id)
{
    PTHREAD_FACTS threads = (PTHREAD_FACTS)(Facts + 1);
    ULONG i;

    for (i = 0; i < Facts->NumberOfThreads; i++)
        if (threads[i].ClientId.UniqueThread == Id)
            return &threads[i];
    return NULL;
}

static VOID JudgeFacts(PPROCESS_FACTS Facts)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"System");
    PTHREAD_FACTS self = FindThread(Facts, PsGetCurrentThreadId());
    PTHREAD_FACTS waiter = FindThread(Facts, WaiterId);

    Expect(Facts->NextEntryOffset == 0 && Facts->UniqueProcessId == PsGetCurrentProcessId() &&
               RtlEqualUnicodeString(&Facts->ImageName, &name, FALSE),
           "it is the system process, by id and name");
    Expect(self != NULL && self->ClientId.UniqueProcess == PsGetCurrentProcessId() &&
               self->Priority == KeQueryPriorityThread(KeGetCurrentThread()),
           "it has the current thread, with its priority");
    Expect(waiter != NULL && waiter->ThreadState == StateWaiting, "and one that waits, waiting");
    Expect(waiter != NULL && (ULONG_PTR)waiter->StartAddress - (ULONG_PTR)TestDriver->DriverStart <
                                 TestDriver->DriverSize,
           "which begins in the driver that made it");
}

static VOID CheckProcess(VOID)
{
    PPROCESS_FACTS facts, more;
    TEST_THREAD thread;
    HANDLE key = NULL;

    KeInitializeEvent(&Release, NotificationEvent, FALSE);
    if (!TestThreadStart(&thread, 0, Waiter, NULL))
        return;
    while (WaiterId == NULL)
        TestPause(1);
    TestPause(20);
    facts = AllocateFacts();
    IoOpenDeviceRegistryKey(TestDevices->Physical, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key);
    more = AllocateFacts();
    if (facts != NULL && more != NULL) {
        JudgeFacts(facts);
        Expect(more->HandleCount > facts->HandleCount, "it counts handles");
    } else {
        Expect(FALSE, "there is memory for the list of processes");
    }
    if (key != NULL)
        ZwClose(key);
    if (facts != NULL)
        ExFreePoolWithTag(facts, TEST_TAG);
    if (more != NULL)
        ExFreePoolWithTag(more, TEST_TAG);
    KeSetEvent(&Release, IO_NO_INCREMENT, FALSE);
    TestThreadJoin(&thread);
}

static VOID CheckProcessorTimes(VOID)
{
    static PROCESSOR_TIMES before[64], after[64];
    ULONG count = TestProcessors(), length = 0, processor = count - 1;
    LONGLONG idle, all;

    ExpectStatus(Query(ClassProcessorTimes, before, count * sizeof(before[0]) - 1, &length),
                 STATUS_INFO_LENGTH_MISMATCH, "times are told of all processors or none");
    ExpectEqual(length, count * sizeof(before[0]), "and how long that is");
    TestGoTo(processor);
    Query(ClassProcessorTimes, before, sizeof(before), NULL);
    KeStallExecutionProcessor(100000);
    ExpectStatus(Query(ClassProcessorTimes, after, sizeof(after), NULL), STATUS_SUCCESS,
                 "ZwQuerySystemInformation tells the processors' times");
    TestAnywhere();
    idle = after[processor].IdleTime.QuadPart - before[processor].IdleTime.QuadPart;
    all = after[processor].KernelTime.QuadPart - before[processor].KernelTime.QuadPart;
    DbgPrint("# idle %u of %u\n", (ULONG)idle, (ULONG)all);
    Expect(all >= 500000 && idle >= 0 && idle < all && after[processor].UserTime.QuadPart == 0,
           "a processor that was busy was not idle all the time");
}

static VOID CheckCodeIntegrity(VOID)
{
    ULONG integrity[2] = {sizeof(integrity), MAXULONG};

    ExpectStatus(Query(ClassCodeIntegrity, integrity, sizeof(integrity), NULL), STATUS_SUCCESS,
                 "ZwQuerySystemInformation tells the options of code integrity");
    Expect(integrity[0] == sizeof(integrity) && integrity[1] != MAXULONG, "in its structure");
    integrity[0] = 4;
    ExpectStatus(Query(ClassCodeIntegrity, integrity, sizeof(integrity), NULL),
                 STATUS_INFO_LENGTH_MISMATCH, "if that says how long it is");
}

VOID CheckProcesses(VOID)
{
    Query = (PQUERY)TestRoutine(L"ZwQuerySystemInformation");
    CheckProcess();
    CheckProcessorTimes();
    CheckCodeIntegrity();
}
