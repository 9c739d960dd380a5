/*
 * changed.c - requirements that the driver changes: numbers of messages, kinds, policies.
 *
 * Each case restarts the device, which is a rebalance as far as a driver can see: stop, another
 * assignment, start.
 */
#include "resources.h"

#define TOKEN 0xFFFFFFFEu

static USHORT Policy;
static ULONG Priority;
static KAFFINITY Targets;
static USHORT Group;
static USHORT PolicyFlag;
static BOOLEAN EachItsOwn; /* message i: processor i */

/* ---- numbers -------------------------------------------------------------------------------- */

static VOID FourOfMsi(PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    InterruptOf((*List)->List, 0)->MinimumVector = TOKEN - 4 + 1;
}

static VOID ThreeOfMsi(PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    Replace(List, (*List)->List, 1);
    InterruptOf((*List)->List, 0)->MinimumVector = TOKEN - 3 + 1;
}

static VOID TwoOfMsix(PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    Replace(List, (*List)->List, 2);
}

static VOID ThreeOfMsix(PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    Replace(List, NextList((*List)->List), 3); /* from the alternative with one */
}

static VOID TooMany(PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    Replace(List, (*List)->List, 2049);
}

static VOID LineOnly(PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    PIO_RESOURCE_LIST last = (*List)->List;
    ULONG i;

    for (i = 1; i < (*List)->AlternativeLists; i++)
        last = NextList(last);
    Replace(List, last, 1);
}

/* One list: a message that cannot be had or, as its alternative, the line. */
static VOID AlternativeLine(PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    PLAG_INTERRUPT_REQUIREMENT line, first, second;
    LAG_INTERRUPT_REQUIREMENT copy;

    line = InterruptOf(NextList((*List)->List), 0);
    copy = *line;
    Replace(List, (*List)->List, 2);
    first = InterruptOf((*List)->List, 0);
    second = InterruptOf((*List)->List, 1);
    first->MinimumVector = TOKEN - 8 + 1; /* the device has one */
    *second = copy;
    second->Option = IO_RESOURCE_ALTERNATIVE;
}

VOID CheckCounts(VOID)
{
    PTEST_DEVICE xhci = TestFind(TestKindXhci, 0), rocker = TestFind(TestKindRocker, 0);
    PTEST_DEVICE edu = TestFind(TestKindEdu, 0), nvme = TestFind(TestKindNvme, 0);
    static TEST_CONNECTION connection;
    ULONG starts = xhci->Starts;

    Expect(RestartWith(xhci, FourOfMsi) && TestMessageCount(xhci) == 4,
           "RES-IO-7, RES-FLT-4 a driver that raises MinimumVector in place gets 4 of 16 messages");
    Expect(xhci->Starts == starts + 1 && xhci->InterruptCount == 1,
           "RES-START-6, PNP-6, RES-QRR-1 it was stopped and started with another assignment");
    ExpectEqual(xhci->Translated[0]->u.MessageInterrupt.Translated.Vector % 4, 0,
                "RES-MSI-11, HW-60 the block of 4 is aligned to 4");
    Expect(RestartWith(xhci, ThreeOfMsi) && TestMessageCount(xhci) == 1,
           "RES-MSI-6, HW-60, HW-61 a number of MSI messages that is no power of two: one message");
    Expect(
        RestartWith(rocker, TwoOfMsix) && rocker->InterruptCount == 2,
        "RES-IO-8, RES-FLT-4 a driver that removes descriptors, in another list, gets 2 messages");
    Expect(RestartWith(rocker, ThreeOfMsix) && rocker->InterruptCount == 3,
           "RES-IO-8, RES-IO-9 one that adds descriptors gets as many, and they reach its start");
    TestPrepareFull(&connection, rocker, 2);
    if (TestConnectOrFail(&connection, "RES-IO-9 an added message connects")) {
        TestExpectCall(&connection, 2, FULL(&connection).Irql, "RES-IO-9 and is delivered");
        TestDisconnect(&connection);
    }
    Expect(RestartWith(nvme, TooMany) && nvme->InterruptCount == 1,
           "RES-MSI-5, RES-MSI-6, RES-REG-2 more than 2,048 messages: one is given");
    Expect(RestartWith(edu, LineOnly) && TestIsLine(edu),
           "RES-FLT-9 a driver that removes its messages gets the line");
    TestPrepareLine(&connection, edu);
    if (TestConnectOrFail(&connection, "RES-FLT-9 to which it can connect")) {
        TestExpectCall(&connection, 0, TestLevel(edu), "RES-FLT-9 and which works");
        TestDisconnect(&connection);
    }
    Expect(RestartWith(edu, AlternativeLine) && TestIsLine(edu),
           "RES-IO-4, RES-IO-5 where a descriptor cannot be had its alternative is taken");
    Expect(RestartWith(edu, NULL) && TestIsMessage(edu),
           "RES-START-6 unfiltered it gets its message again");
    Expect(RestartWith(xhci, NULL) && TestMessageCount(xhci) == 16, "RES-START-6 and 16 of 16");
    Expect(RestartWith(nvme, NULL), "RES-START-6 and a device with a table of 65 starts");
}

