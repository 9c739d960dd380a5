/*
 * routine.c - what surrounds an interrupt service routine, and what it may call.
 */
#include "isr.h"

#define MXCSR_DEFAULT 0x1F80u
#define MXCSR_TO_ZERO 0x7F80u
#define MXCSR_STICKY 0x003Fu
#define SPINS 2000000000
#define PENDING_MS 10000
#define DEEP_BYTES (20 * 1024)
#define ISR_BYTES (8 * 1024)

static TEST_CONNECTION Connection, Higher;

/* ---- registers ------------------------------------------------------------------------------ */

static struct {
    volatile LONG Calls;
    ULONG Mxcsr;
    ULONG_PTR Frame, Flags;
    PKINTERRUPT Interrupt;
    PVOID Context;
} Entry;

static ULONG64 ClobberWith[2] = {0xBADBADBADBADBADB, 0xDABDABDABDABDABD};

/* Uses what a routine may use: the home space of its caller, SSE, MXCSR's sticky flags. */
static BOOLEAN NTAPI RegisterRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    volatile ULONG64 *home = (volatile ULONG64 *)__builtin_dwarf_cfa();
    ULONG mxcsr, i;

    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    Entry.Mxcsr = mxcsr;
    Entry.Frame = (ULONG_PTR)home;
    Entry.Flags = __readeflags();
    Entry.Interrupt = Interrupt;
    Entry.Context = Context;
    for (i = 0; i < 4; i++)
        home[i] = ClobberWith[0];
    mxcsr |= MXCSR_STICKY;
    __asm__ volatile("ldmxcsr %0\n\t"
                     "movdqu %1, %%xmm0\n\t"
                     "movdqu %1, %%xmm1\n\t"
                     "movdqu %1, %%xmm2\n\t"
                     "movdqu %1, %%xmm3\n\t"
                     "movdqu %1, %%xmm4\n\t"
                     "movdqu %1, %%xmm5"
                     :
                     : "m"(mxcsr), "m"(ClobberWith)
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5");
    TestAcknowledge(Connection.Device);
    InterlockedIncrement(&Entry.Calls);
    return TRUE;
}

/* What TestRaise writes, for a single instruction. */
static volatile ULONG *RaiseRegister(PTEST_DEVICE Device, PULONG Value)
{
    *Value = Device->Kind == TestKindEdu ? 0x10 : 0;
    return (volatile ULONG *)(Device->Registers + (Device->Kind == TestKindEdu ? 0x60 : 0x20));
}

/* Six registers and MXCSR are loaded, the interrupt raised and waited for, and all stored again. */
static ULONG RaiseWithRegisters(PTEST_DEVICE Device, ULONG Mxcsr, PULONG MxcsrAfter)
{
    static ULONG64 before[6][2], after[6][2];
    volatile ULONG *raise;
    ULONG value, kept, i, same = 0;
    ULONG64 spins = SPINS;

    raise = RaiseRegister(Device, &value);
    for (i = 0; i < 6; i++) {
        before[i][0] = 0x1111111111111111 * (i + 1);
        before[i][1] = ~before[i][0];
    }
    Entry.Calls = 0;
    __asm__ volatile("stmxcsr %[kept]\n\t"
                     "ldmxcsr %[mxcsr]\n\t"
                     "movdqu 0x00(%[before]), %%xmm0\n\t"
                     "movdqu 0x10(%[before]), %%xmm1\n\t"
                     "movdqu 0x20(%[before]), %%xmm2\n\t"
                     "movdqu 0x30(%[before]), %%xmm3\n\t"
                     "movdqu 0x40(%[before]), %%xmm4\n\t"
                     "movdqu 0x50(%[before]), %%xmm5\n\t"
                     "movl %[value], (%[raise])\n"
                     "1:\tpause\n\t"
                     "cmpl $0, (%[calls])\n\t"
                     "jne 2f\n\t"
                     "decq %[spins]\n\t"
                     "jnz 1b\n"
                     "2:\tmovdqu %%xmm0, 0x00(%[after])\n\t"
                     "movdqu %%xmm1, 0x10(%[after])\n\t"
                     "movdqu %%xmm2, 0x20(%[after])\n\t"
                     "movdqu %%xmm3, 0x30(%[after])\n\t"
                     "movdqu %%xmm4, 0x40(%[after])\n\t"
                     "movdqu %%xmm5, 0x50(%[after])\n\t"
                     "stmxcsr %[mxcsr]\n\t"
                     "ldmxcsr %[kept]"
                     : [spins] "+r"(spins), [mxcsr] "+m"(Mxcsr), [kept] "=m"(kept)
                     : [before] "r"(before), [after] "r"(after), [value] "r"(value),
                       [raise] "r"(raise), [calls] "r"(&Entry.Calls)
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "memory");
    for (i = 0; i < 6; i++)
        same += before[i][0] == after[i][0] && before[i][1] == after[i][1];
    *MxcsrAfter = Mxcsr;
    return same;
}

