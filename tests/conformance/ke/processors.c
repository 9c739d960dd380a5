/*
 * processors.c - threads and the processors they run on; processors that drivers are told of;
 * nodes.
 */
#include "ke.h"

#define ALL_GROUPS 0xFFFF
#define NO_PROCESSOR ((KAFFINITY)1 << 60)
#define NO_GROUP 77 /* more groups than any machine has */

/* Headers hide these from drivers that know of groups. */
NTKERNELAPI KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity);
NTKERNELAPI VOID NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity);
NTKERNELAPI KAFFINITY NTAPI KeQueryActiveProcessors(VOID);
NTKERNELAPI ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors);
NTKERNELAPI ULONG NTAPI KeQueryMaximumProcessorCount(VOID);

/* ---- affinity ------------------------------------------------------------------------------- */

static ULONG MoveAndReturn(VOID)
{
    ULONG i, wrong = 0, count = TestProcessors();
    KAFFINITY first, second;

    for (i = 0; i < count; i++) {
        first = KeSetSystemAffinityThreadEx((KAFFINITY)1 << i);
        wrong += first != 0 || TestCurrentProcessor() != i;
        second = KeSetSystemAffinityThreadEx((KAFFINITY)1 << (i + 1) % count);
        wrong += second != (KAFFINITY)1 << i || TestCurrentProcessor() != (i + 1) % count;
        KeRevertToUserAffinityThreadEx(second);
        wrong += TestCurrentProcessor() != i;
        KeRevertToUserAffinityThreadEx(first);
    }
    return wrong;
}

static VOID CheckAffinity(VOID)
{
    KAFFINITY active = KeQueryActiveProcessors(), old;
    ULONG other, at, after;
    KIRQL irql;

    ExpectEqual(MoveAndReturn(), 0,
                "KeSetSystemAffinityThreadEx returns 0 the first time, then the set before, which "
                "KeRevertToUserAffinityThreadEx restores; both have moved the thread on return");
    old = KeSetSystemAffinityThreadEx(1);
    ExpectEqual(KeSetSystemAffinityThreadEx(~active), 0,
                "a set without an active processor is not an affinity");
    ExpectEqual(TestCurrentProcessor(), 0, "and moves nothing");
    ExpectEqual(KeSetSystemAffinityThreadEx(active | NO_PROCESSOR), 0,
                "nor is one that has a processor which there is not");
    KeRevertToUserAffinityThreadEx(~active);
    TestPause(1);
    ExpectEqual(TestCurrentProcessor(), 0, "nor are they sets to go back to");
    ExpectEqual(KeSetSystemAffinityThreadEx(active), 1, "the set before is unchanged");
    KeRevertToUserAffinityThreadEx(old);
    if (TestProcessors() == 1) {
        ExpectSkip("at DISPATCH_LEVEL the thread moves later", "one processor");
        return;
    }
    old = KeSetSystemAffinityThreadEx(1);
    other = TestOtherProcessor(0);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeSetSystemAffinityThreadEx((KAFFINITY)1 << other);
    at = TestCurrentProcessor();
    KeLowerIrql(irql);
    after = TestCurrentProcessor();
    KeRevertToUserAffinityThreadEx(old);
    Expect(at == 0 && after == other, "at DISPATCH_LEVEL the thread moves when that is left");
}

