/*
 * shortage.c - what is said when there is no memory. The run lets one allocation of the system
 * fail, again and again a later one, and has all of these called each time; whoever was refused
 * prints a case, and must succeed when asked once more.
 */
#include "services.h"

#define MOST_HANDLES 4096
#define HANDLE_STEP 4 /* handles are multiples of it */

/* ---- handles --------------------------------------------------------------------------------- */

/*
 * A handle itself needs memory only where the table of handles is full, whose room doubles then:
 * each of these calls opens handles until it has, if there are not enough.
 */
static HANDLE Handles[MOST_HANDLES];
static ULONG_PTR Room = 64;

static NTSTATUS OpenMany(NTSTATUS (*Open)(PHANDLE))
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG count = 0;
    BOOLEAN full = FALSE;

    while (!full && count < MOST_HANDLES && NT_SUCCESS(status = Open(&Handles[count])))
        full = (ULONG_PTR)Handles[count++] / HANDLE_STEP > Room;
    while (full && (ULONG_PTR)Handles[count - 1] / HANDLE_STEP > Room)
        Room *= 2;
    while (count != 0)
        ZwClose(Handles[--count]);
    return status;
}

static HANDLE Event; /* there whatever fails */
static UNICODE_STRING EventName = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ServicesScarce");

static NTSTATUS OpenByName(PHANDLE Handle)
{
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &EventName, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwOpenEvent(Handle, EVENT_ALL_ACCESS, &attributes);
}

static NTSTATUS OpenByPointer(PHANDLE Handle)
{
    return ObOpenObjectByPointer(TestDevices->Self, OBJ_KERNEL_HANDLE, NULL, 0, NULL, KernelMode,
                                 Handle);
}

static NTSTATUS TryOpenEvent(VOID)
{
    return OpenMany(OpenByName);
}

static NTSTATUS TryOpenObject(VOID)
{
    return OpenMany(OpenByPointer);
}

static NTSTATUS Closed(NTSTATUS Status, HANDLE Handle)
{
    if (NT_SUCCESS(Status))
        ZwClose(Handle);
    return Status;
}

static NTSTATUS TryCreateEvent(VOID)
{
    HANDLE handle;
    NTSTATUS status = ZwCreateEvent(&handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);

    return Closed(status, handle);
}

static NTSTATUS TryToken(VOID)
{
    NTSTATUS(NTAPI * open)(HANDLE, ACCESS_MASK, PHANDLE) = TestRoutine(L"ZwOpenProcessToken");
    HANDLE handle;
    NTSTATUS status = open(ZwCurrentProcess(), GENERIC_READ, &handle);

    return Closed(status, handle);
}

static NTSTATUS TryTokenEx(VOID)
{
    NTSTATUS(NTAPI * open)
    (HANDLE, ACCESS_MASK, ULONG, PHANDLE) = TestRoutine(L"ZwOpenProcessTokenEx");
    HANDLE handle;
    NTSTATUS status = open(ZwCurrentProcess(), GENERIC_READ, OBJ_KERNEL_HANDLE, &handle);

    return Closed(status, handle);
}