VOID CheckRegisters(PTEST_DEVICE Device)
{
    ULONG same, mxcsr;

    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).ServiceRoutine = RegisterRoutine;
    FULL(&Connection).FloatingSave = FALSE;
    if (!TestConnectOrFail(&Connection, "ISR-23 FloatingSave FALSE connects"))
        return;
    TestGoTo(TestLowestProcessor(FULL(&Connection).ProcessorEnableMask));
    same = RaiseWithRegisters(Device, MXCSR_TO_ZERO, &mxcsr);
    ExpectEqual((ULONG)Entry.Calls, 1, "ISR-1, ISR-23 the routine is called");
    Expect(Entry.Interrupt == Connection.Object && Entry.Context == &Connection,
           "ISR-1, ISR-2 with the object and the context as its two arguments");
    ExpectEqual(same, 6, "ISR-18, ISR-19 XMM0 to XMM5 of what it interrupted are kept");
    ExpectEqual(mxcsr, MXCSR_TO_ZERO, "ISR-18, ISR-19 so is MXCSR");
    ExpectEqual(Entry.Mxcsr, MXCSR_DEFAULT, "ISR-19 the routine starts with MXCSR 1F80 hex");
    ExpectEqual(Entry.Frame & 15, 0, "ISR-22 RSP is a multiple of 16 before the call");
    ExpectEqual(Entry.Flags & 0x600, 0x200, "ISR-22 IF is set and DF clear");
    /* A second time: what the first left in the home space and in MXCSR has harmed nobody. */
    same = RaiseWithRegisters(Device, MXCSR_DEFAULT, &mxcsr);
    ExpectEqual(Entry.Mxcsr, MXCSR_DEFAULT, "ISR-19 also after a routine that left flags in MXCSR");
    Expect(same == 6 && mxcsr == MXCSR_DEFAULT,
           "ISR-22 the 32 bytes above its return address are the routine's own");
    TestAnywhere();
    TestDisconnect(&Connection);
}

/* ---- stack ---------------------------------------------------------------------------------- */

static BOOLEAN StackBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    volatile UCHAR block[ISR_BYTES];
    ULONG i;

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    for (i = 0; i < sizeof(block); i += 64)
        block[i] = (UCHAR)i;
    TestAcknowledge(C->Device);
    return block[64] == 64;
}

/* Goes down until so much of the stack is used, then interrupts itself. */
static __attribute__((noinline)) ULONG Deep(ULONG_PTR Top)
{
    volatile UCHAR block[512];
    ULONG result;

    block[0] = 1;
    if (Top - (ULONG_PTR)block < DEEP_BYTES) {
        result = Deep(Top);
    } else {
        TestRaise(Connection.Device, 0);
        result = TestSpinUntil(&Connection.Calls, 1, PENDING_MS);
    }
    return result & block[0];
}

static volatile ULONG DeepResult;

static VOID DeepThread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    DeepResult = Deep((ULONG_PTR)__builtin_frame_address(0));
}

VOID CheckStack(PTEST_DEVICE Device)
{
    static TEST_THREAD thread;

    TestPrepareFull(&Connection, Device, 0);
    Connection.Body = StackBody;
    if (!TestConnectOrFail(&Connection, "a device connects"))
        return;
    DeepResult = 0;
    if (TestThreadStart(&thread, TestLowestProcessor(FULL(&Connection).ProcessorEnableMask),
                        DeepThread, NULL))
        TestThreadJoin(&thread);
    Expect(DeepResult == 1 && Connection.Claims == 1,
           "ISR-21 a routine has 8 KB of stack when the interrupted thread has used 20 KB");
    TestDisconnect(&Connection);
}

/* ---- what it may call ----------------------------------------------------------------------- */

static struct {
    KDPC Dpc;
    KEVENT Event;
    LIST_ENTRY List, Entry;
    KSPIN_LOCK ListLock;
    volatile LONG DpcRuns, IoDpcRuns, DpcIrql;
    LONG EventState;
    LARGE_INTEGER Before, After;
    ULONG64 Time;
    ULONG Irql;
    BOOLEAN Inserted, InsertedAgain, Synchronized;
    volatile LONG Shared;
} Used;

static BOOLEAN NTAPI AddOne(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Used.Shared++;
    Used.Irql |= (ULONG)KeGetCurrentIrql() << 8;
    return TRUE;
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    static KSPIN_LOCK lock;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Used.DpcIrql = KeGetCurrentIrql();
    KeAcquireSpinLockAtDpcLevel(&lock);
    KeReleaseSpinLockFromDpcLevel(&lock);
    Used.Synchronized = KeSynchronizeExecution(Connection.Object, AddOne, NULL);
    KeSetEvent(&Used.Event, 0, FALSE);
    InterlockedIncrement(&Used.DpcRuns);
}

static VOID NTAPI IoDpcRoutine(PKDPC Dpc, PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Used.IoDpcRuns);
}