/* ---- policies ------------------------------------------------------------------------------- */

static VOID SetPolicy(PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    PIO_RESOURCE_LIST list = (*List)->List;
    ULONG i, j;

    for (i = 0; i < (*List)->AlternativeLists; i++, list = NextList(list))
        for (j = 0; j < InterruptsOf(list); j++) {
            PLAG_INTERRUPT_REQUIREMENT interrupt = InterruptOf(list, j);

            interrupt->Flags = (USHORT)(interrupt->Flags | PolicyFlag);
            interrupt->AffinityPolicy = Policy;
            interrupt->Group = Group;
            interrupt->PriorityPolicy = Priority;
            interrupt->TargetedProcessors =
                EachItsOwn ? (KAFFINITY)1 << j % TestProcessors() : Targets;
        }
}

static BOOLEAN RestartPolicy(PTEST_DEVICE Device, USHORT NewPolicy, KAFFINITY NewTargets,
                             ULONG NewPriority)
{
    Policy = NewPolicy;
    Targets = NewTargets;
    Priority = NewPriority;
    return RestartWith(Device, SetPolicy);
}

static KAFFINITY Union(PTEST_DEVICE Device)
{
    KAFFINITY set = 0;
    ULONG i;

    for (i = 0; i < Device->InterruptCount; i++)
        set |= Device->Translated[i]->u.MessageInterrupt.Translated.Affinity;
    return set;
}

static BOOLEAN LevelsAre(PTEST_DEVICE Device, ULONG Low, ULONG High)
{
    ULONG i, wrong = 0;

    for (i = 0; i < Device->InterruptCount; i++) {
        ULONG level = Device->Translated[i]->u.MessageInterrupt.Translated.Level;

        wrong += level < Low || level > High;
    }
    return wrong == 0;
}

static VOID CheckPriorities(PTEST_DEVICE Device)
{
    Expect(RestartPolicy(Device, LagPolicyMachineDefault, 0, LagPriorityLow) &&
               LevelsAre(Device, 3, 5),
           "RES-IO-12, RES-IO-18, RES-IO-19, RES-IO-20 low priority: a level of 3 to 5");
    Expect(RestartPolicy(Device, LagPolicyMachineDefault, 0, LagPriorityNormal) &&
               LevelsAre(Device, 6, 8),
           "RES-IO-18, RES-IO-20 normal priority: 6 to 8");
    Expect(RestartPolicy(Device, LagPolicyMachineDefault, 0, LagPriorityHigh) &&
               LevelsAre(Device, 9, 11),
           "RES-IO-18, RES-IO-19, RES-IO-20 high priority: 9 to 11");
    Expect(RestartPolicy(Device, LagPolicyMachineDefault, 0, LagPriorityUndefined) &&
               LevelsAre(Device, 6, 8),
           "RES-IO-18, RES-IO-20 no priority: 6 to 8");
    PolicyFlag = 0;
    Expect(RestartPolicy(Device, LagPolicySpecifiedProcessors, 2, LagPriorityHigh) &&
               LevelsAre(Device, 6, 8),
           "RES-IO-14, RES-IO-11 without POLICY_INCLUDED the policy members are not read");
    PolicyFlag = CM_RESOURCE_INTERRUPT_POLICY_INCLUDED;
}

