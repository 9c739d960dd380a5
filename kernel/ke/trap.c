/*
 * ke/trap.c - exceptions: what each becomes, in Windows' words.
 *
 * What a driver may catch is raised as an exception, ke/exception.c. The rest is a bug check whose
 * code tells the kernel's own faults (0xA) from a driver's (0xD1) and bad levels from bad
 * addresses, with the parameters the Windows documentation of each code lists (spec H.3).
 */
#include <hal/exception.h>
#include <hal/hal.h>
#include <hal/upcall.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/log.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "ke/exception.h"
#include "ke/ke.h"
#include "ke/nmi.h"
#include "mm/pool.h"

/* SDM 3A "Exception and Interrupt Vectors" 6.3 */
enum trap_vector {
    TRAP_DIVIDE = 0,
    TRAP_DEBUG = 1,
    TRAP_NMI = 2,
    TRAP_BREAKPOINT = 3,
    TRAP_OVERFLOW = 4,
    TRAP_BOUND = 5,
    TRAP_INVALID_OPCODE = 6,
    TRAP_DOUBLE_FAULT = 8,
    TRAP_PAGE_FAULT = 14,
    TRAP_X87 = 16,
    TRAP_FIRST_FORGEABLE = 16, /* the local APIC refuses lower vectors: SDM 3A 11.5.2 */
    TRAP_ALIGNMENT = 17,
    TRAP_MACHINE_CHECK = 18,
    TRAP_SIMD = 19,
    TRAP_FAST_FAIL = 0x29, /* MSVC __fastfail: code in RCX */
    TRAP_ASSERTION = 0x2C, /* DbgRaiseAssertionFailure */
};

/* SDM 3A "Page-Fault Exceptions" 4.7: error code bits */
enum { FAULT_PRESENT = 1 << 0, FAULT_WRITE = 1 << 1, FAULT_FETCH = 1 << 4 };

uint64_t ke_forged_exceptions;

static void registers_from(const struct hal_trap_frame *f, struct bugcheck_registers *r)
{
    *r = (struct bugcheck_registers){
        .rax = f->rax,
        .rbx = f->rbx,
        .rcx = f->rcx,
        .rdx = f->rdx,
        .rsi = f->rsi,
        .rdi = f->rdi,
        .rbp = f->rbp,
        .rsp = f->rsp,
        .r8 = f->r8,
        .r9 = f->r9,
        .r10 = f->r10,
        .r11 = f->r11,
        .r12 = f->r12,
        .r13 = f->r13,
        .r14 = f->r14,
        .r15 = f->r15,
        .rip = f->rip,
        .rflags = f->rflags,
        .cs = f->cs,
        .ss = f->ss,
        .cr2 = hal_fault_address(),
        .irql = hal_irql_read(),
    };
    hal_control_registers(&r->cr0, &r->cr3, &r->cr4);
}

static uint32_t special_fault_code(bool is_freed, bool in_kernel)
{
    if (is_freed)
        return in_kernel ? PAGE_FAULT_IN_FREED_SPECIAL_POOL
                         : DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    return in_kernel ? PAGE_FAULT_BEYOND_END_OF_ALLOCATION
                     : DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION;
}

static uint64_t fault_access(uint64_t error)
{
    return (error & FAULT_WRITE ? EXCEPTION_WRITE_FAULT : 0) |
           (error & FAULT_FETCH ? EXCEPTION_EXECUTE_FAULT : 0);
}

/* The bug checks of page faults; returns for one that is an exception: of a user address. */
static void page_fault(const struct hal_trap_frame *frame,
                       const struct bugcheck_registers *registers)
{
    uint64_t error = frame->error_code;
    uint64_t fault = registers->cr2;
    bool is_freed;

    if (error & FAULT_FETCH && error & FAULT_PRESENT)
        lib_bugcheck(ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, fault, hal_page_entry(fault), 0, 0,
                     registers);
    if (error & FAULT_WRITE && error & FAULT_PRESENT)
        lib_bugcheck(ATTEMPTED_WRITE_TO_READONLY_MEMORY, fault, hal_page_entry(fault), 0, 0,
                     registers);
    if (mm_pool_special_fault(fault, &is_freed))
        lib_bugcheck(special_fault_code(is_freed, lib_address_in_kernel(frame->rip)), fault,
                     error & FAULT_WRITE ? 1 : 0, frame->rip, 0, registers);
    if (registers->irql >= DISPATCH_LEVEL)
        lib_bugcheck(lib_address_in_kernel(frame->rip) ? IRQL_NOT_LESS_OR_EQUAL
                                                       : DRIVER_IRQL_NOT_LESS_OR_EQUAL,
                     fault, registers->irql, fault_access(error), frame->rip, registers);
    if (fault < HAL_DIRECT_MAP_BASE)
        return;
    lib_bugcheck(PAGE_FAULT_IN_NONPAGED_AREA, fault,
                 (error & FAULT_WRITE ? 2 : 0) | (error & FAULT_FETCH ? 0x10 : 0), frame->rip, 0,
                 registers);
}

/*
 * WDK "Bug Check 0x9C": bank, address of a record that is not kept here, status high, status low.
 */
static _Noreturn void machine_check(const struct bugcheck_registers *registers)
{
    uint64_t status = 0;
    uint32_t bank = 0;

    if (!hal_machine_check_read(&bank, &status))
        bank = status = 0;
    lib_bugcheck(MACHINE_CHECK_EXCEPTION, bank, 0, status >> 32, (uint32_t)status, registers);
}

