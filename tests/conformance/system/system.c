/*
 * system.c - what a driver asks of the system as a whole, and the protection of its mappings.
 */
#include "system.h"

#define YIELDS_MAX 1000
#define TURNS 20
#define PAGES 3

/* ---- what no header of the WDK declares ------------------------------------------------------ */

enum {
    ClassBasic = 0,
    ClassTimeOfDay = 3,
    ClassModules = 11,
    ClassDebugger = 35,
    ClassUnknown = 0x7FFF,
};

typedef NTSTATUS(NTAPI *PQUERY)(ULONG Class, PVOID Information, ULONG Length, PULONG Needed);
typedef NTSTATUS(NTAPI *PYIELD)(VOID);

typedef struct _BASIC {
    UCHAR Reserved1[24];
    PVOID Reserved2[4];
    CCHAR NumberOfProcessors;
} BASIC;

typedef struct _TIME_OF_DAY {
    LARGE_INTEGER BootTime;
    LARGE_INTEGER CurrentTime;
    LARGE_INTEGER TimeZoneBias;
    ULONG TimeZoneId;
    UCHAR Reserved1[20];
} TIME_OF_DAY;

typedef struct _DEBUGGER {
    BOOLEAN Enabled;
    BOOLEAN NotPresent;
} DEBUGGER;

typedef struct _MODULE {
    HANDLE Section;
    PVOID MappedBase;
    PVOID ImageBase;
    ULONG ImageSize;
    ULONG Flags;
    USHORT LoadOrderIndex;
    USHORT InitOrderIndex;
    USHORT LoadCount;
    USHORT OffsetToFileName;
    CHAR FullPathName[256];
} MODULE, *PMODULE;

typedef struct _MODULES {
    ULONG Count;
    MODULE Module[1];
} MODULES, *PMODULES;

static PQUERY Query;
static PYIELD Yield;

/* ---- ZwQuerySystemInformation --------------------------------------------------------------- */

static VOID CheckProcessors(VOID)
{
    BASIC basic;
    ULONG length = 0;

    ExpectStatus(Query(ClassBasic, &basic, sizeof(basic) - 1, &length), STATUS_INFO_LENGTH_MISMATCH,
                 "ZwQuerySystemInformation refuses a short buffer");
    ExpectEqual(length, sizeof(basic), "ZwQuerySystemInformation says how long it must be");
    ExpectStatus(Query(ClassBasic, &basic, sizeof(basic), NULL), STATUS_SUCCESS,
                 "ZwQuerySystemInformation gives the basic information");
    ExpectEqual((ULONG)basic.NumberOfProcessors, KeQueryActiveProcessorCountEx(0),
                "the basic information counts the processors");
    ExpectEqual((ULONG) * (PCCHAR)TestRoutine(L"KeNumberProcessors"),
                KeQueryActiveProcessorCountEx(0), "KeNumberProcessors counts the processors");
    ExpectStatus(Query(ClassUnknown, &basic, sizeof(basic), NULL), STATUS_INVALID_INFO_CLASS,
                 "ZwQuerySystemInformation refuses an unknown class");
}

static VOID CheckTimes(VOID)
{
    TIME_OF_DAY time;
    DEBUGGER debugger = {TRUE, FALSE};
    LARGE_INTEGER before, after;
    NTSTATUS status;

    KeQuerySystemTime(&before);
    status = Query(ClassTimeOfDay, &time, sizeof(time), NULL);
    KeQuerySystemTime(&after);
    Expect(status == STATUS_SUCCESS && time.CurrentTime.QuadPart >= before.QuadPart &&
               time.CurrentTime.QuadPart <= after.QuadPart &&
               time.BootTime.QuadPart < time.CurrentTime.QuadPart,
           "ZwQuerySystemInformation gives the time, and that of the boot before it");
    status = Query(ClassDebugger, &debugger, sizeof(debugger), NULL);
    Expect(status == STATUS_SUCCESS && !debugger.Enabled &&
               debugger.NotPresent == *(PBOOLEAN)TestRoutine(L"KdDebuggerNotPresent"),
           "ZwQuerySystemInformation tells of the debugger what KdDebuggerNotPresent does");
}

static BOOLEAN NameIs(PMODULE Module, PCSTR Name)
{
    return strcmp(Module->FullPathName + Module->OffsetToFileName, Name) == 0;
}

static BOOLEAN Holds(PMODULE Module, ULONG_PTR Address)
{
    return Address - (ULONG_PTR)Module->ImageBase < Module->ImageSize;
}

