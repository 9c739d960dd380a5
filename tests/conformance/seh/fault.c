/*
 * fault.c - faults as exceptions: in the driver, in a routine that it calls, in one that calls it.
 */
#include "seh.h"

#define NOWHERE ((PVOID)(ULONG_PTR)0x10) /* below what any driver may touch */
#define NONCANONICAL ((PVOID)(ULONG_PTR)0x8000000000000000)
#define INTERRUPTS_ON 0x200 /* RFLAGS */

/* ---- faults ---------------------------------------------------------------------------------- */

typedef struct _FAULT {
    VOID (*Routine)(VOID);
    NTSTATUS Code;
    PCSTR Name;
} FAULT;

static NOINLINE VOID CatchAccess(VOID (*Routine)(PVOID), PVOID Address, PEXCEPTION_RECORD Record)
{
    CONTEXT context;

    RtlZeroMemory(Record, sizeof(*Record));
    __try {
        Routine(Address);
    } __except (Remember(GetExceptionInformation(), Record, &context, EXCEPTION_EXECUTE_HANDLER)) {
    }
}

static VOID ExpectAccess(VOID (*Routine)(PVOID), PVOID Address, ULONG64 Kind, PVOID At, PCSTR Name)
{
    EXCEPTION_RECORD record;

    CatchAccess(Routine, Address, &record);
    Expect(record.ExceptionCode == STATUS_ACCESS_VIOLATION && record.NumberParameters == 2 &&
               record.ExceptionInformation[0] == Kind &&
               record.ExceptionInformation[1] == (ULONG64)At && record.ExceptionFlags == 0,
           Name);
}

VOID Read(PVOID Address)
{
    ReadLong(Address);
}

static VOID Write(PVOID Address)
{
    WriteLong(Address);
}

static NOINLINE VOID Call(PVOID Address)
{
    ((VOID(*)(VOID))Address)();
}

static VOID Compare(PVOID Address)
{
    ULONG bytes = 0;

    RtlCompareMemory(&bytes, Address, sizeof(bytes));
}

static ULONG64 Flags(VOID)
{
    ULONG64 flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    return flags;
}

static VOID ExecuteCase(PVOID Context)
{
    ((const FAULT *)Context)->Routine();
}

/* The addresses go through a volatile, so that the compiler does not know them. */
static PVOID volatile Null;
static PVOID volatile Low = NOWHERE;
static PVOID volatile Far = NONCANONICAL;

VOID CheckFaults(VOID)
{
    static const FAULT faults[] = {
        {DivideByZero, STATUS_INTEGER_DIVIDE_BY_ZERO, "a division by zero is caught"},
        {ExecuteUndefined, STATUS_ILLEGAL_INSTRUCTION, "an undefined instruction is caught"},
        {HitBreakpoint, STATUS_BREAKPOINT, "a breakpoint is caught"},
    };
    EXCEPTION_RECORD record;
    ULONG i;

    ExpectAccess(Read, Null, EXCEPTION_READ_FAULT, Null, "a read of address 0 is caught");
    ExpectAccess(Write, Low, EXCEPTION_WRITE_FAULT, Low, "a write of a user address is caught");
    ExpectAccess(Read, Far, EXCEPTION_READ_FAULT, (PVOID) ~(ULONG_PTR)0,
                 "a read of a non-canonical address is caught, as one of the highest");
    ExpectAccess(Call, Null, EXCEPTION_EXECUTE_FAULT, Null, "a call of address 0 is caught");
    ExpectAccess(Compare, Low, EXCEPTION_READ_FAULT, Low,
                 "a fault in a routine of the kernel is caught by its caller");
    for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        ExpectStatus(StatusOf(ExecuteCase, (PVOID)&faults[i]), faults[i].Code, faults[i].Name);
    CatchAccess(Read, Null, &record);
    Expect(record.ExceptionAddress == (PVOID)(ULONG_PTR)ReadLong,
           "the exception's address is that of the instruction");
    Expect((Flags() & INTERRUPTS_ON) != 0, "interrupts are on in a handler as they were before");
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL, "and the IRQL is unchanged");
}

/* ---- registers ------------------------------------------------------------------------------- */

static NOINLINE VOID CatchClobber(VOID)
{
    __try {
        ClobberAndRead(Null);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
}

static NOINLINE VOID CatchPrologue(VOID)
{
    __try {
        FaultInPrologue(Null);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
}

static NOINLINE VOID CatchEpilogue(VOID)
{
    __try {
        JumpInEpilogue(Null);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
}

VOID CheckRegisters(VOID)
{
    ExpectEqual(ChangedRegisters(CatchClobber), 0,
                "the handler's caller gets back RBX RBP RSI RDI R12-R15 and XMM6-15");
    ExpectEqual(ChangedRegisters(CatchPrologue), 0,
                "also from a fault in the middle of a prologue");
    ExpectEqual(ChangedRegisters(CatchEpilogue), 0, "and from one behind an epilogue");
}

/* ---- across the kernel ----------------------------------------------------------------------- */

static RTL_GENERIC_COMPARE_RESULTS NTAPI CompareThatRaises(PRTL_GENERIC_TABLE Table, PVOID First,
                                                           PVOID Second)
{
    UNREFERENCED_PARAMETER(Table);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    Step(1);
    Raise(OWN_STATUS);
    return GenericEqual;
}

static PVOID NTAPI AllocateNode(PRTL_GENERIC_TABLE Table, CLONG Size)
{
    UNREFERENCED_PARAMETER(Table);
    return ExAllocatePoolWithTag(NonPagedPool, Size, TEST_TAG);
}

static VOID NTAPI FreeNode(PRTL_GENERIC_TABLE Table, PVOID Node)
{
    UNREFERENCED_PARAMETER(Table);
    ExFreePoolWithTag(Node, TEST_TAG);
}

static RTL_GENERIC_TABLE Table;

static VOID Lookup(PVOID Key)
{
    RtlLookupElementGenericTable(&Table, Key);
}

static NOINLINE VOID CatchLookup(VOID)
{
    ULONG key = 2;

    __try {
        __try {
            Lookup(&key);
        } __finally {
            Step(2);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Step(3);
    }
}

static VOID Divide(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    DivideByZero();
}

static VOID NTAPI DivideInDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    *(PNTSTATUS)Context = StatusOf(Divide, NULL);
}

VOID CheckCallbacks(VOID)
{
    static KDPC dpc;
    static NTSTATUS status;
    ULONG key = 1;
    PVOID node;
    KIRQL irql;

    RtlInitializeGenericTable(&Table, CompareThatRaises, AllocateNode, FreeNode, NULL);
    node = RtlInsertElementGenericTable(&Table, &key, sizeof(key), NULL);
    Expect(node != NULL, "the first element of a table is not compared");
    Trail = 0;
    ExpectStatus(StatusOf(Lookup, &key), OWN_STATUS,
                 "what a callback raises reaches the caller of the routine that called it");
    Trail = 0;
    ExpectEqual(ChangedRegisters(CatchLookup), 0, "with the registers that the kernel had saved");
    ExpectEqual(Trail, 0x123, "and the driver's own __finally on the way");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = StatusOf(Divide, NULL);
    Expect(status == STATUS_INTEGER_DIVIDE_BY_ZERO && KeGetCurrentIrql() == DISPATCH_LEVEL,
           "a fault at DISPATCH_LEVEL is caught there");
    KeLowerIrql(irql);
    status = 0;
    KeInitializeDpc(&dpc, DivideInDpc, &status);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    ExpectStatus(status, STATUS_INTEGER_DIVIDE_BY_ZERO, "a DPC can catch what it did");
}