static NTSTATUS exception_code(uint64_t vector)
{
    switch (vector) {
    case TRAP_DIVIDE:
        return STATUS_INTEGER_DIVIDE_BY_ZERO;
    case TRAP_DEBUG:
        return STATUS_SINGLE_STEP;
    case TRAP_BREAKPOINT:
        return STATUS_BREAKPOINT;
    case TRAP_OVERFLOW:
        return STATUS_INTEGER_OVERFLOW;
    case TRAP_BOUND:
        return STATUS_ARRAY_BOUNDS_EXCEEDED;
    case TRAP_INVALID_OPCODE:
        return STATUS_ILLEGAL_INSTRUCTION;
    case TRAP_ALIGNMENT:
        return STATUS_DATATYPE_MISALIGNMENT;
    case TRAP_ASSERTION:
        return STATUS_ASSERTION_FAILURE;
    default: /* #GP and the segment faults: Windows reports an access violation */
        return STATUS_ACCESS_VIOLATION;
    }
}

/* A breakpoint is reported at its INT3, which the CPU has passed. */
static uint64_t exception_instruction(const struct hal_trap_frame *frame)
{
    return frame->vector == TRAP_BREAKPOINT ? frame->rip - 1 : frame->rip;
}

static void context_from(const struct hal_trap_frame *f, PCONTEXT c)
{
    hal_context_capture(c); /* segments, x87 and XMM6-15, which the kernel does not touch */
    c->MxCsr = c->FltSave.MxCsr = f->mxcsr;
    memcpy(&c->Xmm0, f->xmm, sizeof(f->xmm));
    c->EFlags = (ULONG)f->rflags;
    c->Rax = f->rax;
    c->Rcx = f->rcx;
    c->Rdx = f->rdx;
    c->Rbx = f->rbx;
    c->Rsp = f->rsp;
    c->Rbp = f->rbp;
    c->Rsi = f->rsi;
    c->Rdi = f->rdi;
    c->R8 = f->r8;
    c->R9 = f->r9;
    c->R10 = f->r10;
    c->R11 = f->r11;
    c->R12 = f->r12;
    c->R13 = f->r13;
    c->R14 = f->r14;
    c->R15 = f->r15;
    c->Rip = exception_instruction(f);
}

static _Noreturn void raise_exception(const struct hal_trap_frame *frame,
                                      const struct bugcheck_registers *registers)
{
    EXCEPTION_RECORD record = {.ExceptionCode = exception_code(frame->vector),
                               .ExceptionAddress = (PVOID)exception_instruction(frame)};
    CONTEXT context;

    if (record.ExceptionCode == STATUS_ACCESS_VIOLATION) {
        bool known = frame->vector == TRAP_PAGE_FAULT;

        /* A fault without an address, such as #GP: Windows reports a read of the highest one. */
        record.NumberParameters = 2;
        record.ExceptionInformation[0] = known ? fault_access(frame->error_code) : 0;
        record.ExceptionInformation[1] = known ? registers->cr2 : UINT64_MAX;
    }
    context_from(frame, &context);
    hal_interrupts_restore(frame->rflags);
    ke_exception_raise(&record, &context, true, registers);
}

/*
 * A device can write any vector from 16 on to where messages go. The local APIC has such a vector
 * in service, which it never has for an exception or an INT instruction: the interrupted code has
 * done nothing, and goes on. Said once for each vector. An NMI has no in-service bit: one that a
 * message sends cannot be told from the machine's, and only remapping keeps it away.
 */
static bool is_forged(const struct hal_trap_frame *frame)
{
    static uint64_t said;
    vector_t vector = {(uint8_t)frame->vector};
    uint64_t bit = 1ull << vector.value;

    if (vector.value < TRAP_FIRST_FORGEABLE || !hal_apic_in_service(vector))
        return false;
    if (!(__atomic_fetch_or(&said, bit, __ATOMIC_RELAXED) & bit))
        log_warn("irq: CPU %u: a message forges exception 0x%02x; ignored", pcr_self()->number,
                 vector.value);
    __atomic_add_fetch(&ke_forged_exceptions, 1, __ATOMIC_RELAXED);
    hal_apic_eoi();
    return true;
}

HAL_UPCALL void ke_trap(struct hal_trap_frame *frame)
{
    struct bugcheck_registers registers;

    if (is_forged(frame))
        return;
    if (frame->vector == TRAP_NMI) {
        hal_cpu_freeze_point(); /* a bug check elsewhere stops this CPU here, and counts it */
        if (ke_nmi_offer())
            return;
    }
    registers_from(frame, &registers);
    switch (frame->vector) {
    case TRAP_NMI:
        lib_bugcheck(NMI_HARDWARE_FAILURE, 0x4F4454, 0, 0, 0, &registers);
    case TRAP_DOUBLE_FAULT:
    case TRAP_X87:
    case TRAP_SIMD:
        lib_bugcheck(UNEXPECTED_KERNEL_MODE_TRAP, frame->vector, frame->error_code, 0, 0,
                     &registers);
    case TRAP_MACHINE_CHECK:
        machine_check(&registers);
    case TRAP_PAGE_FAULT:
        page_fault(frame, &registers);
        raise_exception(frame, &registers);
    case TRAP_FAST_FAIL:
        lib_bugcheck(KERNEL_SECURITY_CHECK_FAILURE, frame->rcx, (uint64_t)frame, 0, 0, &registers);
    default:
        raise_exception(frame, &registers);
    }
}

/* WDK surface */

VOID NTAPI KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
                        ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3,
                        ULONG_PTR BugCheckParameter4)
{
    lib_bugcheck(BugCheckCode, BugCheckParameter1, BugCheckParameter2, BugCheckParameter3,
                 BugCheckParameter4, NULL);
}
LDR_EXPORT(KeBugCheckEx);

VOID NTAPI KeBugCheck(ULONG BugCheckCode)
{
    lib_bugcheck(BugCheckCode, 0, 0, 0, 0, NULL);
}
LDR_EXPORT(KeBugCheck);