/* What a driver does that looks a name up in the export directory of an image in memory. */
static PVOID FindExport(PUCHAR Image, PCSTR Name)
{
    PUCHAR headers = Image + *(PULONG)(Image + 0x3C);
    PULONG directory = (PULONG)(Image + *(PULONG)(headers + 0x88)); /* the first data directory */
    PULONG functions = (PULONG)(Image + directory[7]);
    PULONG names = (PULONG)(Image + directory[8]);
    PUSHORT ordinals = (PUSHORT)(Image + directory[9]);
    ULONG low = 0, high = directory[6];

    if (*(PUSHORT)Image != 0x5A4D || *(PULONG)headers != 0x4550)
        return NULL;
    while (low < high) {
        ULONG middle = (low + high) / 2;
        int order = strcmp(Name, (PCSTR)Image + names[middle]);

        if (order == 0)
            return Image + functions[ordinals[middle]];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static VOID CheckExports(PUCHAR Kernel)
{
    static const PCSTR names[] = {"DbgPrint", "IoConnectInterruptEx",  "KeSetEvent",
                                  "ZwClose",  "ExAllocatePoolWithTag", "wcslen"};
    static const PCWSTR wide[] = {L"DbgPrint", L"IoConnectInterruptEx",  L"KeSetEvent",
                                  L"ZwClose",  L"ExAllocatePoolWithTag", L"wcslen"};
    ULONG i, right = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        right += FindExport(Kernel, names[i]) == TestRoutine(wide[i]);
    ExpectEqual(right, i, "each export stands in the directory of the kernel's image");
    Expect(FindExport(Kernel, "KeSetEven") == NULL && FindExport(Kernel, "zz") == NULL,
           "what is not exported does not");
}

/* The verifier gives drivers addresses of its own. */
static VOID CheckVerified(PUCHAR Kernel)
{
    BOOLEAN apart = FindExport(Kernel, "ZwClose") != TestRoutine(L"ZwClose");

    Expect(!MmIsDriverVerifying(TestDriver) == !apart,
           "MmIsDriverVerifying tells whether the verifier stands between a driver and the system");
    if (!apart)
        CheckExports(Kernel);
}

static VOID CheckModules(VOID)
{
    MODULES few = {0};
    PMODULES modules;
    PMODULE own = NULL;
    ULONG length = 0, again = 0, i;
    NTSTATUS status;

    status = Query(ClassModules, NULL, 0, &length);
    Expect(status == STATUS_INFO_LENGTH_MISMATCH && length > sizeof(few),
           "ZwQuerySystemInformation says how long the list of modules is");
    ExpectStatus(Query(ClassModules, &few, sizeof(few), &again), STATUS_INFO_LENGTH_MISMATCH,
                 "a list of modules that does not fit is refused");
    modules = ExAllocatePoolWithTag(NonPagedPoolNx, length, TEST_TAG);
    if (modules == NULL)
        return Expect(FALSE, "there is memory for the list of modules");
    status = Query(ClassModules, modules, length, NULL);
    ExpectStatus(status, STATUS_SUCCESS, "ZwQuerySystemInformation lists the modules");
    for (i = 0; NT_SUCCESS(status) && i < modules->Count; i++)
        if (Holds(&modules->Module[i], (ULONG_PTR)CheckModules))
            own = &modules->Module[i];
    Expect(NT_SUCCESS(status) && NameIs(&modules->Module[0], "ntoskrnl.exe") &&
               Holds(&modules->Module[0], (ULONG_PTR)TestRoutine(L"KeSetEvent")),
           "the first module is the kernel, which holds its exports");
    if (NT_SUCCESS(status))
        CheckVerified(modules->Module[0].ImageBase);
    Expect(own != NULL && NameIs(own, "system.sys") && own->ImageBase == TestDriver->DriverStart &&
               own->ImageSize == TestDriver->DriverSize,
           "the module that holds a driver's code is the driver");
    ExFreePoolWithTag(modules, TEST_TAG);
}

/* ---- ZwYieldExecution ----------------------------------------------------------------------- */

typedef struct _RIVAL {
    KPRIORITY Priority;
    volatile LONG Turns;
    volatile LONG Over;
} RIVAL, *PRIVAL;

static VOID TakeTurns(PVOID Context)
{
    PRIVAL rival = Context;

    KeSetPriorityThread(KeGetCurrentThread(), rival->Priority);
    while (!rival->Over) {
        InterlockedIncrement(&rival->Turns);
        Yield();
    }
}

static VOID CheckYield(VOID)
{
    RIVAL rival = {KeQueryPriorityThread(KeGetCurrentThread()), 0, 0};
    TEST_THREAD thread;
    NTSTATUS status = STATUS_SUCCESS;
    ULONG i, given = 0;

    TestGoTo(0);
    for (i = 0; i < YIELDS_MAX && status == STATUS_SUCCESS; i++)
        status = Yield();
    ExpectStatus(status, STATUS_NO_YIELD_PERFORMED,
                 "ZwYieldExecution says that nobody waits for the processor");
    if (!TestThreadStart(&thread, 0, TakeTurns, &rival))
        return Expect(FALSE, "a thread can be made");
    while (rival.Turns == 0)
        TestPause(1);
    for (i = 0; i < TURNS; i++) {
        LONG before = rival.Turns;

        given += Yield() == STATUS_SUCCESS && rival.Turns != before;
    }
    rival.Over = 1;
    ExpectEqual(given, TURNS, "ZwYieldExecution gives way to a thread of the same priority");
    TestThreadJoin(&thread);
    TestAnywhere();
}

/* ---- MmProtectMdlSystemAddress -------------------------------------------------------------- */

typedef struct _VIEW {
    PMDL Mdl;
    volatile ULONG *Words;
} VIEW, *PVIEW;

static BOOLEAN OpenView(PVIEW View)
{
    PHYSICAL_ADDRESS low = {0}, high = {.QuadPart = -1};

    View->Words = NULL;
    View->Mdl = MmAllocatePagesForMdlEx(low, high, low, PAGES * PAGE_SIZE, MmCached, 0);
    if (View->Mdl != NULL)
        View->Words = MmMapLockedPagesSpecifyCache(View->Mdl, KernelMode, MmCached, NULL, FALSE,
                                                   NormalPagePriority);
    return View->Words != NULL;
}

static VOID CloseView(PVIEW View)
{
    if (View->Words != NULL)
        MmUnmapLockedPages((PVOID)View->Words, View->Mdl);
    if (View->Mdl != NULL) {
        MmFreePagesFromMdl(View->Mdl);
        ExFreePool(View->Mdl);
    }
}

static VOID CheckProtection(VOID)
{
    VIEW view;
    BOOLEAN opened = OpenView(&view);
    PVOID last = opened ? (PUCHAR)view.Words + (PAGES - 1) * PAGE_SIZE : NULL;

    Expect(opened, "pages of an MDL can be mapped");
    if (opened) {
        view.Words[0] = 0x12345678;
        ExpectStatus(MmProtectMdlSystemAddress(view.Mdl, PAGE_READONLY), STATUS_SUCCESS,
                     "MmProtectMdlSystemAddress makes a mapping read only");
        ExpectEqual(view.Words[0], 0x12345678, "a read-only mapping can be read");
        ExpectStatus(MmProtectMdlSystemAddress(view.Mdl, PAGE_NOACCESS), STATUS_SUCCESS,
                     "MmProtectMdlSystemAddress closes a mapping");
        Expect(!MmIsAddressValid((PVOID)view.Words) && !MmIsAddressValid(last),
               "nothing is valid in a mapping that is closed");
        ExpectStatus(MmProtectMdlSystemAddress(view.Mdl, PAGE_READWRITE), STATUS_SUCCESS,
                     "MmProtectMdlSystemAddress opens it again");
        view.Words[1] = view.Words[0] + 1;
        ExpectEqual(view.Words[1], 0x12345679, "what is in the pages has stayed");
        ExpectStatus(MmProtectMdlSystemAddress(view.Mdl, PAGE_EXECUTE_READ), STATUS_SUCCESS,
                     "MmProtectMdlSystemAddress lets code run");
        ExpectStatus(MmProtectMdlSystemAddress(view.Mdl, PAGE_EXECUTE_READWRITE),
                     STATUS_INVALID_PAGE_PROTECTION, "no mapping is writable and executable");
        ExpectStatus(MmProtectMdlSystemAddress(view.Mdl, 0), STATUS_INVALID_PAGE_PROTECTION,
                     "MmProtectMdlSystemAddress refuses what is no protection");
        MmUnmapLockedPages((PVOID)view.Words, view.Mdl);
        view.Words = NULL;
        ExpectStatus(MmProtectMdlSystemAddress(view.Mdl, PAGE_READONLY), STATUS_NOT_MAPPED_VIEW,
                     "MmProtectMdlSystemAddress refuses pages that are not mapped");
    }
    CloseView(&view);
}

static VOID Run(VOID)
{
    Query = (PQUERY)TestRoutine(L"ZwQuerySystemInformation");
    Yield = (PYIELD)TestRoutine(L"ZwYieldExecution");
    CheckProcessors();
    CheckTimes();
    CheckModules();
    CheckToken();
    CheckProcesses();
    CheckYield();
    CheckProtection();
}

static VOID Stop(ULONG Number)
{
    VIEW view;

    if (!OpenView(&view))
        return;
    if (Number == 0) {
        if (MmProtectMdlSystemAddress(view.Mdl, PAGE_READONLY) != STATUS_SUCCESS)
            return;
        DbgPrint("expect stop 0x000000BE %p * * * - a write to a read-only mapping\n", view.Words);
        view.Words[0] = 1;
    } else {
        if (MmProtectMdlSystemAddress(view.Mdl, PAGE_NOACCESS) != STATUS_SUCCESS)
            return;
        DbgPrint("expect stop 0x00000050 %p * * * - a read of a mapping that is closed\n",
                 view.Words);
        (void)view.Words[0];
    }
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
