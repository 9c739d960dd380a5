/*
 * groups.c - conformance of numbers, indices and calls where the processors make two groups.
 */
#include "groups.h"

typedef ULONG(NTAPI *PCURRENT_PROCESSOR)(VOID);

NTKERNELAPI VOID NTAPI KeGenericCallDpc(PKDEFERRED_ROUTINE Routine, PVOID Context);
NTKERNELAPI VOID NTAPI KeSignalCallDpcDone(PVOID SystemArgument1);

static ULONG Processors;

/* ---- numbers -------------------------------------------------------------------------------- */

static BOOLEAN GoTo(ULONG Index)
{
    GROUP_AFFINITY affinity = {0};
    PROCESSOR_NUMBER number;

    if (!NT_SUCCESS(KeGetProcessorNumberFromIndex(Index, &number)))
        return FALSE;
    affinity.Group = number.Group;
    affinity.Mask = (KAFFINITY)1 << number.Number;
    KeSetSystemGroupAffinityThread(&affinity, NULL);
    return TRUE;
}

static VOID GoBack(VOID)
{
    GROUP_AFFINITY none = {0};

    KeRevertToUserGroupAffinityThread(&none);
}

static VOID CheckNumbers(VOID)
{
    PCURRENT_PROCESSOR exported = (PCURRENT_PROCESSOR)TestRoutine(L"KeGetCurrentProcessorNumber");
    ULONG i, wrong = 0, legacy = 0;
    PROCESSOR_NUMBER number;

    for (i = 0; i < Processors; i++) {
        if (!GoTo(i)) {
            wrong++;
            continue;
        }
        wrong += KeGetCurrentProcessorNumberEx(&number) != i;
        wrong += number.Group != i / PER_GROUP || number.Number != i % PER_GROUP;
        wrong += KeGetProcessorIndexFromNumber(&number) != i;
        legacy += exported() != KeGetCurrentProcessorNumber();
        legacy += i < PER_GROUP ? exported() != i : exported() >= PER_GROUP;
    }
    GoBack();
    ExpectEqual(wrong, 0,
                "KeGetCurrentProcessorNumberEx tells the index, and the group and number in it, of "
                "processors of all groups");
    ExpectEqual(legacy, 0,
                "KeGetCurrentProcessorNumber of a processor beyond group 0 is less than the number "
                "of processors in group 0");
}

static VOID CheckLimits(VOID)
{
    PROCESSOR_NUMBER number = {0};

    ExpectStatus(KeGetProcessorNumberFromIndex(Processors - 1, &number), STATUS_SUCCESS,
                 "KeGetProcessorNumberFromIndex takes the last processor of the last group");
    Expect(number.Group == 1 && number.Number == Processors - 1 - PER_GROUP,
           "KeGetProcessorNumberFromIndex counts on from group to group");
    ExpectStatus(KeGetProcessorNumberFromIndex(Processors, &number), STATUS_INVALID_PARAMETER,
                 "KeGetProcessorNumberFromIndex refuses the index behind it");
    number.Number++;
    ExpectEqual(KeGetProcessorIndexFromNumber(&number), INVALID_PROCESSOR_INDEX,
                "KeGetProcessorIndexFromNumber refuses a number that group 1 has not");
    number.Group = 0;
    number.Number = PER_GROUP;
    ExpectEqual(KeGetProcessorIndexFromNumber(&number), INVALID_PROCESSOR_INDEX,
                "KeGetProcessorIndexFromNumber refuses a number greater than groups have");
}

/* ---- calls on all processors ---------------------------------------------------------------- */

static volatile LONG Calls[2 * PER_GROUP];

static VOID Note(VOID)
{
    InterlockedIncrement(&Calls[KeGetCurrentProcessorNumberEx(NULL) % (2 * PER_GROUP)]);
}

static ULONG NotOnce(VOID)
{
    ULONG i, wrong = 0;

    for (i = 0; i < Processors; i++)
        wrong += Calls[i] != 1;
    RtlZeroMemory((PVOID)Calls, sizeof(Calls));
    return wrong;
}

static ULONG_PTR NTAPI IpiRoutine(ULONG_PTR Argument)
{
    Note();
    return Argument;
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    Note();
    KeSignalCallDpcDone(Argument1);
}

static VOID CheckCalls(VOID)
{
    KeIpiGenericCall(IpiRoutine, 0);
    ExpectEqual(NotOnce(), 0, "KeIpiGenericCall reaches the processors of all groups, each once");
    KeGenericCallDpc(DpcRoutine, NULL);
    ExpectEqual(NotOnce(), 0, "KeGenericCallDpc reaches the processors of all groups, each once");
}

static VOID Run(VOID)
{
    Processors = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
    Expect(Processors > PER_GROUP && KeQueryActiveGroupCount() == 2,
           "there are processors in two groups");
    if (Processors <= PER_GROUP || Processors > 2 * PER_GROUP)
        return;
    CheckNumbers();
    CheckLimits();
    CheckCalls();
    CheckThreadsOfGroups();
}

const TEST_GROUP TestGroup = {.Run = Run};
