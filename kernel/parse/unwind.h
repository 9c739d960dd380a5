/*
 * One step up a stack: what both unwinders of this folder share.
 *
 *   unwind_info.h  frames of driver images, by .pdata and .xdata
 *   dwarf_cfi.h    frames of the kernel, by .eh_frame
 *
 * A step takes the registers of a frame to those of its caller. The registers lie wherever the
 * caller keeps them, in the order of the Windows x64 CONTEXT; the stack is read through a function
 * of the caller's, which refuses what is not mapped. Neither unwinder trusts the tables it reads:
 * any bytes give a step or a refusal. What a step leaves in the registers after a refusal is void.
 */
#ifndef PARSE_UNWIND_H
#define PARSE_UNWIND_H

#include "parse/parse.h"

/* Their numbers in unwind codes and in struct unwind_registers.general. */
enum unwind_register {
    UNWIND_RAX = 0,
    UNWIND_RCX = 1,
    UNWIND_RDX = 2,
    UNWIND_RBX = 3,
    UNWIND_RSP = 4,
    UNWIND_RBP = 5,
    UNWIND_RSI = 6,
    UNWIND_RDI = 7,
    UNWIND_R8 = 8,
    UNWIND_R15 = 15,
    UNWIND_RIP = 16,
    UNWIND_REGISTER_COUNT = 17,
    UNWIND_XMM_COUNT = 16,
    UNWIND_XMM_SIZE = 16,
};

/* Copy `size` bytes of the stack; false: not mapped. */
typedef bool unwind_read_fn(void *context, uint64_t address, void *to, uint32_t size);

struct unwind_registers {
    uint64_t *general; /* UNWIND_REGISTER_COUNT of them, as enum unwind_register numbers them */
    void *xmm;         /* UNWIND_XMM_COUNT times 16 bytes; NULL: not wanted */
    /* Where the caller's values were found, for those that the frame had saved; NULL: not wanted.
     * KNONVOLATILE_CONTEXT_POINTERS: 16 addresses of XMM registers, 16 of general ones. */
    uint64_t *saved_at;
    unwind_read_fn *read;
    void *read_context;
};

enum { UNWIND_SAVED_AT_COUNT = UNWIND_XMM_COUNT + 16 };

/* Load a general register from the stack. */
static inline bool unwind_load(const struct unwind_registers *registers, unsigned number,
                               uint64_t address)
{
    uint64_t value;

    if (!registers->read(registers->read_context, address, &value, sizeof(value)))
        return false;
    registers->general[number] = value;
    if (registers->saved_at != NULL && number < UNWIND_RIP)
        registers->saved_at[UNWIND_XMM_COUNT + number] = address;
    return true;
}

#endif
