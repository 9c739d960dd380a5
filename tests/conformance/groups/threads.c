/*
 * threads.c - what is told of each group, and threads and DPCs that go from one to the other. Group
 * 0 has 64 processors, group 1 the rest.
 */
#include "groups.h"

#define ALL_OF_ZERO (~(KAFFINITY)0)
#define WAIT_MS 20000

/* Headers hide these from drivers that know of groups. */
NTKERNELAPI KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity);
NTKERNELAPI VOID NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity);
NTKERNELAPI KAFFINITY NTAPI KeQueryActiveProcessors(VOID);
NTKERNELAPI ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors);
NTKERNELAPI ULONG NTAPI KeQueryMaximumProcessorCount(VOID);

static ULONG Rest; /* processors of group 1 */
static KAFFINITY AllOfRest, LastOfRest;

static ULONG CurrentIndex(VOID)
{
    return KeGetCurrentProcessorNumberEx(NULL);
}

/* ---- counts and sets ------------------------------------------------------------------------ */

static VOID CheckCounts(VOID)
{
    KAFFINITY set = 0;

    ExpectEqual(KeQueryActiveGroupCount(), 2, "KeQueryActiveGroupCount counts both groups");
    Expect(KeQueryMaximumGroupCount() >= 2, "KeQueryMaximumGroupCount is not less than two");
    Expect(KeQueryActiveProcessorCountEx(0) == PER_GROUP &&
               KeQueryActiveProcessorCountEx(1) == Rest &&
               KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS) == PER_GROUP + Rest &&
               KeQueryActiveProcessorCountEx(2) == 0,
           "KeQueryActiveProcessorCountEx counts each group, and all together");
    Expect(KeQueryMaximumProcessorCountEx(0) == PER_GROUP &&
               KeQueryMaximumProcessorCountEx(1) >= Rest &&
               KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS) >= PER_GROUP + Rest,
           "KeQueryMaximumProcessorCountEx is no more than 64 in a group");
    Expect(KeQueryGroupAffinity(0) == ALL_OF_ZERO && KeQueryGroupAffinity(1) == AllOfRest &&
               KeQueryGroupAffinity(2) == 0,
           "KeQueryGroupAffinity gives the set of each group");
    Expect(KeQueryActiveProcessorCount(&set) == PER_GROUP && set == ALL_OF_ZERO,
           "KeQueryActiveProcessorCount knows of group 0 alone");
    ExpectEqual(KeQueryActiveProcessors(), ALL_OF_ZERO,
                "KeQueryActiveProcessors knows of group 0 alone");
    ExpectEqual(KeQueryMaximumProcessorCount(), PER_GROUP,
                "KeQueryMaximumProcessorCount knows of group 0 alone");
}

/* ---- threads -------------------------------------------------------------------------------- */

static BOOLEAN Is(const GROUP_AFFINITY *Affinity, USHORT Group, KAFFINITY Mask)
{
    return Affinity->Group == Group && Affinity->Mask == Mask;
}

static VOID CheckThreads(VOID)
{
    GROUP_AFFINITY last = {.Group = 1, .Mask = LastOfRest}, first = {.Mask = 1};
    GROUP_AFFINITY none = {.Group = 1, .Mask = AllOfRest + 1}, before, between, refused;
    ULONG at[3];

    KeSetSystemGroupAffinityThread(&last, &before);
    at[0] = CurrentIndex();
    KeSetSystemGroupAffinityThread(&first, &between);
    at[1] = CurrentIndex();
    KeRevertToUserGroupAffinityThread(&between);
    at[2] = CurrentIndex();
    Expect(Is(&before, 0, 0) && at[0] == PER_GROUP + Rest - 1 && at[1] == 0,
           "KeSetSystemGroupAffinityThread moves a thread to another group and back");
    Expect(Is(&between, 1, LastOfRest) && at[2] == at[0],
           "KeRevertToUserGroupAffinityThread restores the group, too");
    KeSetSystemGroupAffinityThread(&none, &refused);
    Expect(Is(&refused, 0, 0) && CurrentIndex() == at[0],
           "KeSetSystemGroupAffinityThread refuses a processor that the group has not");
    ExpectEqual(KeSetSystemAffinityThreadEx(2), LastOfRest,
                "KeSetSystemAffinityThreadEx returns the mask before, of whichever group");
    ExpectEqual(CurrentIndex(), 1, "KeSetSystemAffinityThreadEx moves the thread to group 0");
    ExpectEqual(KeSetSystemAffinityThreadEx(ALL_OF_ZERO), 2,
                "KeSetSystemAffinityThreadEx takes a whole group");
    ExpectEqual(KeSetSystemAffinityThreadEx(1), ALL_OF_ZERO,
                "KeSetSystemAffinityThreadEx returns a whole group, which is a set like others");
    KeRevertToUserGroupAffinityThread(&before);
    KeSetSystemGroupAffinityThread(&last, &between);
    Expect(Is(&between, 0, 0), "KeRevertToUserGroupAffinityThread leaves no affinity of any group");
    KeRevertToUserAffinityThreadEx(0);
}

