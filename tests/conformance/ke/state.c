/*
 * state.c - extended processor state that a driver saves, changes and restores; what the processor
 * is said to have.
 */
#include "ke.h"

#define X87 1 /* XSTATE_MASK_LEGACY_FLOATING_POINT */
#define SSE 2 /* XSTATE_MASK_LEGACY_SSE */

#define OWN_CONTROL 0x0B7F /* the default 0x037F, rounding up */
#define OWN_XMM 0x1234567890ABCDEFull

/* XMM6 is nonvolatile: gcc must be told. */
static VOID SetState(USHORT Control, ULONG64 Xmm)
{
    __asm__ volatile("fldcw %0\n\tmovq %1, %%xmm6" : : "m"(Control), "r"(Xmm) : "xmm6");
}

static VOID GetState(PUSHORT Control, PULONG64 Xmm)
{
    __asm__ volatile("fnstcw %0\n\tmovq %%xmm6, %1" : "=m"(*Control), "=r"(*Xmm));
}

typedef struct _STATE {
    USHORT Control;
    ULONG64 Xmm;
} STATE, *PSTATE;

/* Saves by the mask, changes both parts, restores; the state then. Before: Control 1, Xmm 1. */
static __attribute__((noinline)) NTSTATUS Cycle(ULONG64 Mask, PSTATE State)
{
    XSTATE_SAVE save;
    USHORT control;
    NTSTATUS status;
    ULONG64 xmm;

    GetState(&control, &xmm);
    SetState(OWN_CONTROL, OWN_XMM);
    status = KeSaveExtendedProcessorState(Mask, &save);
    if (status == STATUS_SUCCESS) {
        SetState(0x037F, 1);
        KeRestoreExtendedProcessorState(&save);
    }
    GetState(&State->Control, &State->Xmm);
    SetState(control, xmm);
    return status;
}

static VOID CheckCycle(ULONG64 Mask, PCSTR Name)
{
    BOOLEAN x87 = (Mask & X87) != 0, sse = (Mask & SSE) != 0;
    NTSTATUS status;
    STATE state;

    status = Cycle(Mask, &state);
    Expect(status == STATUS_SUCCESS && (state.Control == OWN_CONTROL) == x87 &&
               (state.Xmm == OWN_XMM) == sse,
           Name);
}

static VOID CheckSaves(VOID)
{
    KIRQL irql;

    CheckCycle(X87 | SSE, "KeRestoreExtendedProcessorState restores what "
                          "KeSaveExtendedProcessorState saved");
    CheckCycle(X87, "the x87 state alone, where only that was saved");
    CheckCycle(SSE, "or the SSE state alone");
    CheckCycle(0, "or nothing");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CheckCycle(X87 | SSE, "at DISPATCH_LEVEL, too");
    KeLowerIrql(irql);
    ExpectEqual(RtlGetEnabledExtendedFeatures(~0ull), 0,
                "RtlGetEnabledExtendedFeatures is 0 where XSAVE is not enabled");
}

static VOID CheckNested(VOID)
{
    XSTATE_SAVE outer, inner;
    USHORT control, then;
    ULONG64 middle, last;
    KIRQL irql;

    GetState(&control, &last);
    SetState(control, 10);
    KeSaveExtendedProcessorState(X87 | SSE, &outer);
    SetState(control, 20);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeSaveExtendedProcessorState(SSE, &inner);
    SetState(control, 30);
    KeRestoreExtendedProcessorState(&inner);
    GetState(&then, &middle);
    KeLowerIrql(irql);
    KeRestoreExtendedProcessorState(&outer);
    GetState(&then, &last);
    Expect(middle == 20 && last == 10, "saves nest, the inner one at a higher IRQL");
}

/* ---- floating point ------------------------------------------------------------------------- */

#define OWN_MXCSR 0x3F80 /* the initial 0x1F80, rounding down */
#define FRESH_MXCSR 0x1F80

typedef NTSTATUS(NTAPI *PFLOATING)(PVOID Save);

