/*
 * faults.c - what becomes of a driver that breaks the machine: the bug check and its parameters.
 *
 * Every case is a stop, since none of them returns. Each says first what it expects, with the
 * addresses of its own instructions and data. Exceptions come last: tests/qemu/test_faults.py
 * judges those, the others are in runs.toml.
 */
#include "suite.h"

#define OWN_TAG 0x206E774F     /* "Own " */
#define STRANGE_TAG 0x67727453 /* "Strg" */
#define OWN_CODE 0x0BADD00D

/* No system maps anything there. */
#define LAST_PAGE ((PVOID)0xFFFFFFFFFFFFF000)
#define SHARED_USER_DATA ((PVOID)0xFFFFF78000000000)

static const ULONG Constant = 0x12345678;
static UCHAR CodeInData[16] = {0xC3}; /* ret */
static TEST_CONNECTION Connection;
static KDPC Dpc;

/* A load and a store at known addresses. */
__asm__("ReadByte:\n\t"
        "movb (%rcx), %al\n\t"
        "ret\n"
        "WriteByte:\n\t"
        "movb $0, (%rcx)\n\t"
        "ret\n"
        "Divide:\n\t"
        "xorl %ecx, %ecx\n\t"
        "movl %ecx, %eax\n\t"
        "cltd\n"
        "DivideInstruction:\n\t"
        "idivl %ecx\n\t"
        "ret\n"
        "Undefined:\n\t"
        "ud2\n"
        "Breakpoint:\n\t"
        "int3\n\t"
        "ret\n");
UCHAR ReadByte(PVOID Address) __asm__("ReadByte");
VOID WriteByte(PVOID Address) __asm__("WriteByte");
VOID Divide(VOID) __asm__("Divide");
VOID DivideInstruction(VOID) __asm__("DivideInstruction");
VOID Undefined(VOID) __asm__("Undefined");
VOID Breakpoint(VOID) __asm__("Breakpoint");

/* ---- bad addresses at a raised level ------------------------------------------------------- */

/* A chain of three functions, none of which is inlined or left early: for the backtrace. */
static __attribute__((noinline)) VOID ChainInner(VOID)
{
    ReadByte(NULL);
    __asm__ volatile("");
}

static __attribute__((noinline)) VOID ChainMiddle(VOID)
{
    ChainInner();
    __asm__ volatile("");
}

static VOID ChainOuter(VOID)
{
    KIRQL irql;

    DbgPrint("expect stop 0x000000D1 0 2 0 %p - BC-1, BC-4, IRQ-9 a driver that reads address 0 at "
             "DISPATCH_LEVEL\n",
             ReadByte);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ChainMiddle();
    KeLowerIrql(irql);
}

static VOID WriteAtHighLevel(VOID)
{
    KIRQL irql;

    DbgPrint("expect stop 0x000000D1 %p F 1 %p - BC-1, IRQ-9 a driver that writes where nothing is "
             "mapped at HIGH_LEVEL\n",
             LAST_PAGE, WriteByte);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    WriteByte(LAST_PAGE);
}

static VOID CallNowhereAtDispatch(VOID)
{
    VOID (*volatile nowhere)(VOID) = (VOID(*)(VOID))(ULONG_PTR)0x1000;
    KIRQL irql;

    DbgPrint("expect stop 0x000000D1 1000 2 8 1000 - BC-1, IRQ-9 a driver that calls a user "
             "address at DISPATCH_LEVEL\n");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    nowhere();
}

static VOID KernelReadsAtDispatch(VOID)
{
    ULONG64 other = 0;
    KIRQL irql;

    DbgPrint("expect stop 0x0000000A %p 2 0 * - BC-1, BC-4, IRQ-9 a kernel routine that a driver "
             "gives a bad address at DISPATCH_LEVEL\n",
             LAST_PAGE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    (VOID) RtlCompareMemory(LAST_PAGE, &other, sizeof(other));
}

static VOID NTAPI DpcRoutine(PKDPC Object, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    ReadByte(Context);
}

static VOID ReadInDpc(VOID)
{
    DbgPrint("expect stop 0x000000D1 %p 2 0 %p - BC-1, IRQ-9 a DPC that reads where nothing is "
             "mapped\n",
             LAST_PAGE, ReadByte);
    KeInitializeDpc(&Dpc, DpcRoutine, LAST_PAGE);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    TestPause(1000);
}

static BOOLEAN ReadBody(PTEST_CONNECTION Running, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Running);
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    DbgPrint("expect stop 0x000000D1 %p %X 0 %p - BC-1, IRQ-9 an interrupt service routine that "
             "reads where nothing is mapped\n",
             LAST_PAGE, KeGetCurrentIrql(), ReadByte);
    return ReadByte(LAST_PAGE);
}

