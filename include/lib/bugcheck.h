/*
 * Bug check: the end of the machine, told in Windows' words.
 *
 *   dirql: *** STOP 0x000000D1 (0000000000000000,0000000000000002,...)
 *   dirql: *** DRIVER_IRQL_NOT_LESS_OR_EQUAL
 *   dirql: *** edu.sys+0x1234 used 0x0 at IRQL 0x2, where no memory is
 *   registers, IRQL, CPU, backtrace with kernel symbols and driver.sys+offset
 *
 * then the registered bug check callbacks, then halt, reboot or leaving QEMU, as the command line
 * option bugcheck=halt|reboot|exit says. KeBugCheckEx calls this; so does the trap code.
 *
 * The library is the lowest layer, so what it needs of the machine and of the loader is handed to
 * it: arch registers struct bugcheck_machine, the loader its image lookup, ke its unwinder and
 * callback runner. Each is optional; without them the bug check says less and halts.
 */
#ifndef LIB_BUGCHECK_H
#define LIB_BUGCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bugcheck_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
    uint64_t cs, ss;
    uint64_t cr0, cr2, cr3, cr4;
    uint64_t irql; /* CR8 at the time of the fault */
};

enum bugcheck_action {
    BUGCHECK_HALT,
    BUGCHECK_REBOOT,
    BUGCHECK_EXIT, /* isa-debug-exit, code below */
};

enum { BUGCHECK_EXIT_CODE = 0x13 }; /* QEMU's exit status: 2 * 0x13 + 1 = 39 */

/* Filled in by arch; any member may be NULL. All are called with interrupts off. */
struct bugcheck_machine {
    void (*freeze_others)(
        void); /* NMI to all other CPUs; returns when they stand or after a bound */
    uint32_t (*cpu_number)(void);
    void (*reboot)(void);
    void (*exit)(uint32_t code); /* isa-debug-exit; returns when there is none */
};

/*
 * Describes an address of a driver image: base, size and name ("edu.sys"). False: not ours. Called
 * with the machine stopped: no locks.
 */
struct bugcheck_image {
    uint64_t base;
    uint64_t size;
    const char *name;
    uint32_t functions_rva; /* exception directory; size 0: none */
    uint32_t functions_size;
};
typedef bool bugcheck_image_fn(uint64_t address, struct bugcheck_image *image);

/*
 * One step up the stack by unwind data: rip, rsp and the registers saved move to the caller. *exact
 * in and out: rip is the next instruction to run, not a return address.
 */
typedef bool bugcheck_unwind_fn(struct bugcheck_registers *registers, bool *exact);

/* Runs the registered KBUGCHECK_CALLBACK_RECORDs; at most once. */
typedef void bugcheck_callback_fn(void);

/* Never returns. registers: the state to report, NULL for the caller's own. */
__attribute__((noreturn, cold)) void lib_bugcheck(uint32_t code, uint64_t parameter1,
                                                  uint64_t parameter2, uint64_t parameter3,
                                                  uint64_t parameter4,
                                                  const struct bugcheck_registers *registers);

void lib_bugcheck_set_action(enum bugcheck_action action);
void lib_bugcheck_set_machine(const struct bugcheck_machine *machine);
void lib_bugcheck_set_image_lookup(bugcheck_image_fn *lookup);
void lib_bugcheck_set_unwinder(bugcheck_unwind_fn *unwind);
void lib_bugcheck_set_callbacks(bugcheck_callback_fn *run);

/* True from the first bug check on: the console polls, locks are not waited for. */
bool lib_bugcheck_in_progress(void);

/* "DRIVER_IRQL_NOT_LESS_OR_EQUAL"; "UNKNOWN_BUG_CHECK" for a code without a name here. */
const char *lib_bugcheck_name(uint32_t code);

/*
 * What the parameters say, as a sentence: addresses of code described. False:
 * nothing is known of this code. Any IRQL.
 */
bool lib_bugcheck_explain(uint32_t code, const uint64_t parameters[4], char *buffer, size_t size);

/*
 * "symbol+0x1f", "edu.sys+0x1234" or the bare number. The kernel's symbol table is linked in by
 * the build; the loader's lookup answers for drivers.
 */
void lib_symbol_describe(uint64_t address, char *buffer, size_t size);

/* The driver image that holds an address. Any IRQL. */
bool lib_image_find(uint64_t address, struct bugcheck_image *image);

/* In the code of the kernel itself, not of a driver. */
bool lib_address_in_kernel(uint64_t address);

/*
 * The backtrace from there, one log line a frame. exact: rip is an instruction that was to run, not
 * a return address.
 */
void lib_backtrace(const struct bugcheck_registers *registers, bool exact);

#endif