/* Set and revert at DISPATCH_LEVEL: where the thread is inside, and after that is left. */
static VOID CheckGroupLater(VOID)
{
    GROUP_AFFINITY first = {.Mask = 1}, second = {0}, before, between;
    ULONG inside[2], after[2], other = TestOtherProcessor(0);
    KIRQL irql;

    if (other == 0) {
        ExpectSkip("KeSetSystemGroupAffinityThread at DISPATCH_LEVEL moves the thread later",
                   "one processor");
        return;
    }
    second.Mask = (KAFFINITY)1 << other;
    KeSetSystemGroupAffinityThread(&first, &before);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeSetSystemGroupAffinityThread(&second, &between);
    inside[0] = TestCurrentProcessor();
    KeLowerIrql(irql);
    after[0] = TestCurrentProcessor();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeRevertToUserGroupAffinityThread(&between);
    inside[1] = TestCurrentProcessor();
    KeLowerIrql(irql);
    after[1] = TestCurrentProcessor();
    KeRevertToUserGroupAffinityThread(&before);
    Expect(inside[0] == 0 && after[0] == other,
           "KeSetSystemGroupAffinityThread at DISPATCH_LEVEL moves the thread later");
    Expect(inside[1] == other && after[1] == 0,
           "KeRevertToUserGroupAffinityThread at DISPATCH_LEVEL moves the thread later");
}

static BOOLEAN Is(const GROUP_AFFINITY *Affinity, KAFFINITY Mask)
{
    return Affinity->Group == 0 && Affinity->Mask == Mask;
}

/* A set that is refused: nothing changes, and there is nothing to go back to. */
static BOOLEAN Refused(USHORT Group, KAFFINITY Mask)
{
    GROUP_AFFINITY wrong = {.Group = Group, .Mask = Mask}, previous = {.Group = 9, .Mask = 9};

    KeSetSystemGroupAffinityThread(&wrong, &previous);
    TestPause(1);
    return Is(&previous, 0) && TestCurrentProcessor() == 0;
}

static VOID CheckGroupAffinity(VOID)
{
    GROUP_AFFINITY first = {.Mask = 1}, second = {0}, before, between;
    ULONG last = TestProcessors() - 1, at;

    second.Mask = (KAFFINITY)1 << last;
    KeSetSystemGroupAffinityThread(&first, &before);
    Expect(Is(&before, 0) && TestCurrentProcessor() == 0,
           "KeSetSystemGroupAffinityThread moves the thread; there was no system affinity before");
    KeSetSystemGroupAffinityThread(&second, &between);
    at = TestCurrentProcessor();
    KeRevertToUserGroupAffinityThread(&between);
    Expect(Is(&between, 1) && at == last && TestCurrentProcessor() == 0,
           "then there was one, which KeRevertToUserGroupAffinityThread restores");
    Expect(Refused(NO_GROUP, 1), "a group that there is not is refused");
    Expect(Refused(0, 0), "no processor");
    Expect(Refused(0, KeQueryActiveProcessors() | NO_PROCESSOR), "and one that there is not");
    KeSetSystemGroupAffinityThread(&second, NULL);
    ExpectEqual(TestCurrentProcessor(), last, "the set before need not be asked for");
    KeRevertToUserGroupAffinityThread(&before);
    KeSetSystemGroupAffinityThread(&first, &between);
    KeRevertToUserGroupAffinityThread(&between);
    Expect(Is(&between, 0), "going back to none leaves none");
}

/* Without a system affinity there is nothing to revert from; once reverted neither. */
static VOID CheckReverts(VOID)
{
    KAFFINITY last = (KAFFINITY)1 << (TestProcessors() - 1);
    GROUP_AFFINITY set = {.Mask = 1}, none = {0}, to = {.Mask = last}, before;

    KeRevertToUserAffinityThreadEx(last);
    ExpectEqual(KeSetSystemAffinityThreadEx(1), 0,
                "KeRevertToUserAffinityThreadEx has no effect before an affinity is set");
    KeRevertToUserAffinityThread();
    KeRevertToUserGroupAffinityThread(&to);
    KeSetSystemGroupAffinityThread(&set, &before);
    Expect(Is(&before, 0), "nor has KeRevertToUserGroupAffinityThread after all is reverted");
    to.Group = NO_GROUP;
    KeRevertToUserGroupAffinityThread(&to);
    to.Group = 0;
    to.Mask = last | NO_PROCESSOR;
    KeRevertToUserGroupAffinityThread(&to);
    KeSetSystemGroupAffinityThread(&set, &before);
    Expect(Is(&before, 1) && TestCurrentProcessor() == 0,
           "nor has it for a group or a processor that there is not");
    KeRevertToUserGroupAffinityThread(&none);
    KeSetSystemAffinityThread(last);
    ExpectEqual(TestCurrentProcessor(), TestProcessors() - 1,
                "KeSetSystemAffinityThread has moved the thread on return");
    KeRevertToUserAffinityThread();
    ExpectEqual(KeSetSystemAffinityThreadEx(1), 0,
                "KeRevertToUserAffinityThread leaves no system affinity");
    KeRevertToUserAffinityThread();
}

