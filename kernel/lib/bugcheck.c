/*
 * Bug check: report, then halt, reboot or leave. See lib/bugcheck.h.
 *
 * Runs once: the first CPU that arrives reports, others that arrive later stand still, and a fault
 * inside the report ends it where it is and goes on to the last step. Nothing here takes a lock,
 * waits or allocates.
 *
 * Owns: the report and its order. Owns not: which code a fault has (ke), freezing CPUs and leaving
 * the machine (arch), backtraces (backtrace.c), names (bugcheck_names.c) and meanings of codes
 * (bugcheck_meaning.c).
 */
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/log.h>
#include <lib/rawlock.h>
#include <lib/string.h>

enum {
    ASSERTION_CODE = 0xE2, /* MANUALLY_INITIATED_CRASH: no Windows code fits our own bugs better */
    OWNER_NONE = 0xFFFFFFFF,
    MEANING_MAX = 192,
};

enum bugcheck_stage { STAGE_REPORT, STAGE_CALLBACKS, STAGE_LEAVE, STAGE_STAND };

static struct {
    const struct bugcheck_machine *machine;
    bugcheck_callback_fn *run_callbacks;
    enum bugcheck_action action;
    volatile uint32_t owner; /* CPU that reports */
    volatile enum bugcheck_stage stage;
} bugcheck_state = {.owner = OWNER_NONE};

void lib_bugcheck_set_action(enum bugcheck_action action)
{
    bugcheck_state.action = action;
}

void lib_bugcheck_set_machine(const struct bugcheck_machine *machine)
{
    bugcheck_state.machine = machine;
}

void lib_bugcheck_set_callbacks(bugcheck_callback_fn *run)
{
    bugcheck_state.run_callbacks = run;
}

bool lib_bugcheck_in_progress(void)
{
    return bugcheck_state.owner != OWNER_NONE;
}

static uint32_t bugcheck_cpu(void)
{
    const struct bugcheck_machine *machine = bugcheck_state.machine;

    return machine != NULL && machine->cpu_number != NULL ? machine->cpu_number() : 0;
}

__attribute__((noreturn)) static void bugcheck_stand(void)
{
    for (;;) {
#if !__STDC_HOSTED__
        __asm__ volatile("cli\n\thlt" : : : "memory");
#else
        __builtin_trap();
#endif
    }
}

static void bugcheck_print_registers(const struct bugcheck_registers *r, uint32_t cpu)
{
    char name[96];

    lib_symbol_describe(r->rip, name, sizeof(name));
    log_info("cpu %u irql %lu rip %016lx %s", cpu, r->irql, r->rip, name);
    log_info("rax %016lx rbx %016lx rcx %016lx rdx %016lx", r->rax, r->rbx, r->rcx, r->rdx);
    log_info("rsi %016lx rdi %016lx rbp %016lx rsp %016lx", r->rsi, r->rdi, r->rbp, r->rsp);
    log_info("r8  %016lx r9  %016lx r10 %016lx r11 %016lx", r->r8, r->r9, r->r10, r->r11);
    log_info("r12 %016lx r13 %016lx r14 %016lx r15 %016lx", r->r12, r->r13, r->r14, r->r15);
    log_info("rfl %016lx cr0 %016lx cr2 %016lx cr3 %016lx cr4 %016lx", r->rflags, r->cr0, r->cr2,
             r->cr3, r->cr4);
}

/* caller: where lib_bugcheck() was called, when there are no registers. */
static void bugcheck_report(uint32_t code, const uint64_t parameters[4],
                            const struct bugcheck_registers *registers,
                            const struct bugcheck_registers *caller)
{
    char meaning[MEANING_MAX];

    log_info("*** STOP 0x%08X (%016lX,%016lX,%016lX,%016lX)", code, parameters[0], parameters[1],
             parameters[2], parameters[3]);
    log_info("*** %s", lib_bugcheck_name(code));
    if (lib_bugcheck_explain(code, parameters, meaning, sizeof(meaning))) {
        log_info("*** %s", meaning);
    }
    if (registers != NULL) {
        bugcheck_print_registers(registers, bugcheck_cpu());
    } else {
        log_info("cpu %u irql %lu", bugcheck_cpu(), caller->irql);
    }
    lib_backtrace(registers != NULL ? registers : caller, registers != NULL);
}

__attribute__((noreturn)) static void bugcheck_leave(void)
{
    const struct bugcheck_machine *machine = bugcheck_state.machine;

    bugcheck_state.stage = STAGE_STAND;
    if (machine != NULL && bugcheck_state.action == BUGCHECK_EXIT && machine->exit != NULL) {
        machine->exit(BUGCHECK_EXIT_CODE);
    }
    if (machine != NULL && bugcheck_state.action == BUGCHECK_REBOOT && machine->reboot != NULL) {
        machine->reboot();
    }
    bugcheck_stand();
}

/* A fault while reporting: give up that stage and go on with the next. */
__attribute__((noreturn)) static void bugcheck_again(uint32_t code, const uint64_t parameters[4])
{
    enum bugcheck_stage stage = bugcheck_state.stage;

    log_break_lock();
    if (stage <= STAGE_CALLBACKS) {
        bugcheck_state.stage = STAGE_LEAVE;
        log_info("*** STOP 0x%08X (%016lX,%016lX,%016lX,%016lX) while reporting the first", code,
                 parameters[0], parameters[1], parameters[2], parameters[3]);
    }
    if (stage != STAGE_STAND) {
        bugcheck_leave();
    }
    bugcheck_stand();
}

void lib_bugcheck(uint32_t code, uint64_t parameter1, uint64_t parameter2, uint64_t parameter3,
                  uint64_t parameter4, const struct bugcheck_registers *registers)
{
    const uint64_t parameters[4] = {parameter1, parameter2, parameter3, parameter4};
    uint32_t cpu = bugcheck_cpu();
    uint32_t expected = OWNER_NONE;
    const uint64_t *frame = __builtin_frame_address(0); /* caller's rbp, return address */
    struct bugcheck_registers caller = {
        .rip = frame[1], .rbp = frame[0], .rsp = (uintptr_t)(frame + 2)};

    raw_interrupts_save();
#if !__STDC_HOSTED__
    caller.irql = lib_irql_read();
#endif
    if (!__atomic_compare_exchange_n(&bugcheck_state.owner, &expected, cpu, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        if (expected != cpu) {
            bugcheck_stand();
        }
        bugcheck_again(code, parameters);
    }
    if (bugcheck_state.machine != NULL && bugcheck_state.machine->freeze_others != NULL) {
        bugcheck_state.machine->freeze_others();
    }
    log_break_lock();
    bugcheck_report(code, parameters, registers, &caller);
    bugcheck_state.stage = STAGE_CALLBACKS;
    if (bugcheck_state.run_callbacks != NULL) {
        bugcheck_state.run_callbacks();
    }
    bugcheck_leave();
}

void lib_assert_failed(const char *expression, const char *file, int line)
{
    log_error("assertion failed: %s, %s:%d", expression, file, line);
    lib_bugcheck(ASSERTION_CODE, (uintptr_t)expression, (uintptr_t)file, (uint64_t)line, 0, NULL);
}
