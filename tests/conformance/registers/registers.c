/*
 * registers.c - conformance of the floating-point registers: what code that is interrupted keeps.
 *
 * A thread fills XMM0-15 and MXCSR, makes the edu interrupt, and spins in the same piece of
 * assembly until the ISR, its DPC, or a thread that the DPC wakes has overwritten them all. What
 * it then finds must be what it had.
 */
#include "suite.h"

#define MXCSR_AT_ENTRY 0x1F80  /* ISR-19 */
#define MXCSR_OF_THREAD 0x3FA0 /* rounds down, one flag is set */
#define MXCSR_OF_OTHERS 0x1FBF /* all flags set: the part of MXCSR that is volatile */
#define MXCSR_FLAGS 0x3F
#define EDU_INTERRUPT_RAISE 0x60
#define EDU_RAISED_BY_HAND 0x10
#define SPINS 2000000000u

typedef struct _REGISTERS {
    ULONG64 Xmm[16][2];
    ULONG Mxcsr;
} REGISTERS;

static TEST_CONNECTION Connection;
static REGISTERS Before, After;
static KDPC Dpc;
static KEVENT Event;
static volatile LONG Woken, Dpcs, Interruptions;
static volatile ULONG IsrMxcsr, DpcMxcsr;

static ULONG ReadMxcsr(VOID)
{
    ULONG value;

    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static VOID WriteMxcsr(ULONG Value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(Value));
}

/* What a routine may leave behind: the volatile registers. */
static VOID Overwrite(VOID)
{
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\t"
                     "movaps %%xmm0, %%xmm1\n\t"
                     "movaps %%xmm0, %%xmm2\n\t"
                     "movaps %%xmm0, %%xmm3\n\t"
                     "movaps %%xmm0, %%xmm4\n\t"
                     "movaps %%xmm0, %%xmm5"
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5");
    WriteMxcsr(MXCSR_OF_OTHERS);
}

/*
 * Loads Before, stores Value to *Trigger, spins until *Until is not 0, stores After. FALSE: it
 * stayed 0.
 */
static BOOLEAN Spin(volatile ULONG *Trigger, ULONG Value, volatile LONG *Until)
{
    ULONG mxcsr = ReadMxcsr(), spins = SPINS;

    __asm__ volatile("movups 0x00(%[in]), %%xmm0; movups 0x10(%[in]), %%xmm1\n\t"
                     "movups 0x20(%[in]), %%xmm2; movups 0x30(%[in]), %%xmm3\n\t"
                     "movups 0x40(%[in]), %%xmm4; movups 0x50(%[in]), %%xmm5\n\t"
                     "movups 0x60(%[in]), %%xmm6; movups 0x70(%[in]), %%xmm7\n\t"
                     "movups 0x80(%[in]), %%xmm8; movups 0x90(%[in]), %%xmm9\n\t"
                     "movups 0xA0(%[in]), %%xmm10; movups 0xB0(%[in]), %%xmm11\n\t"
                     "movups 0xC0(%[in]), %%xmm12; movups 0xD0(%[in]), %%xmm13\n\t"
                     "movups 0xE0(%[in]), %%xmm14; movups 0xF0(%[in]), %%xmm15\n\t"
                     "ldmxcsr 0x100(%[in])\n\t"
                     "movl %[value], (%[trigger])\n"
                     "1:\n\t"
                     "cmpl $0, (%[until])\n\t"
                     "jne 2f\n\t"
                     "decl %[spins]\n\t"
                     "jnz 1b\n"
                     "2:\n\t"
                     "stmxcsr 0x100(%[out])\n\t"
                     "movups %%xmm0, 0x00(%[out]); movups %%xmm1, 0x10(%[out])\n\t"
                     "movups %%xmm2, 0x20(%[out]); movups %%xmm3, 0x30(%[out])\n\t"
                     "movups %%xmm4, 0x40(%[out]); movups %%xmm5, 0x50(%[out])\n\t"
                     "movups %%xmm6, 0x60(%[out]); movups %%xmm7, 0x70(%[out])\n\t"
                     "movups %%xmm8, 0x80(%[out]); movups %%xmm9, 0x90(%[out])\n\t"
                     "movups %%xmm10, 0xA0(%[out]); movups %%xmm11, 0xB0(%[out])\n\t"
                     "movups %%xmm12, 0xC0(%[out]); movups %%xmm13, 0xD0(%[out])\n\t"
                     "movups %%xmm14, 0xE0(%[out]); movups %%xmm15, 0xF0(%[out])"
                     : [spins] "+r"(spins)
                     : [in] "r"(&Before), [out] "r"(&After), [trigger] "r"(Trigger),
                       [value] "r"(Value), [until] "r"(Until)
                     : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
                       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                       "xmm15");
    WriteMxcsr(mxcsr);
    return spins != 0;
}