static VOID ReadInIsr(VOID)
{
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);

    TestPrepareFull(&Connection, device, 0);
    Connection.Body = ReadBody;
    if (!NT_SUCCESS(TestConnect(&Connection)))
        return;
    TestRaise(device, 0);
    TestPause(1000);
}

/* ---- at PASSIVE_LEVEL ---------------------------------------------------------------------- */

static VOID ReadUnmapped(VOID)
{
    DbgPrint("expect stop 0x00000050 %p 0 %p * - BC-1 a driver that reads a system address where "
             "nothing is mapped\n",
             LAST_PAGE, ReadByte);
    ReadByte(LAST_PAGE);
}

static VOID WriteUnmapped(VOID)
{
    DbgPrint("expect stop 0x00000050 %p 2 %p * - BC-1 a driver that writes a system address where "
             "nothing is mapped\n",
             LAST_PAGE, WriteByte);
    WriteByte(LAST_PAGE);
}

static VOID WriteReadOnly(PVOID Address, PCSTR Name)
{
    DbgPrint("expect stop 0x000000BE %p * * * - BC-1 %s\n", Address, Name);
    WriteByte(Address);
}

static VOID WriteConstant(VOID)
{
    WriteReadOnly((PVOID)&Constant, "a driver that writes its own read-only data");
}

static VOID WriteCode(VOID)
{
    WriteReadOnly((PVOID)(ULONG_PTR)WriteByte, "a driver that writes its own code");
}

static VOID WriteSharedUserData(VOID)
{
    WriteReadOnly(SHARED_USER_DATA, "a driver that writes the shared user data");
}

static VOID Execute(PVOID Address, PCSTR Name)
{
    VOID (*volatile code)(VOID) = (VOID(*)(VOID))(ULONG_PTR)Address;

    DbgPrint("expect stop 0x000000FC %p * * * - BC-1 %s\n", Address, Name);
    code();
}

static VOID ExecuteData(VOID)
{
    Execute(CodeInData, "a driver that calls what is in its data section");
}

static VOID ExecutePool(VOID)
{
    PUCHAR block = ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, OWN_TAG);

    block[0] = 0xC3;
    Execute(block, "a driver that calls what is in NonPagedPoolNx");
}

static VOID ExecuteStack(VOID)
{
    volatile UCHAR code[16];

    code[0] = 0xC3;
    Execute((PVOID)code, "a driver that calls what is on its stack");
}

static __attribute__((noinline)) ULONG Recurse(volatile ULONG *Above)
{
    volatile ULONG here[256];

    here[0] = *Above + 1;
    return here[0] == 0 ? 0 : Recurse(here) + here[0];
}

static VOID OverflowStack(VOID)
{
    volatile ULONG depth = 0;

    DbgPrint("expect stop 0x0000007F 8 * * * - BC-1 a driver that overflows its stack runs into "
             "the guard page: a double fault\n");
    Recurse(&depth);
}

static VOID RecurseInThread(PVOID Depth)
{
    Recurse(Depth);
}

static VOID OverflowThreadStack(VOID)
{
    volatile ULONG depth = 0;
    TEST_THREAD thread;

    DbgPrint("expect stop 0x0000007F 8 * * * - BC-1 a system thread that overflows its stack runs "
             "into the guard page: a double fault\n");
    if (TestThreadStart(&thread, 0, RecurseInThread, (PVOID)&depth))
        TestThreadJoin(&thread);
}

static VOID FastFail(VOID)
{
    enum { FAST_FAIL_CORRUPT_LIST_ENTRY = 3 };

    DbgPrint("expect stop 0x00000139 3 * * * - BC-1 a driver whose fast fail says that a list is "
             "damaged\n");
    __asm__ volatile("int $0x29" : : "c"(FAST_FAIL_CORRUPT_LIST_ENTRY));
}

/* ---- pool ---------------------------------------------------------------------------------- */

static VOID FreeWithOtherTag(VOID)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPool, 100, OWN_TAG);

    DbgPrint("expect stop 0x000000C2 A %p %X %X - BC-C2-1 a block freed with another tag\n", block,
             OWN_TAG, STRANGE_TAG);
    ExFreePoolWithTag(block, STRANGE_TAG);
}

