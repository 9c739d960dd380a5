/*
 * current.c - what is current: IRQL, thread, processor, by the exported routines, which headers
 * inline.
 */
#include "ke.h"

typedef KIRQL(NTAPI *PCURRENT_IRQL)(VOID);
typedef PKTHREAD(NTAPI *PCURRENT_THREAD)(VOID);
typedef ULONG(NTAPI *PCURRENT_PROCESSOR)(VOID);

static PCURRENT_IRQL CurrentIrql;
static PCURRENT_THREAD CurrentThread;
static PCURRENT_PROCESSOR CurrentProcessor;

static VOID CheckCurrentIrql(VOID)
{
    KIRQL level, irql;
    ULONG wrong = 0;

    for (level = PASSIVE_LEVEL; level <= HIGH_LEVEL; level++) {
        KeRaiseIrql(level, &irql);
        wrong += CurrentIrql() != level || KeGetCurrentIrql() != level;
        KeLowerIrql(irql);
    }
    ExpectEqual(wrong, 0, "KeGetCurrentIrql tells each level, exported as inlined");
}

static VOID NoteThread(PVOID Context)
{
    PKTHREAD *seen = Context;

    seen[0] = CurrentThread();
    seen[1] = KeGetCurrentThread();
    seen[2] = (PKTHREAD)PsGetCurrentThread();
}

static VOID CheckCurrentThread(VOID)
{
    PKTHREAD own[3], other[3] = {NULL, NULL, NULL};
    TEST_THREAD thread;
    PVOID object = NULL;
    KIRQL irql;

    KeRaiseIrql(HIGH_LEVEL, &irql);
    NoteThread(own);
    KeLowerIrql(irql);
    if (TestThreadStart(&thread, 0, NoteThread, other)) {
        object = thread.Object;
        TestThreadJoin(&thread);
    }
    Expect(own[0] != NULL && own[0] == own[1] && own[0] == own[2],
           "KeGetCurrentThread is PsGetCurrentThread, exported as inlined, at any IRQL");
    Expect(other[0] == object && other[0] == other[1] && other[0] == other[2] && other[0] != own[0],
           "KeGetCurrentThread in a system thread is the object that its handle refers to");
}

static VOID CheckCurrentProcessor(VOID)
{
    ULONG i, wrong = 0, exported, inlined;
    PROCESSOR_NUMBER number;
    KIRQL irql, before;

    for (i = 0; i < TestProcessors(); i++) {
        TestGoTo(i);
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        exported = CurrentProcessor();
        inlined = KeGetCurrentProcessorNumber();
        wrong += exported != i || inlined != i || KeGetCurrentProcessorNumberEx(NULL) != i;
        KeRaiseIrql(HIGH_LEVEL, &before);
        number.Reserved = 0xFF;
        wrong += KeGetCurrentProcessorNumberEx(&number) != i || number.Group != 0 ||
                 number.Number != i || number.Reserved != 0;
        KeLowerIrql(irql);
    }
    TestAnywhere();
    ExpectEqual(wrong, 0,
                "KeGetCurrentProcessorNumber counts processors from 0, exported as inlined, as "
                "KeGetCurrentProcessorNumberEx does with and without ProcNumber");
}

VOID CheckCurrent(VOID)
{
    CurrentIrql = (PCURRENT_IRQL)TestRoutine(L"KeGetCurrentIrql");
    CurrentThread = (PCURRENT_THREAD)TestRoutine(L"KeGetCurrentThread");
    CurrentProcessor = (PCURRENT_PROCESSOR)TestRoutine(L"KeGetCurrentProcessorNumber");
    CheckCurrentIrql();
    CheckCurrentThread();
    CheckCurrentProcessor();
}