static NTSTATUS TrySecurity(VOID)
{
    NTSTATUS(NTAPI * set)
    (HANDLE, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR) = TestRoutine(L"ZwSetSecurityObject");
    struct {
        UCHAR Revision;
        UCHAR Reserved;
        USHORT Control;
        PVOID Parts[4];
    } descriptor = {SECURITY_DESCRIPTOR_REVISION, 0, 0, {NULL}};

    return set(Event, DACL_SECURITY_INFORMATION, &descriptor);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* The same to this test: there are no pages, or no addresses. */
static NTSTATUS NoMemory(NTSTATUS Status)
{
    return Status == STATUS_NO_MEMORY ? STATUS_INSUFFICIENT_RESOURCES : Status;
}

static NTSTATUS TryRegion(VOID)
{
    NTSTATUS(NTAPI * allocate)
    (HANDLE, PVOID *, ULONG_PTR, PSIZE_T, ULONG, ULONG) = TestRoutine(L"ZwAllocateVirtualMemory");
    NTSTATUS(NTAPI * free)
    (HANDLE, PVOID *, PSIZE_T, ULONG) = TestRoutine(L"ZwFreeVirtualMemory");
    PVOID base = NULL;
    SIZE_T size = PAGE_SIZE;
    NTSTATUS status =
        allocate(ZwCurrentProcess(), &base, 0, &size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);

    size = 0;
    if (NT_SUCCESS(status))
        free(ZwCurrentProcess(), &base, &size, MEM_RELEASE);
    return NoMemory(status);
}

static NTSTATUS TryMapped(PVOID Address)
{
    if (Address != NULL)
        MmUnmapIoSpace(Address, PAGE_SIZE);
    return TestMade(Address);
}

static NTSTATUS TryIoSpace(VOID)
{
    PVOID registers = TestFind(TestKindEdu, 0)->Registers;

    return TryMapped(MmMapIoSpace(MmGetPhysicalAddress(registers), PAGE_SIZE, MmNonCached));
}

static NTSTATUS TryIoSpaceEx(VOID)
{
    PVOID(NTAPI * map)(PHYSICAL_ADDRESS, SIZE_T, ULONG) = TestRoutine(L"MmMapIoSpaceEx");
    PVOID registers = TestFind(TestKindEdu, 0)->Registers;

    return TryMapped(
        map(MmGetPhysicalAddress(registers), PAGE_SIZE, PAGE_READWRITE | PAGE_NOCACHE));
}

/* Pages without addresses, and a mapping of them. */
static PMDL Pages(VOID)
{
    PHYSICAL_ADDRESS low = {.QuadPart = 0}, high = {.QuadPart = MAXLONGLONG};

    return MmAllocatePagesForMdl(low, high, low, PAGE_SIZE);
}

static NTSTATUS FreePages(PMDL Mdl, NTSTATUS Status)
{
    if (Mdl != NULL) {
        MmFreePagesFromMdl(Mdl);
        ExFreePool(Mdl);
    }
    return Status;
}

static NTSTATUS TryPages(VOID)
{
    PMDL mdl = Pages();

    return FreePages(mdl, TestMade(mdl));
}

static NTSTATUS TryView(VOID)
{
    PMDL mdl = Pages();
    PVOID view;

    if (mdl == NULL)
        return STATUS_SUCCESS; /* the one allocation that fails was not the view's */
    view = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    if (view != NULL)
        MmUnmapLockedPages(view, mdl);
    return FreePages(mdl, TestMade(view));
}

static NTSTATUS TryRanges(VOID)
{
    PHYSICAL_MEMORY_RANGE *ranges = MmGetPhysicalMemoryRanges();

    if (ranges != NULL)
        ExFreePool(ranges);
    return TestMade(ranges);
}

VOID StepShortage(VOID)
{
    static const TEST_ATTEMPT attempts[] = {
        {"ZwOpenEvent without memory gives STATUS_INSUFFICIENT_RESOURCES", TryOpenEvent},
        {"ObOpenObjectByPointer without memory gives STATUS_INSUFFICIENT_RESOURCES", TryOpenObject},
        {"ZwCreateEvent without memory gives STATUS_INSUFFICIENT_RESOURCES", TryCreateEvent},
        {"ZwOpenProcessToken without memory gives STATUS_INSUFFICIENT_RESOURCES", TryToken},
        {"ZwOpenProcessTokenEx without memory gives STATUS_INSUFFICIENT_RESOURCES", TryTokenEx},
        {"ZwSetSecurityObject without memory gives STATUS_INSUFFICIENT_RESOURCES", TrySecurity},
        {"ZwAllocateVirtualMemory without memory gives STATUS_INSUFFICIENT_RESOURCES", TryRegion},
        {"MmMapIoSpace without memory gives NULL", TryIoSpace},
        {"MmMapIoSpaceEx without memory gives NULL", TryIoSpaceEx},
        {"MmAllocatePagesForMdl without memory for the MDL gives NULL", TryPages},
        {"MmMapLockedPagesSpecifyCache without memory gives NULL", TryView},
        {"MmGetPhysicalMemoryRanges without memory gives NULL", TryRanges},
    };

    KtapBegin(&TestReport);
    TestAttempts(attempts, sizeof(attempts) / sizeof(attempts[0]));
    KtapEnd(&TestReport);
}

VOID EntryShortage(VOID)
{
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &EventName, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE)))
        Event = NULL;
}

VOID UnloadingShortage(VOID)
{
    if (Event != NULL)
        ZwClose(Event);
}