VOID CheckPolicies(PTEST_DEVICE Device)
{
    ULONG last = TestProcessors() - 1, i, own = 0;
    KAFFINITY all = ActiveProcessors(), target = (KAFFINITY)1 << last;

    PolicyFlag = CM_RESOURCE_INTERRUPT_POLICY_INCLUDED;
    CheckPriorities(Device);
    Expect(RestartPolicy(Device, LagPolicySpecifiedProcessors, target, 0) &&
               Union(Device) == target,
           "RES-IO-11, RES-IO-12, RES-IO-18 policy 4: the processors that are named");
    Expect(RestartPolicy(Device, LagPolicySpreadMessages, 0, 0) && Union(Device) == (all & 0xF),
           "RES-IO-18, RES-MSIX-13 policy 5: four messages on as many processors as there are");
    Group = 0xFFFF;
    Expect(RestartPolicy(Device, LagPolicySpecifiedProcessors, target, 0) &&
               Device->InterruptCount == 4 && (last == 0 || Union(Device) != target),
           "RES-IO-13 targets with ALL_PROCESSOR_GROUPS are ignored");
    Group = 0;
    EachItsOwn = TRUE;
    RestartPolicy(Device, LagPolicySpecifiedProcessors, 0, 0);
    for (i = 0; i < Device->InterruptCount; i++)
        own += Device->Translated[i]->u.MessageInterrupt.Translated.Affinity ==
               (KAFFINITY)1 << i % TestProcessors();
    ExpectEqual(own, 4, "RES-IO-10 MSI-X messages have an affinity each of their own");
    if (last >= 1)
        ExpectEqual(Device->Translated[1]->u.MessageInterrupt.Translated.Affinity, 2,
                    "TC-42, RES-IO-12, RES-IO-13 policy 4 with mask 2 for descriptor 1");
    else
        ExpectSkip("TC-42, RES-IO-12, RES-IO-13 policy 4 with mask 2 for descriptor 1",
                   "one processor");
    EachItsOwn = FALSE;
    Expect(RestartPolicy(TestFind(TestKindXhci, 0), LagPolicySpecifiedProcessors, target, 0) &&
               Union(TestFind(TestKindXhci, 0)) == target,
           "RES-IO-10 MSI messages have one for all");
    Expect(RestartWith(Device, NULL) && Device->InterruptCount == 4, "a rocker starts as before");
}

/* ---- connected all the time ----------------------------------------------------------------- */

static PTEST_DEVICE Moved; /* connected again at each start */
static TEST_CONNECTION Before, After;
static BOOLEAN AfterConnects;

VOID MovedStops(PTEST_DEVICE Device)
{
    if (Device == Moved && Before.Object != NULL)
        TestDisconnect(&Before);
}

VOID MovedStarts(PTEST_DEVICE Device)
{
    if (Device != Moved)
        return;
    TestPrepareFull(&After, Device, 0);
    AfterConnects = NT_SUCCESS(TestConnect(&After));
}

static ULONG VectorOf(PTEST_DEVICE Device)
{
    return Device->Translated[0]->u.MessageInterrupt.Translated.Vector;
}

VOID CheckMove(PTEST_DEVICE Device)
{
    ULONG vector = VectorOf(Device);

    TestPrepareFull(&Before, Device, 0);
    if (!TestConnectOrFail(&Before, "TC-55 a message connects"))
        return;
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Before, 1), "TC-55 and is delivered");
    Moved = Device;
    PolicyFlag = CM_RESOURCE_INTERRUPT_POLICY_INCLUDED;
    Expect(RestartPolicy(Device, LagPolicyMachineDefault, 0, LagPriorityHigh) && AfterConnects &&
               VectorOf(Device) != vector,
           "TC-55, RES-START-6 disconnected at STOP it connects another vector at START");
    Moved = NULL;
    if (!AfterConnects)
        return;
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&After, 1), "TC-55, RES-START-6 which is delivered");
    ExpectEqual((ULONG)Before.Calls, 1, "TC-55, DIS-13 and the old routine is called no more");
    TestDisconnect(&After);
    Expect(RestartWith(Device, NULL) && TestIsMessage(Device),
           "TC-55, RES-START-6 and back to its message");
}