static ULONG Mxcsr(VOID)
{
    ULONG now;

    __asm__ volatile("stmxcsr %0" : "=m"(now));
    return now;
}

static VOID SetMxcsr(ULONG Value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(Value));
}

/* Macros in the headers of x64. */
static PFLOATING FloatingRoutine(BOOLEAN Restore)
{
    return (PFLOATING)TestRoutine(Restore ? L"KeRestoreFloatingPointState"
                                          : L"KeSaveFloatingPointState");
}

static VOID CheckFloating(KIRQL Level)
{
    PFLOATING save = FloatingRoutine(FALSE), restore = FloatingRoutine(TRUE);
    ULONG before = Mxcsr(), fresh, other, outer, after;
    NTSTATUS saved, restored;
    ULONG64 saves[2];
    KIRQL irql;

    KeRaiseIrql(Level, &irql);
    SetMxcsr(OWN_MXCSR);
    saved = save(&saves[0]);
    fresh = Mxcsr();
    SetMxcsr(FRESH_MXCSR | 0x6000);
    save(&saves[1]);
    restore(&saves[1]);
    outer = Mxcsr();
    other = FRESH_MXCSR | 0x6000;
    restored = restore(&saves[0]);
    after = Mxcsr();
    SetMxcsr(before);
    KeLowerIrql(irql);
    Expect(saved == STATUS_SUCCESS && fresh == FRESH_MXCSR,
           "KeSaveFloatingPointState gives the caller a fresh state");
    Expect(restored == STATUS_SUCCESS && after == OWN_MXCSR,
           "KeRestoreFloatingPointState brings the state back that was saved");
    ExpectEqual(outer, other, "saves of it nest");
}

/* ---- features ------------------------------------------------------------------------------- */

typedef struct _FEATURE {
    ULONG Index, Leaf;
    UCHAR Register, Bit; /* of CPUID: 1 EBX, 2 ECX, 3 EDX */
    PCSTR Name;
} FEATURE;

static VOID CheckFeatures(VOID)
{
    static const FEATURE features[] = {
        {2, 1, 3, 8, "PF_COMPARE_EXCHANGE_DOUBLE"},
        {3, 1, 3, 23, "PF_MMX_INSTRUCTIONS_AVAILABLE"},
        {6, 1, 3, 25, "PF_XMMI_INSTRUCTIONS_AVAILABLE"},
        {7, 0x80000001, 3, 31, "PF_3DNOW_INSTRUCTIONS_AVAILABLE"},
        {8, 1, 3, 4, "PF_RDTSC_INSTRUCTION_AVAILABLE"},
        {9, 1, 3, 6, "PF_PAE_ENABLED"},
        {10, 1, 3, 26, "PF_XMMI64_INSTRUCTIONS_AVAILABLE"},
        {12, 0x80000001, 3, 20, "PF_NX_ENABLED"},
        {13, 1, 2, 0, "PF_SSE3_INSTRUCTIONS_AVAILABLE"},
        {14, 1, 2, 13, "PF_COMPARE_EXCHANGE128"},
        {17, 1, 2, 27, "PF_XSAVE_ENABLED"},
        {28, 1, 2, 30, "PF_RDRAND_INSTRUCTION_AVAILABLE"},
        {32, 0x80000001, 3, 27, "PF_RDTSCP_INSTRUCTION_AVAILABLE"},
        {36, 1, 2, 9, "PF_SSSE3_INSTRUCTIONS_AVAILABLE"},
        {37, 1, 2, 19, "PF_SSE4_1_INSTRUCTIONS_AVAILABLE"},
        {38, 1, 2, 20, "PF_SSE4_2_INSTRUCTIONS_AVAILABLE"},
    };
    static DECLSPEC_ALIGN(16) struct {
        ULONG Words[128];
    } area;
    ULONG i, wrong = 0, words[4];

    for (i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        __asm__ volatile("cpuid"
                         : "=a"(words[0]), "=b"(words[1]), "=c"(words[2]), "=d"(words[3])
                         : "a"(features[i].Leaf), "c"(0));
        if (ExIsProcessorFeaturePresent(features[i].Index) !=
            (words[features[i].Register] >> features[i].Bit & 1)) {
            DbgPrint("# %s is wrong\n", features[i].Name);
            wrong++;
        }
    }
    ExpectEqual(wrong, 0, "ExIsProcessorFeaturePresent tells what CPUID tells");
    __asm__ volatile("fxsave64 %0" : "+m"(area));
    ExpectEqual(ExIsProcessorFeaturePresent(11), area.Words[7] >> 6 & 1,
                "PF_SSE_DAZ_MODE_AVAILABLE is what MXCSR_MASK tells");
    Expect(!ExIsProcessorFeaturePresent(15), "no x64 processor compares 64 bits to exchange 128");
    Expect(ExIsProcessorFeaturePresent(23), "PF_FASTFAIL_AVAILABLE is always there");
    Expect(!ExIsProcessorFeaturePresent(0) && !ExIsProcessorFeaturePresent(1),
           "no x64 processor has the Pentium's error or emulates floating point");
    Expect(!ExIsProcessorFeaturePresent(64) && !ExIsProcessorFeaturePresent(MAXULONG),
           "what is no feature is not present");
}