/* ---- base priority -------------------------------------------------------------------------- */

static VOID CheckBasePriority(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    KPRIORITY before = KeQueryPriorityThread(self), base;
    LONG old = KeSetBasePriorityThread(self, 0);

    base = KeQueryPriorityThread(self);
    ExpectEqual((ULONG)KeSetBasePriorityThread(self, 2), 0,
                "KeSetBasePriorityThread returns the increment before");
    ExpectEqual((ULONG)KeQueryPriorityThread(self), (ULONG)base + 2,
                "its increment is relative to the process");
    ExpectEqual((ULONG)KeSetBasePriorityThread(self, -2), 2, "it may be negative");
    ExpectEqual((ULONG)KeQueryPriorityThread(self), (ULONG)base - 2, "for a lower priority");
    ExpectEqual((ULONG)KeSetBasePriorityThread(self, 40), (ULONG)-2, "or too great");
    ExpectEqual((ULONG)KeQueryPriorityThread(self), LOW_REALTIME_PRIORITY - 1,
                "the priority stays below the real-time ones");
    KeSetBasePriorityThread(self, -40);
    ExpectEqual((ULONG)KeQueryPriorityThread(self), 1, "and above that of the idle thread");
    KeSetBasePriorityThread(self, old);
    KeSetPriorityThread(self, before);
}

static VOID CheckPriorities(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    KPRIORITY before = KeQueryPriorityThread(self), priority, last = before;
    ULONG wrong = 0;

    for (priority = 1; priority <= HIGH_PRIORITY; priority++) {
        wrong += KeSetPriorityThread(self, priority) != last;
        wrong += KeQueryPriorityThread(self) != priority;
        last = priority;
    }
    KeSetPriorityThread(self, before);
    ExpectEqual(wrong, 0, "KeQueryPriorityThread tells what KeSetPriorityThread has set, up to 31");
}

static volatile LONG Here, Turns;
static KEVENT Go;

static VOID TakeTurns(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Here = 1;
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
    Turns = 1;
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
    Turns = 2;
}

/* On one processor: a thread of lower priority, ready to go on, does so when this one lets it. */
static VOID CheckLowered(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    LONG ready, lowered, again, raised;
    TEST_THREAD thread;
    KPRIORITY before;

    Here = Turns = 0;
    KeInitializeEvent(&Go, SynchronizationEvent, FALSE);
    TestGoTo(0);
    before = KeSetPriorityThread(self, KE_HIGH);
    if (!TestThreadStart(&thread, 0, TakeTurns, NULL))
        return;
    while (Here == 0)
        TestPause(1);
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    ready = Turns;
    KeSetPriorityThread(self, 1);
    lowered = Turns;
    KeSetPriorityThread(self, KE_HIGH);
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    again = Turns;
    KeSetPriorityThread((PKTHREAD)thread.Object, KE_HIGH + 1);
    raised = Turns;
    TestThreadJoin(&thread);
    KeSetPriorityThread(self, before);
    TestAnywhere();
    Expect(ready == 0 && lowered == 1,
           "KeSetPriorityThread to a lower priority lets a thread run that has a higher one");
    Expect(again == 1 && raised == 2,
           "KeSetPriorityThread of another thread to a higher one lets that run");
}

/* ---- change callbacks ----------------------------------------------------------------------- */