static BOOLEAN Body(PTEST_CONNECTION Running, PKINTERRUPT Interrupt, ULONG MessageId)
{
    BOOLEAN claimed = TestAcknowledge(Running->Device);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    IsrMxcsr = ReadMxcsr();
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    InterlockedIncrement(&Interruptions);
    Overwrite();
    return claimed;
}

static VOID NTAPI DpcRoutine(PKDPC Object, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    DpcMxcsr = ReadMxcsr();
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    InterlockedIncrement(&Dpcs);
    Overwrite();
}

/* Above the spinning thread, on its processor: overwrites XMM6-15 too. */
static VOID Preempt(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), HIGH_PRIORITY);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Overwrite();
    __asm__ volatile("movaps %%xmm0, %%xmm6; movaps %%xmm0, %%xmm7; movaps %%xmm0, %%xmm8\n\t"
                     "movaps %%xmm0, %%xmm9; movaps %%xmm0, %%xmm10; movaps %%xmm0, %%xmm11\n\t"
                     "movaps %%xmm0, %%xmm12; movaps %%xmm0, %%xmm13; movaps %%xmm0, %%xmm14\n\t"
                     "movaps %%xmm0, %%xmm15"
                     :
                     :
                     : "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                       "xmm15");
    InterlockedIncrement(&Woken);
}

static VOID Prepare(VOID)
{
    ULONG i;

    for (i = 0; i < 16; i++) {
        Before.Xmm[i][0] = 0x0101010101010101 * (i + 1);
        Before.Xmm[i][1] = 0x8182838485868788 + i;
    }
    Before.Mxcsr = MXCSR_OF_THREAD;
    RtlZeroMemory(&After, sizeof(After));
    Interruptions = Dpcs = Woken = 0;
    IsrMxcsr = DpcMxcsr = 0;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Dpc, DpcRoutine, NULL);
}

static VOID CheckKept(volatile LONG *Until, PCSTR Volatile, PCSTR Others, PCSTR Control)
{
    ULONG value = 0x10;
    BOOLEAN interrupted =
        Spin((PULONG)(Connection.Device->Registers + EDU_INTERRUPT_RAISE), value, Until);

    Expect(interrupted && RtlCompareMemory(Before.Xmm[0], After.Xmm[0], 6 * 16) == 6 * 16,
           Volatile);
    Expect(interrupted && RtlCompareMemory(Before.Xmm[6], After.Xmm[6], 10 * 16) == 10 * 16,
           Others);
    ExpectEqual(After.Mxcsr, Before.Mxcsr, Control);
}

static VOID CheckIsrAndDpc(VOID)
{
    Prepare();
    CheckKept(&Interruptions, "ISR-18, ISR-19 code that an ISR interrupts keeps XMM0-5",
              "ISR-19 code that an ISR interrupts keeps XMM6-15",
              "ISR-19 code that an ISR interrupts keeps MXCSR");
    ExpectEqual(IsrMxcsr, MXCSR_AT_ENTRY, "ISR-19 an ISR starts with MXCSR 0x1F80");
    Prepare();
    CheckKept(&Dpcs, "code that a DPC interrupts keeps XMM0-5",
              "code that a DPC interrupts keeps XMM6-15", "code that a DPC interrupts keeps MXCSR");
    ExpectEqual(DpcMxcsr & ~MXCSR_FLAGS, MXCSR_AT_ENTRY,
                "a DPC that interrupts starts with the control bits of MXCSR 0x1F80");
}

static VOID CheckPreemption(ULONG Processor)
{
    TEST_THREAD thread;

    Prepare();
    if (!TestThreadStart(&thread, Processor, Preempt, NULL)) {
        Expect(FALSE, "a thread starts");
        return;
    }
    TestPause(20); /* it waits */
    CheckKept(&Woken, "a thread that another preempts keeps XMM0-5",
              "a thread that another preempts keeps XMM6-15",
              "a thread that another preempts keeps MXCSR");
    TestThreadJoin(&thread);
}

static VOID Run(VOID)
{
    TestPrepareMessage(&Connection, TestFind(TestKindEdu, 0), TRUE);
    Connection.Body = Body;
    if (!TestConnectOrFail(&Connection, "the edu connects"))
        return;
    Prepare();
    TestRaise(Connection.Device, 0); /* where does it interrupt? */
    Expect(TestWaitCalls(&Connection, 1), "the edu interrupts");
    TestGoTo(Connection.Processor);
    CheckIsrAndDpc();
    CheckPreemption(Connection.Processor);
    TestAnywhere();
    TestDisconnect(&Connection);
}

const TEST_GROUP TestGroup = {.Run = Run};
