/*
 * resources.c - conformance of resource lists: what a device is given, what it asks for, how its
 * driver and its registry change that.
 */
#include "resources.h"

PIO_RESOURCE_REQUIREMENTS_LIST Asked[KINDS];
BOOLEAN AskedNothing;
static CHANGE Wanted;
static PTEST_DEVICE WantedFor;
static ULONG FilterIrql, FilterCalls, FilterAfterStart;

PIO_RESOURCE_LIST NextList(PIO_RESOURCE_LIST List)
{
    PIO_RESOURCE_DESCRIPTOR descriptors = List->Descriptors;

    return (PIO_RESOURCE_LIST)(descriptors + List->Count);
}

PLAG_INTERRUPT_REQUIREMENT InterruptOf(PIO_RESOURCE_LIST List, ULONG Index)
{
    PIO_RESOURCE_DESCRIPTOR descriptor = List->Descriptors;
    ULONG i;

    for (i = 0; i < List->Count; i++, descriptor++)
        if (descriptor->Type == CmResourceTypeInterrupt && Index-- == 0)
            return (PLAG_INTERRUPT_REQUIREMENT)descriptor;
    return NULL;
}

ULONG InterruptsOf(PIO_RESOURCE_LIST List)
{
    ULONG count = 0;

    while (InterruptOf(List, count) != NULL)
        count++;
    return count;
}

VOID Replace(PIO_RESOURCE_REQUIREMENTS_LIST *List, PIO_RESOURCE_LIST Alternative, ULONG Interrupts)
{
    PIO_RESOURCE_DESCRIPTOR from = Alternative->Descriptors, to;
    PIO_RESOURCE_REQUIREMENTS_LIST list;
    ULONG i, others = Alternative->Count - InterruptsOf(Alternative), size;

    size = FIELD_OFFSET(IO_RESOURCE_REQUIREMENTS_LIST, List[0].Descriptors) +
           (others + Interrupts) * sizeof(*to);
    list = ExAllocatePoolWithTag(PagedPool, size, TEST_TAG);
    if (list == NULL)
        return;
    RtlCopyMemory(list, *List, FIELD_OFFSET(IO_RESOURCE_REQUIREMENTS_LIST, List));
    list->ListSize = size;
    list->AlternativeLists = 1;
    list->List[0].Version = list->List[0].Revision = 1;
    list->List[0].Count = others + Interrupts;
    to = list->List[0].Descriptors;
    for (i = 0; i < Alternative->Count; i++, from++)
        if (from->Type != CmResourceTypeInterrupt)
            *to++ = *from;
    for (i = 0; i < Interrupts; i++)
        RtlCopyMemory(to++, InterruptOf(Alternative, 0), sizeof(*to));
    ExFreePool(*List); /* RES-FLT-4 */
    *List = list;
}

static VOID Filter(PTEST_DEVICE Device, PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    FilterCalls++;
    FilterIrql |= KeGetCurrentIrql();
    FilterAfterStart += Device->Started;
    if (Asked[Device->Kind] != NULL)
        ExFreePoolWithTag(Asked[Device->Kind], TEST_TAG);
    Asked[Device->Kind] = NULL;
    if (*List == NULL) {
        AskedNothing = TRUE;
        return;
    }
    Asked[Device->Kind] = ExAllocatePoolWithTag(NonPagedPool, (*List)->ListSize, TEST_TAG);
    if (Asked[Device->Kind] != NULL)
        RtlCopyMemory(Asked[Device->Kind], *List, (*List)->ListSize);
    if (Device == WantedFor && Wanted != NULL)
        Wanted(List);
}

BOOLEAN RestartWith(PTEST_DEVICE Device, CHANGE Change)
{
    Wanted = Change;
    WantedFor = Device;
    return TestRestart(Device);
}

static BOOLEAN HasMessages(VOID)
{
    RTL_OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof(version)};

    RtlGetVersion(&version);
    return version.dwMajorVersion >= 6;
}

static VOID CheckOlder(VOID)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next)
        Expect(device->InterruptCount == 0 || TestIsLine(device),
               "RES-MSI-2 before Vista a device gets its line, whatever its registry says");
}

/* The INF does not name MSISupported. */
static VOID CheckLinesOnly(PTEST_DEVICE Edu)
{
    PTEST_DEVICE rocker = TestFind(TestKindRocker, 0);

    Expect(TestIsLine(Edu), "RES-REG-1 without MSISupported a device gets its line");
    Expect(rocker != NULL && rocker->InterruptCount == 0,
           "RES-REG-1 and nothing if it has none, but it is started");
}

static VOID Free(VOID)
{
    ULONG i;

    for (i = 0; i < KINDS; i++) {
        if (Asked[i] != NULL)
            ExFreePoolWithTag(Asked[i], TEST_TAG);
        Asked[i] = NULL;
    }
}

static VOID Run(VOID)
{
    PTEST_DEVICE device, edu = TestFind(TestKindEdu, 0), bridge = TestFind(TestKindOther, 0);

    Expect(FilterCalls != 0 && FilterAfterStart == 0,
           "RES-FLT-1 requirements are filtered after AddDevice and before the start");
    ExpectEqual(FilterIrql, PASSIVE_LEVEL, "RES-FLT-1 at PASSIVE_LEVEL");
    Expect(Asked[TestKindEdu] != NULL,
           "RES-FLT-3 the list to filter is in IoStatus.Information when the bus has completed it");
    CheckLayouts();
    for (device = TestDevices; device != NULL; device = device->Next)
        CheckLists(device);
    if (!HasMessages()) {
        CheckOlder();
    } else if (TestIsLine(edu)) {
        CheckLinesOnly(edu);
        CheckRegistry(edu);
    } else {
        CheckKinds();
        CheckWithout(bridge);
        CheckAsked();
        CheckRequests(edu);
        CheckCounts();
        CheckPolicies(TestFind(TestKindRocker, 0));
        CheckMove(TestFind(TestKindEdu, 0));
        CheckRegistry(edu);
    }
    Free();
}

/* So many stops and starts; what is left of vectors is counted outside. */
static VOID Step(ULONG Number)
{
    PTEST_DEVICE device = TestFind(TestKindNvme, 0);
    ULONG good = 0, i;

    if (device == NULL)
        device = TestFind(TestKindRocker, 0);
    for (i = 0; i < Number; i++)
        good += TestRestart(device);
    ExpectEqual(good, Number, "HW-72, RES-START-6 a device is stopped and started again and again");
}

const TEST_GROUP TestGroup = {
    .Run = Run, .Step = Step, .Filter = Filter, .Removing = MovedStops, .Started = MovedStarts};