#define PROCESSORS_MAX 64

typedef struct _CHANGES {
    ULONG Starts, Completes, Failures, Wrong;
    ULONG Refuse; /* which start is refused, from 1 */
    UCHAR Failed[PROCESSORS_MAX];
} CHANGES, *PCHANGES;

static VOID NTAPI Changed(PVOID Context, PKE_PROCESSOR_CHANGE_NOTIFY_CONTEXT Change,
                          PNTSTATUS OperationStatus)
{
    PCHANGES changes = Context;
    ULONG *count = Change->State == KeProcessorAddStartNotify      ? &changes->Starts
                   : Change->State == KeProcessorAddCompleteNotify ? &changes->Completes
                                                                   : &changes->Failures;

    changes->Wrong += KeGetCurrentIrql() != PASSIVE_LEVEL || Change->ProcNumber.Group != 0 ||
                      Change->ProcNumber.Number != Change->NtNumber || Change->NtNumber != *count;
    if (Change->State == KeProcessorAddFailureNotify)
        changes->Failed[Change->NtNumber % PROCESSORS_MAX] = TRUE;
    else
        changes->Wrong += Change->Status != STATUS_SUCCESS || *OperationStatus != STATUS_SUCCESS;
    ++*count;
    if (Change->State == KeProcessorAddStartNotify && *count == changes->Refuse)
        *OperationStatus = STATUS_INSUFFICIENT_RESOURCES;
}

