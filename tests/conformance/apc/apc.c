/*
 * apc.c - kernel APCs that a thread queues to itself: when they run, where, in which order.
 */
#include "apc.h"

volatile LONG Places;

static VOID NTAPI KernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                                PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    PNOTED noted = CONTAINING_RECORD(Apc, NOTED, Apc);

    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    noted->KernelIrql = KeGetCurrentIrql();
    noted->KernelThread = KeGetCurrentThread();
    noted->InsertedThen = Apc->Inserted;
    noted->Argument1 = *SystemArgument1;
    noted->Argument2 = *SystemArgument2;
    noted->Place = InterlockedIncrement(&Places);
    InterlockedIncrement(&noted->KernelCalls);
}

static VOID NTAPI NormalRoutine(PVOID NormalContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PNOTED noted = NormalContext;

    noted->NormalIrql = KeGetCurrentIrql();
    noted->NormalThread = KeGetCurrentThread();
    noted->Argument1 = SystemArgument1;
    noted->Argument2 = SystemArgument2;
    noted->Place = InterlockedIncrement(&Places);
    if (noted->Body != NULL)
        noted->Body(noted);
    InterlockedIncrement(&noted->NormalCalls);
}

VOID Special(PNOTED Noted, PKTHREAD Thread)
{
    RtlZeroMemory(Noted, sizeof(*Noted));
    KeInitializeApc(&Noted->Apc, Thread, OriginalApcEnvironment, KernelRoutine, NULL, NULL,
                    KernelMode, NULL);
}

VOID Normal(PNOTED Noted, PKTHREAD Thread)
{
    RtlZeroMemory(Noted, sizeof(*Noted));
    KeInitializeApc(&Noted->Apc, Thread, OriginalApcEnvironment, KernelRoutine, NULL, NormalRoutine,
                    KernelMode, Noted);
}

BOOLEAN Queue(PNOTED Noted)
{
    return KeInsertQueueApc(&Noted->Apc, (PVOID)&Noted->KernelCalls, (PVOID)&Noted->NormalCalls, 0);
}

/* ---- one ----------------------------------------------------------------------------------- */

static VOID CheckKinds(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    NOTED noted;

    Special(&noted, self);
    Expect(Queue(&noted) && noted.KernelCalls == 1,
           "KeInsertQueueApc: a thread has a special APC of its own before the call returns");
    Expect(noted.KernelIrql == APC_LEVEL && noted.KernelThread == self,
           "APC-1 a special APC runs at APC_LEVEL, in its thread");
    Expect(!noted.InsertedThen && noted.Argument1 == &noted.KernelCalls &&
               noted.Argument2 == &noted.NormalCalls,
           "its kernel routine gets both arguments, and may queue it again");
    Normal(&noted, self);
    Queue(&noted);
    Expect(noted.KernelCalls == 1 && noted.KernelIrql == APC_LEVEL && noted.NormalCalls == 1 &&
               noted.NormalIrql == PASSIVE_LEVEL && noted.NormalThread == self,
           "APC-1 a normal APC runs at PASSIVE_LEVEL, after its kernel routine at APC_LEVEL");
    Expect(noted.Argument1 == &noted.KernelCalls && noted.Argument2 == &noted.NormalCalls,
           "its normal routine gets context and arguments");
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL, "an APC leaves the IRQL as it found it");
}

static VOID NTAPI Refuse(PKAPC Apc, PKNORMAL_ROUTINE *Routine, PVOID *Context, PVOID *Argument1,
                         PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    *Routine = NULL;
}

static VOID NTAPI Change(PKAPC Apc, PKNORMAL_ROUTINE *Routine, PVOID *Context, PVOID *Argument1,
                         PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Routine);
    UNREFERENCED_PARAMETER(Context);
    *Argument1 = (PVOID)(ULONG_PTR)1;
    *Argument2 = (PVOID)(ULONG_PTR)2;
}

static VOID CheckKernelRoutine(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    NOTED noted;

    Normal(&noted, self);
    noted.Apc.KernelRoutine = Refuse;
    Queue(&noted);
    ExpectEqual((ULONG)noted.NormalCalls, 0, "a kernel routine may take the normal one back");
    Normal(&noted, self);
    noted.Apc.KernelRoutine = Change;
    Queue(&noted);
    Expect(noted.NormalCalls == 1 && noted.Argument1 == (PVOID)(ULONG_PTR)1 &&
               noted.Argument2 == (PVOID)(ULONG_PTR)2,
           "a kernel routine may change what the normal one gets");
}

/* ---- when ---------------------------------------------------------------------------------- */

static VOID CheckIrql(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    LONG at_dispatch, at_apc;
    NOTED noted;
    KIRQL irql;

    Special(&noted, self);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Queue(&noted);
    at_dispatch = noted.KernelCalls;
    Expect(!Queue(&noted), "an APC that is queued is not queued again");
    KeLowerIrql(APC_LEVEL);
    at_apc = noted.KernelCalls;
    KeLowerIrql(irql);
    Expect(at_dispatch == 0 && at_apc == 0,
           "APC-4 no APC runs at DISPATCH_LEVEL, nor at APC_LEVEL");
    ExpectEqual((ULONG)noted.KernelCalls, 1, "APC-4 it runs when the IRQL drops below APC_LEVEL");
}