static BOOLEAN CallBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (!TestAcknowledge(C->Device))
        return FALSE;
    Used.Shared++;
    Used.Irql = KeGetCurrentIrql();
    Used.EventState = KeReadStateEvent(&Used.Event);
    Used.Before = KeQueryPerformanceCounter(NULL);
    KeStallExecutionProcessor(20);
    Used.After = KeQueryPerformanceCounter(NULL);
    Used.Time = KeQueryInterruptTime();
    ExInterlockedInsertTailList(&Used.List, &Used.Entry, &Used.ListLock);
    DbgPrint("# printed by a service routine\n");
    Used.Inserted = KeInsertQueueDpc(&Used.Dpc, NULL, NULL);
    Used.InsertedAgain = KeInsertQueueDpc(&Used.Dpc, NULL, NULL);
    IoRequestDpc(C->Device->Self, NULL, NULL);
    return TRUE;
}

static BOOLEAN NTAPI TakeEntry(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    return ExInterlockedRemoveHeadList(&Used.List, &Used.ListLock) == &Used.Entry;
}

static BOOLEAN NTAPI HoldOff(PVOID Context)
{
    PTEST_CONNECTION connection = Context;

    TestRaise(connection->Device, 0);
    TestSpinUntil(&connection->Calls, 1, 20);
    return connection->Calls == 0;
}

static VOID CheckSynchronized(VOID)
{
    Connection.Body = NULL;
    TestResetCounts(&Connection);
    Expect(KeSynchronizeExecution(Connection.Object, HoldOff, &Connection),
           "SCS-1, ISR-4 while a SynchCritSection runs, the routine does not");
    Expect(TestWaitCalls(&Connection, 1), "SCS-1 it runs when that has returned");
}

VOID CheckCalls(PTEST_DEVICE Device)
{
    RtlZeroMemory(&Used, sizeof(Used));
    KeInitializeDpc(&Used.Dpc, DpcRoutine, NULL);
    KeInitializeEvent(&Used.Event, SynchronizationEvent, FALSE);
    InitializeListHead(&Used.List);
    KeInitializeSpinLock(&Used.ListLock);
    IoInitializeDpcRequest(Device->Self, IoDpcRoutine);
    TestPrepareLine(&Connection, Device);
    Connection.Body = CallBody;
    if (!TestConnectOrFail(&Connection, "a line connects"))
        return;
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Connection, 1),
           "ISR-8, ISR-15 a routine quiets its device, reads clocks, stalls, prints, queues DPCs");
    KeWaitForSingleObject(&Used.Event, Executive, KernelMode, FALSE, NULL);
    TestSpinUntil(&Used.IoDpcRuns, 1, PENDING_MS);
    ExpectEqual(Used.Irql & 0xFF, TestLevel(Device), "ISR-15 KeGetCurrentIrql gives its DIRQL");
    Expect(Used.After.QuadPart > Used.Before.QuadPart && Used.Time != 0,
           "ISR-15 time passes while it stalls");
    ExpectEqual((ULONG)Used.EventState, 0, "ISR-16 KeReadStateEvent works at DIRQL");
    Expect(Used.Inserted && !Used.InsertedAgain && Used.DpcRuns == 1,
           "ISR-11, ISR-15 a DPC it queues twice runs once, after it");
    ExpectEqual((ULONG)Used.IoDpcRuns, 1, "ISR-15, ISR-8 IoRequestDpc has its DpcForIsr run");
    ExpectEqual((ULONG)Used.DpcIrql, DISPATCH_LEVEL,
                "DPG-1 the DPC runs at DISPATCH_LEVEL, where locks are taken by AtDpcLevel");
    Expect(Used.Synchronized && Used.Shared == 2, "SCS-2 a DPC calls KeSynchronizeExecution");
    ExpectEqual(Used.Irql >> 8, TestLevel(Device), "SCS-3 whose routine runs at the ISR's level");
    Expect(KeSynchronizeExecution(Connection.Object, TakeEntry, NULL),
           "ISR-14 what ExInterlockedInsertTailList put in, a SynchCritSection takes out");
    CheckSynchronized();
    TestDisconnect(&Connection);
}

/* ---- nesting -------------------------------------------------------------------------------- */

static volatile LONG NestedCalls;

static BOOLEAN NestBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (!TestAcknowledge(C->Device))
        return FALSE;
    TestRaise(Higher.Device, 0);
    TestSpinUntil(&Higher.Calls, 1, PENDING_MS);
    NestedCalls = Higher.Calls;
    return TRUE;
}

VOID CheckNesting(PTEST_DEVICE Line, PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Line, 0);
    TestPrepareFull(&Higher, Device, 0);
    Connection.Body = NestBody;
    if (!TestConnectOrFail(&Connection, "a line connects"))
        return;
    if (TestConnectOrFail(&Higher, "a message connects")) {
        Expect(FULL(&Higher).Irql > FULL(&Connection).Irql,
               "RES-IO-19 a device of high priority has a higher level");
        NestedCalls = 0;
        TestRaise(Line, 0);
        Expect(TestWaitCalls(&Connection, 1) && NestedCalls == 1,
               "ISR-5 an interrupt of a higher level is served while a routine runs");
        if (Higher.Processor == Connection.Processor)
            Expect(Higher.Stack < Connection.Stack, "ISR-5 on the same processor it nests on top");
        else
            ExpectSkip("ISR-5 on the same processor it nests on top", "on two processors");
        TestDisconnect(&Higher);
    }
    TestDisconnect(&Connection);
}
