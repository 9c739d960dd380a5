/*
 * Symbols and backtraces.
 *
 * Kernel addresses are named by the symbol table that the build links in (sorted addresses, offsets
 * into one block of names); driver addresses by the loader's lookup. Frames are walked by unwind
 * data, kernel/ke/unwind.c; where there is none, or it gives up, the frame-pointer chain is tried,
 * and a step that does not look like one ends the walk.
 *
 * A walk runs in a machine that may be broken: each read is checked to lie near the stack pointer
 * it started from, and the number of frames is bounded.
 */
#include <lib/bugcheck.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

enum {
    BACKTRACE_FRAMES_MAX = 32,
    BACKTRACE_STACK_SPAN = 64 * 1024, /* no kernel stack is larger */
};

#define KERNEL_HALF_FIRST 0xFFFF800000000000ull

/* The symbol table; a link without one leaves the count undefined. */
extern const uint32_t kernel_symbol_count __attribute__((weak));
extern const uint64_t kernel_symbol_addresses[] __attribute__((weak));
extern const uint32_t kernel_symbol_name_offsets[] __attribute__((weak));
extern const char kernel_symbol_names[] __attribute__((weak));

/* Ends of the kernel's code: linker.ld. */
extern const char kernel_text_start[] __attribute__((weak));
extern const char kernel_text_end[] __attribute__((weak));

static bugcheck_image_fn *backtrace_image_lookup;
static bugcheck_unwind_fn *backtrace_unwind;

void lib_bugcheck_set_image_lookup(bugcheck_image_fn *lookup)
{
    backtrace_image_lookup = lookup;
}

void lib_bugcheck_set_unwinder(bugcheck_unwind_fn *unwind)
{
    backtrace_unwind = unwind;
}

static uint32_t symbol_count(void)
{
    return &kernel_symbol_count != NULL ? kernel_symbol_count : 0;
}

bool lib_address_in_kernel(uint64_t address)
{
    return address >= (uintptr_t)kernel_text_start && address < (uintptr_t)kernel_text_end;
}

/* Index of the last symbol at or below address; false when it lies outside the kernel's code. */
static bool symbol_find(uint64_t address, uint32_t *index)
{
    uint32_t low = 0;
    uint32_t high = symbol_count();

    if (!lib_address_in_kernel(address) || high == 0 || address < kernel_symbol_addresses[0]) {
        return false;
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (kernel_symbol_addresses[middle] <= address) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *index = low;
    return true;
}

bool lib_image_find(uint64_t address, struct bugcheck_image *image)
{
    return backtrace_image_lookup != NULL && backtrace_image_lookup(address, image);
}

void lib_symbol_describe(uint64_t address, char *buffer, size_t size)
{
    struct bugcheck_image image;
    uint32_t index;

    if (symbol_find(address, &index)) {
        lib_snprintf(buffer, size, "%s+0x%lx",
                     kernel_symbol_names + kernel_symbol_name_offsets[index],
                     address - kernel_symbol_addresses[index]);
    } else if (lib_image_find(address, &image)) {
        lib_snprintf(buffer, size, "%s+0x%lx", image.name, address - image.base);
    } else {
        lib_snprintf(buffer, size, "0x%016lx", address);
    }
}

/* One step by frame pointer: [rbp] is the caller's rbp, [rbp + 8] the return address. */
static bool backtrace_step_frame(struct bugcheck_registers *registers)
{
    uint64_t frame = registers->rbp;
    const uint64_t *slots;

    if (frame < registers->rsp || frame - registers->rsp > BACKTRACE_STACK_SPAN ||
        frame < KERNEL_HALF_FIRST || frame % sizeof(uint64_t) != 0) {
        return false;
    }
    slots = (const uint64_t *)frame;
    registers->rbp = slots[0];
    registers->rip = slots[1];
    registers->rsp = frame + 2 * sizeof(uint64_t);
    return true;
}

static bool backtrace_step(struct bugcheck_registers *registers, bool *exact)
{
    struct bugcheck_registers next = *registers;
    bool next_exact = *exact;

    if (backtrace_unwind != NULL && backtrace_unwind(&next, &next_exact) &&
        next.rsp > registers->rsp) {
        *registers = next;
        *exact = next_exact;
        return true;
    }
    *exact = false;
    return backtrace_step_frame(registers);
}

static void backtrace_line(unsigned int depth, const struct bugcheck_registers *registers,
                           bool exact)
{
    char name[96];
    /* A return address may be the first byte of the next function: name the call before it. */
    uint64_t address = registers->rip - (exact ? 0 : 1);

    lib_symbol_describe(address, name, sizeof(name));
    log_info("  #%-2u %016lx %s", depth, registers->rip, name);
}

void lib_backtrace(const struct bugcheck_registers *start, bool exact)
{
    struct bugcheck_registers registers = *start;

    for (unsigned int depth = 0; depth < BACKTRACE_FRAMES_MAX; depth++) {
        if (depth != 0 && registers.rip < KERNEL_HALF_FIRST) {
            return;
        }
        backtrace_line(depth, &registers, exact);
        if (!backtrace_step(&registers, &exact)) {
            return;
        }
    }
}