static VOID FreeTwice(VOID)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPool, 100, OWN_TAG);

    DbgPrint("expect stop 0x000000C2 7 * * %p - BC-C2-1 a block freed twice\n", block);
    ExFreePoolWithTag(block, OWN_TAG);
    ExFreePoolWithTag(block, OWN_TAG);
}

static VOID FreeForeign(VOID)
{
    DbgPrint("expect stop 0x000000C2 46 %p * * - BC-C2-1 an address of the image freed as a "
             "block\n",
             CodeInData);
    ExFreePoolWithTag(CodeInData, OWN_TAG);
}

static VOID FreeUserAddress(VOID)
{
    DbgPrint("expect stop 0x000000C2 40 10000 * * - BC-C2-1 a user address freed as a block\n");
    ExFreePoolWithTag((PVOID)(ULONG_PTR)0x10000, OWN_TAG);
}

/* ---- asked for ----------------------------------------------------------------------------- */

static VOID AskWithParameters(VOID)
{
    DbgPrint("expect stop 0x%08X 1 22 333 FFFFFFFFFFFFFFFF - BC-6 KeBugCheckEx with a code of the "
             "driver's own\n",
             OWN_CODE);
    KeBugCheckEx(OWN_CODE, 1, 0x22, 0x333, (ULONG_PTR)-1);
}

static VOID AskWithout(VOID)
{
    DbgPrint("expect stop 0x000000E2 0 0 0 0 - BC-6 KeBugCheck has no parameters\n");
    KeBugCheck(MANUALLY_INITIATED_CRASH);
}

/* ---- exceptions that nobody handles -------------------------------------------------------- */

static VOID ExpectException(NTSTATUS Code, PVOID Address, PCSTR Name)
{
    DbgPrint("expect stop 0x0000007E %X %p * * - BC-1 a system thread that %s\n", Code, Address,
             Name);
}

static VOID ReadNull(VOID)
{
    ExpectException(STATUS_ACCESS_VIOLATION, ReadByte, "reads address 0");
    ReadByte(NULL);
}

static VOID WriteUser(VOID)
{
    ExpectException(STATUS_ACCESS_VIOLATION, WriteByte, "writes a user address");
    WriteByte((PVOID)(ULONG_PTR)0x12345678);
}

static VOID ReadNonCanonical(VOID)
{
    ExpectException(STATUS_ACCESS_VIOLATION, ReadByte, "reads an address that is not canonical");
    ReadByte((PVOID)(ULONG_PTR)0x8000000000000000);
}

static VOID DivideByZero(VOID)
{
    ExpectException(STATUS_INTEGER_DIVIDE_BY_ZERO, DivideInstruction, "divides by zero");
    Divide();
}

static VOID ExecuteUndefined(VOID)
{
    ExpectException(STATUS_ILLEGAL_INSTRUCTION, Undefined, "meets an undefined instruction");
    Undefined();
}

static VOID HitBreakpoint(VOID)
{
    ExpectException(STATUS_BREAKPOINT, Breakpoint, "meets a breakpoint");
    Breakpoint();
}

static VOID NTAPI DivideRoutine(PKDPC Object, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    Divide();
}

static VOID DivideInDpc(VOID)
{
    DbgPrint("expect stop 0x0000001E %X %p 0 0 - BC-1 a DPC that divides by zero\n",
             STATUS_INTEGER_DIVIDE_BY_ZERO, DivideInstruction);
    KeInitializeDpc(&Dpc, DivideRoutine, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    TestPause(1000);
}

static VOID Stop(ULONG Number)
{
    static VOID (*const cases[])(VOID) = {
        ChainOuter,
        WriteAtHighLevel,
        CallNowhereAtDispatch,
        KernelReadsAtDispatch,
        ReadInDpc,
        ReadInIsr,
        ReadUnmapped,
        WriteUnmapped,
        WriteConstant,
        WriteCode,
        WriteSharedUserData,
        ExecuteData,
        ExecutePool,
        ExecuteStack,
        OverflowStack,
        FastFail,
        FreeWithOtherTag,
        FreeTwice,
        FreeForeign,
        FreeUserAddress,
        AskWithParameters,
        AskWithout,
        ReadNull,
        WriteUser,
        ReadNonCanonical,
        DivideByZero,
        ExecuteUndefined,
        HitBreakpoint,
        OverflowThreadStack,
        DivideInDpc,
    };

    if (Number < sizeof(cases) / sizeof(cases[0]))
        cases[Number]();
}

const TEST_GROUP TestGroup = {.Stop = Stop};
