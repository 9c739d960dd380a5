/*
 * two-lines.c - conformance of the line-based connect where a device has several lines.
 *
 * No PCI function has more than one. So the driver, as a filter of requirements may, adds to the
 * second device's list the line of the first: the second is assigned both, and the first, whose
 * driver it is, too, can raise the line that is not the second's own.
 */
#include "suite.h"

#define QUIET_MS 5

static TEST_CONNECTION Connection, Other;
static PTEST_DEVICE First, Second;
static ULONG FirstLine;

/* ---- requirements --------------------------------------------------------------------------- */

static PIO_RESOURCE_DESCRIPTOR FindLine(PIO_RESOURCE_LIST List)
{
    ULONG i;

    for (i = 0; i < List->Count; i++)
        if (List->Descriptors[i].Type == CmResourceTypeInterrupt &&
            (List->Descriptors[i].Flags & CM_RESOURCE_INTERRUPT_MESSAGE) == 0)
            return &List->Descriptors[i];
    return NULL;
}

/* One alternative list, with a copy of its line at the end, which names FirstLine. */
static VOID AddLine(PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    PIO_RESOURCE_REQUIREMENTS_LIST old = *List, wider;
    ULONG size = old->ListSize + sizeof(IO_RESOURCE_DESCRIPTOR);
    PIO_RESOURCE_DESCRIPTOR line = FindLine(old->List), added;

    if (line == NULL || old->AlternativeLists != 1)
        return;
    wider = ExAllocatePoolWithTag(PagedPool, size, TEST_TAG);
    if (wider == NULL)
        return;
    RtlCopyMemory(wider, old, old->ListSize);
    wider->ListSize = size;
    added = &wider->List[0].Descriptors[0] + wider->List[0].Count++;
    *added = *line;
    added->Option = 0;
    added->u.Interrupt.MinimumVector = added->u.Interrupt.MaximumVector = FirstLine;
    ExFreePool(old);
    *List = wider;
}

static VOID Filter(PTEST_DEVICE Device, PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    PIO_RESOURCE_DESCRIPTOR line = *List != NULL ? FindLine((*List)->List) : NULL;

    if (line == NULL)
        return;
    if (First == NULL) {
        First = Device;
        FirstLine = line->u.Interrupt.MinimumVector;
    } else {
        Second = Device;
        AddLine(List);
    }
}

/* ---- cases ---------------------------------------------------------------------------------- */

/* Both devices are served by the one routine, whichever asked. */
static BOOLEAN BothBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    BOOLEAN first = TestAcknowledge(First), second = TestAcknowledge(Second);

    UNREFERENCED_PARAMETER(C);
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    return first || second;
}

static VOID ExpectServed(PTEST_DEVICE Raised, ULONG Irql, PCSTR Name)
{
    TestResetCounts(&Connection);
    TestRaise(Raised, 0);
    Expect(TestWaitCalls(&Connection, 1) && Connection.Claims == 1, Name);
    ExpectEqual(Connection.Irql, Irql,
                "CIE-LINE-15, CIE-LINE-5 all lines at one synchronisation IRQL");
}

static VOID ExpectSilent(PTEST_DEVICE Raised, PCSTR Name)
{
    TestResetCounts(&Connection);
    TestRaise(Raised, 0);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection.Calls, 0, Name);
    TestAcknowledge(Raised);
}

static VOID CheckBoth(KIRQL Floor, ULONG Irql)
{
    static KSPIN_LOCK lock;

    KeInitializeSpinLock(&lock);
    TestPrepareLine(&Connection, Second);
    LINE(&Connection).SynchronizeIrql = Floor;
    LINE(&Connection).SpinLock = &lock;
    Connection.Body = BothBody;
    if (!TestConnectOrFail(&Connection, "CIE-LINE-15 a device with two lines connects"))
        return;
    ExpectServed(Second, Irql,
                 "CIE-LINE-2, CIE-LINE-3, CIE-LINE-15 the routine serves the device's first line");
    ExpectServed(First, Irql, "CIE-LINE-3, CIE-LINE-15 and its second line");
    TestGoTo(TestOtherProcessor(Connection.Processor));
    TestResetCounts(&Connection);
    ExpectEqual((ULONG)TestCallsUnderLock(&Connection, Connection.Object, 0, QUIET_MS), 0,
                "CIE-LINE-15 the object stored stands for the lock of all");
    TestWaitCalls(&Connection, 1);
    TestAnywhere();
    TestDisconnect(&Connection);
    ExpectSilent(Second, "DIS-12, CIE-LINE-15 the one pointer disconnects the first line");
    ExpectSilent(First, "DIS-12, CIE-LINE-15 and the second");
}

/* The second line is taken and not shared: the call fails, and the first is free again. */
static VOID CheckUndo(VOID)
{
    TestPrepareFull(&Other, First, 0);
    FULL(&Other).ShareVector = FALSE;
    if (!TestConnectOrFail(&Other, "CIE-LINE-15 the second line connects unshared"))
        return;
    TestPrepareLine(&Connection, Second);
    TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
               "CIE-LINE-15, CIE-FULL-29 a line that cannot connect fails the whole call");
    TestPrepareFull(&Connection, Second, 0);
    FULL(&Connection).ShareVector = FALSE;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "CIE-LINE-15, CIE-STAT-6 the line that had connected was undone: it is free");
    TestDisconnect(&Connection);
    TestDisconnect(&Other);
}

/* Separate routines for separate lines are made by Version 1. */
static VOID CheckSeparate(VOID)
{
    TestPrepareFull(&Connection, Second, 0);
    TestPrepareFull(&Other, Second, 1);
    Other.Body = BothBody;
    if (TestConnectOrFail(&Connection, "CIE-LINE-11 one of two lines connects by Version 1") &&
        TestConnectOrFail(&Other, "CIE-LINE-11, CIE-GEN-12 so does the other")) {
        TestRaise(First, 0);
        Expect(TestWaitCalls(&Other, 1) && Connection.Calls == 0,
               "CIE-LINE-11, CIE-GEN-12 by Version 1 each line has a routine of its own");
    }
    TestDisconnect(&Other);
    TestDisconnect(&Connection);
}

static VOID Run(VOID)
{
    KIRQL level;

    Expect(First != NULL && Second != NULL && Second->InterruptCount == 2 && TestIsLine(Second),
           "CIE-LINE-15 a device has been assigned two lines");
    if (First == NULL || Second == NULL || Second->InterruptCount != 2)
        return;
    level = (KIRQL)Second->Translated[0]->u.Interrupt.Level;
    if (Second->Translated[1]->u.Interrupt.Level > level)
        level = (KIRQL)Second->Translated[1]->u.Interrupt.Level;
    CheckBoth(0, level);
    CheckBoth(level + 1, level + 1u);
    CheckUndo();
    CheckSeparate();
}

const TEST_GROUP TestGroup = {.Run = Run, .Filter = Filter};