static VOID CheckChanges(VOID)
{
    static CHANGES changes, other;
    ULONG count = TestProcessors();
    PVOID handle = KeRegisterProcessorChangeCallback(Changed, &changes, 0);

    Expect(handle != NULL && changes.Starts + changes.Completes + changes.Failures == 0,
           "KeRegisterProcessorChangeCallback tells nothing of the processors that there are");
    KeDeregisterProcessorChangeCallback(handle);
    handle = KeRegisterProcessorChangeCallback(Changed, &changes, KE_PROCESSOR_CHANGE_ADD_EXISTING);
    Expect(handle != NULL && changes.Starts == count && changes.Completes == count &&
               changes.Failures == 0,
           "unless asked to: each is announced, then each is confirmed");
    KeDeregisterProcessorChangeCallback(handle);
    handle = KeRegisterProcessorChangeCallback(Changed, &other, KE_PROCESSOR_CHANGE_ADD_EXISTING);
    KeDeregisterProcessorChangeCallback(handle);
    Expect(other.Completes == count && changes.Completes == count,
           "KeDeregisterProcessorChangeCallback: it is not called any more when others are");
    ExpectEqual(changes.Wrong, 0, "at PASSIVE_LEVEL, with number and status");
    RtlZeroMemory(&changes, sizeof(changes));
    changes.Refuse = count;
    handle = KeRegisterProcessorChangeCallback(Changed, &changes, KE_PROCESSOR_CHANGE_ADD_EXISTING);
    Expect(handle == NULL, "a callback that refuses a processor is not registered");
    Expect(changes.Starts == count && changes.Completes == 0 && changes.Failures == count - 1 &&
               changes.Wrong == 0 && !changes.Failed[count - 1],
           "it is told of the failure for each that it had accepted, and for that one not");
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* Index, group and number of one processor agree, whichever way they are asked for. */
static BOOLEAN Agree(ULONG Index)
{
    PROCESSOR_NUMBER number, current;

    TestGoTo(Index);
    return KeGetProcessorNumberFromIndex(Index, &number) == STATUS_SUCCESS &&
           KeGetCurrentProcessorNumberEx(&current) == Index && number.Group == current.Group &&
           number.Number == current.Number && KeGetProcessorIndexFromNumber(&number) == Index;
}

static VOID CheckIndices(VOID)
{
    PROCESSOR_NUMBER number = {.Group = NO_GROUP};
    ULONG i, wrong = 0;

    for (i = 0; i < TestProcessors(); i++)
        wrong += !Agree(i);
    TestAnywhere();
    ExpectEqual(wrong, 0, "a processor's index gives its group and number, and back");
    ExpectStatus(KeGetProcessorNumberFromIndex(KeQueryMaximumProcessorCountEx(ALL_GROUPS), &number),
                 STATUS_INVALID_PARAMETER, "an index that there is not has none");
    number.Group = NO_GROUP;
    ExpectEqual(KeGetProcessorIndexFromNumber(&number), MAXULONG,
                "a group that there is not has no index");
    number.Group = 0;
    number.Number = 63;
    ExpectEqual(KeGetProcessorIndexFromNumber(&number), MAXULONG, "nor has a number");
}

/* At the highest IRQL: these may be asked at any. */
static VOID CheckCounts(VOID)
{
    ULONG count, all, group, nobody, most;
    KAFFINITY set = 0, own, none;
    USHORT groups, possible;
    KIRQL irql;

    KeRaiseIrql(HIGH_LEVEL, &irql);
    count = KeQueryActiveProcessorCount(&set);
    all = KeQueryActiveProcessorCountEx(ALL_GROUPS);
    group = KeQueryActiveProcessorCountEx(0);
    nobody = KeQueryActiveProcessorCountEx(NO_GROUP);
    own = KeQueryGroupAffinity(0);
    none = KeQueryGroupAffinity(NO_GROUP);
    groups = KeQueryActiveGroupCount();
    possible = KeQueryMaximumGroupCount();
    most = KeQueryMaximumProcessorCount();
    KeLowerIrql(irql);
    Expect(count == TestProcessors() && set == KeQueryActiveProcessors(),
           "KeQueryActiveProcessorCount gives the number of group 0, and its set where asked to");
    ExpectEqual(KeQueryActiveProcessorCount(NULL), count, "which it need not be");
    Expect(all == TestProcessors() && group == count,
           "KeQueryActiveProcessorCountEx gives that of a group, or of all");
    ExpectEqual(nobody, 0, "KeQueryActiveProcessorCountEx of a group that there is not is 0");
    ExpectEqual(own, set, "KeQueryGroupAffinity gives the set of a group");
    ExpectEqual(none, 0, "KeQueryGroupAffinity of a group that there is not is 0");
    ExpectEqual(groups, 1, "KeQueryActiveGroupCount counts groups with active processors");
    Expect(possible >= groups, "KeQueryMaximumGroupCount is not less");
    Expect(most == KeQueryMaximumProcessorCountEx(0) && most >= count && most <= 64,
           "KeQueryMaximumProcessorCount is that of group 0, which has no more than 64");
}

static VOID CheckNumbers(VOID)
{
    ULONG i, wrong = 0;

    Expect(KeQueryMaximumProcessorCountEx(0) >= TestProcessors() &&
               KeQueryMaximumProcessorCountEx(0) <= 64,
           "KeQueryMaximumProcessorCountEx of a group is at least what is active there");
    ExpectEqual(KeQueryMaximumProcessorCountEx(ALL_GROUPS), KeQueryMaximumProcessorCountEx(0),
                "of all groups it is their sum");
    ExpectEqual(KeQueryMaximumProcessorCountEx(NO_GROUP), 0, "of a group that there is not 0");
    ExpectEqual(KeQueryHighestNodeNumber(), 0, "without NUMA there is node 0 alone");
    for (i = 0; i < TestProcessors(); i++) {
        TestGoTo(i);
        wrong += KeGetCurrentNodeNumber() != 0;
    }
    TestAnywhere();
    ExpectEqual(wrong, 0, "and each processor belongs to it");
}

VOID CheckProcessors(VOID)
{
    CheckAffinity();
    CheckGroupAffinity();
    CheckGroupLater();
    CheckReverts();
    CheckPriorities();
    CheckLowered();
    CheckBasePriority();
    CheckChanges();
    CheckIndices();
    CheckCounts();
    CheckNumbers();
}