VOID CheckState(VOID)
{
    TestGoTo(0); /* the x87 state is the processor's */
    CheckSaves();
    CheckNested();
    CheckFloating(PASSIVE_LEVEL);
    CheckFloating(DISPATCH_LEVEL);
    TestAnywhere();
    CheckFeatures();
}

/* ---- stops ---------------------------------------------------------------------------------- */

static XSTATE_SAVE Save;

static VOID Restore(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeRestoreExtendedProcessorState(&Save);
}

VOID StopState(ULONG Number)
{
    static XSTATE_SAVE inner;
    static ULONG64 floating;
    TEST_THREAD thread;
    KIRQL irql;

    if (Number == 10) {
        ExpectStop(0x131, 0, 0, 0, 0x80000000,
                   "BC-131-1 KeSaveExtendedProcessorState of a feature that is not enabled");
        KeSaveExtendedProcessorState(1ull << 63, &Save);
    } else if (Number == 11) {
        KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
        ExpectStop(0x131, 1, DISPATCH_LEVEL + 1, 0, 0,
                   "BC-131-1 KeSaveExtendedProcessorState above DISPATCH_LEVEL");
        KeSaveExtendedProcessorState(SSE, &Save);
    } else if (Number == 12) {
        KeSaveExtendedProcessorState(SSE, &Save);
        ExpectStop(0x131, 3, (ULONG64)(ULONG_PTR)KeGetCurrentThread(), TEST_ANY, 0,
                   "BC-131-1 KeRestoreExtendedProcessorState in another thread");
        if (TestThreadStart(&thread, 0, Restore, NULL))
            TestThreadJoin(&thread);
    } else if (Number == 13) {
        KeSaveExtendedProcessorState(SSE, &Save);
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        ExpectStop(0x131, 4, PASSIVE_LEVEL, DISPATCH_LEVEL, 0,
                   "BC-131-1 KeRestoreExtendedProcessorState at another IRQL");
        Restore(NULL);
    } else if (Number == 14) {
        KeRaiseIrql(APC_LEVEL, &irql);
        KeSaveExtendedProcessorState(SSE, &Save);
        KeLowerIrql(irql);
        ExpectStop(0x131, 2, APC_LEVEL, PASSIVE_LEVEL, 0,
                   "BC-131-1 KeSaveExtendedProcessorState at a lower IRQL than the save around it");
        KeSaveExtendedProcessorState(SSE, &inner);
    } else {
        FloatingRoutine(FALSE)(&floating);
        KeRaiseIrql(APC_LEVEL, &irql);
        ExpectStop(0xE7, 1, PASSIVE_LEVEL, APC_LEVEL, 0,
                   "KeRestoreFloatingPointState at another IRQL than the save");
        FloatingRoutine(TRUE)(&floating);
    }
}