/* ---- DPCs ----------------------------------------------------------------------------------- */

static volatile LONG Runs;
static volatile ULONG RanOn;

static VOID NTAPI Note(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    RanOn = CurrentIndex();
    InterlockedIncrement(&Runs);
}

static VOID CheckDpcs(VOID)
{
    PROCESSOR_NUMBER last = {1, (UCHAR)(Rest - 1), 0}, behind = {1, (UCHAR)Rest, 0};
    static KDPC dpc;

    KeInitializeDpc(&dpc, Note, NULL);
    ExpectStatus(KeSetTargetProcessorDpcEx(&dpc, &last), STATUS_SUCCESS,
                 "KeSetTargetProcessorDpcEx takes a processor of another group");
    ExpectStatus(KeSetTargetProcessorDpcEx(&dpc, &behind), STATUS_INVALID_PARAMETER,
                 "KeSetTargetProcessorDpcEx refuses a number that the group has not");
    KeSetTargetProcessorDpc(&dpc, PER_GROUP);
    Runs = 0;
    KeInsertQueueDpc(&dpc, NULL, NULL);
    Expect(TestSpinUntil(&Runs, 1, WAIT_MS) && RanOn == PER_GROUP + Rest - 1,
           "KeSetTargetProcessorDpcEx: it runs there; KeSetTargetProcessorDpc knows of group 0 "
           "alone, and changes nothing");
    KeSetTargetProcessorDpc(&dpc, PER_GROUP - 1);
    Runs = 0;
    KeInsertQueueDpc(&dpc, NULL, NULL);
    Expect(TestSpinUntil(&Runs, 1, WAIT_MS) && RanOn == PER_GROUP - 1,
           "KeSetTargetProcessorDpc brings it to a processor of group 0");
}

/* ---- being told ----------------------------------------------------------------------------- */

static VOID NTAPI Changed(PVOID Context, PKE_PROCESSOR_CHANGE_NOTIFY_CONTEXT Change,
                          PNTSTATUS OperationStatus)
{
    ULONG index = KeGetProcessorIndexFromNumber(&Change->ProcNumber);

    UNREFERENCED_PARAMETER(OperationStatus);
    if (Change->State == KeProcessorAddStartNotify && index == Change->NtNumber)
        ++*(PULONG)Context;
}

static VOID CheckTold(VOID)
{
    ULONG told = 0;
    PVOID handle =
        KeRegisterProcessorChangeCallback(Changed, &told, KE_PROCESSOR_CHANGE_ADD_EXISTING);

    ExpectEqual(told, PER_GROUP + Rest,
                "KeRegisterProcessorChangeCallback tells of the processors of all groups");
    if (handle != NULL)
        KeDeregisterProcessorChangeCallback(handle);
}

VOID CheckThreadsOfGroups(VOID)
{
    Rest = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS) - PER_GROUP;
    AllOfRest = ((KAFFINITY)1 << Rest) - 1;
    LastOfRest = (KAFFINITY)1 << (Rest - 1);
    CheckCounts();
    CheckThreads();
    CheckDpcs();
    CheckTold();
}