static VOID CheckRegions(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    NOTED normal, special;
    LONG inside, nested;

    Normal(&normal, self);
    Special(&special, self);
    KeEnterCriticalRegion();
    KeEnterCriticalRegion();
    Queue(&normal);
    Queue(&special);
    inside = normal.KernelCalls;
    KeLeaveCriticalRegion();
    nested = normal.KernelCalls;
    ExpectEqual((ULONG)special.KernelCalls, 1,
                "APC-2 a special APC runs inside of a critical region");
    KeLeaveCriticalRegion();
    Expect(inside == 0 && nested == 0 && normal.NormalCalls == 1,
           "APC-2 a normal APC runs when the outermost critical region is left");

    Normal(&normal, self);
    Special(&special, self);
    KeEnterGuardedRegion();
    Queue(&normal);
    Queue(&special);
    inside = normal.KernelCalls + special.KernelCalls;
    KeLeaveGuardedRegion();
    Expect(inside == 0 && normal.NormalCalls == 1 && special.KernelCalls == 1,
           "APC-3 no APC runs inside of a guarded region, and all when it is left");
    Expect(special.Place < normal.Place, "special APCs go before normal ones");
}

static VOID CheckMutexes(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    NOTED noted;
    KMUTEX mutex;
    FAST_MUTEX fast;
    LONG held;

    KeInitializeMutex(&mutex, 0);
    ExInitializeFastMutex(&fast);
    Normal(&noted, self);
    KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
    Queue(&noted);
    held = noted.NormalCalls;
    KeReleaseMutex(&mutex, FALSE);
    Expect(held == 0 && noted.NormalCalls == 1,
           "APC-5 a mutex keeps normal APCs off until it is released");
    Special(&noted, self);
    ExAcquireFastMutex(&fast);
    Queue(&noted);
    held = noted.KernelCalls;
    ExReleaseFastMutex(&fast);
    Expect(held == 0 && noted.KernelCalls == 1,
           "APC-5 a fast mutex keeps all APCs off until it is released");
}

/* ---- several ------------------------------------------------------------------------------- */

#define SEVERAL 8

static VOID CheckOrder(VOID)
{
    static NOTED normal[SEVERAL], special[SEVERAL];
    PKTHREAD self = KeGetCurrentThread();
    BOOLEAN ordered = TRUE;
    ULONG i;

    KeEnterGuardedRegion();
    for (i = 0; i < SEVERAL; i++) {
        Normal(&normal[i], self);
        Special(&special[i], self);
        Queue(&normal[i]);
        Queue(&special[i]);
    }
    KeLeaveGuardedRegion();
    for (i = 1; i < SEVERAL; i++)
        ordered = ordered && normal[i].Place > normal[i - 1].Place &&
                  special[i].Place > special[i - 1].Place;
    Expect(ordered && special[SEVERAL - 1].Place < normal[0].Place,
           "APCs of a kind run in the order in which they were queued");
}

static NOTED Inner;

static VOID QueueInner(PNOTED Noted)
{
    UNREFERENCED_PARAMETER(Noted);
    Queue(&Inner);
}

static VOID CheckNesting(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    NOTED outer;

    Normal(&outer, self);
    outer.Body = QueueInner;
    Normal(&Inner, self);
    Queue(&outer);
    Expect(outer.NormalCalls == 1 && Inner.NormalCalls == 1 && Inner.Place == outer.Place + 2,
           "a normal APC waits until the one that runs has ended");
    Normal(&outer, self);
    outer.Body = QueueInner;
    Special(&Inner, self);
    Queue(&outer);
    Expect(Inner.KernelCalls == 1 && Inner.Place == outer.Place + 1,
           "a special APC interrupts a normal one");
}

static VOID CheckRemoval(VOID)
{
    NOTED noted;

    Normal(&noted, KeGetCurrentThread());
    Expect(!KeRemoveQueueApc(&noted.Apc), "KeRemoveQueueApc: FALSE for an APC that is not queued");
    KeEnterCriticalRegion();
    Queue(&noted);
    Expect(KeRemoveQueueApc(&noted.Apc), "KeRemoveQueueApc: TRUE for one that is");
    KeLeaveCriticalRegion();
    ExpectEqual((ULONG)noted.KernelCalls, 0, "an APC that was taken out does not run");
}

static VOID CheckUserMode(VOID)
{
    NOTED noted;

    Normal(&noted, KeGetCurrentThread());
    noted.Apc.ApcMode = UserMode;
    Expect(!Queue(&noted) && noted.KernelCalls == 0,
           "a user-mode APC is not queued: no thread here has a user mode");
}

static VOID Run(VOID)
{
    CheckKinds();
    CheckKernelRoutine();
    CheckIrql();
    CheckRegions();
    CheckMutexes();
    CheckOrder();
    CheckNesting();
    CheckRemoval();
    CheckUserMode();
    CheckOthers();
    CheckEnds();
    CheckAlerts();
}

const TEST_GROUP TestGroup = {.Run = Run};
