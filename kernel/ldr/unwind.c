/*
 * ldr/unwind.c - one step up from a frame in a driver image, by its .pdata.
 *
 * Driver code keeps no frame pointer; the x64 unwind codes say how each prologue moved the stack
 * and where it saved registers ("x64 exception handling": UNWIND_INFO, UNWIND_CODE). The codes are
 * read from the file in the boot archive, checked; the stack only where it is mapped. A leaf
 * function has no entry: its return address is on top. Epilogues are not looked for: a frame
 * stopped in one may be reported one step wrong.
 *
 * Called with the machine stopped: no locks, no allocation.
 */
#include <lib/string.h>

#include "ldr/internal.h"
#include "mm/mm.h"

enum {
    UNWIND_VERSION_MASK = 0x07,
    UNWIND_FLAG_CHAINED = 0x04 << 3, /* UNW_FLAG_CHAININFO, in the same byte */
    UNWIND_HEADER_SIZE = 4,
    UNWIND_CHAIN_MAX = 8,
    RUNTIME_FUNCTION_SIZE = 12,
};

enum unwind_operation {
    UWOP_PUSH_NONVOL = 0,
    UWOP_ALLOC_LARGE = 1,
    UWOP_ALLOC_SMALL = 2,
    UWOP_SET_FPREG = 3,
    UWOP_SAVE_NONVOL = 4,
    UWOP_SAVE_NONVOL_FAR = 5,
    UWOP_SAVE_XMM128 = 8,
    UWOP_SAVE_XMM128_FAR = 9,
    UWOP_PUSH_MACHFRAME = 10,
};

struct unwind_state {
    struct bugcheck_registers *registers;
    const uint8_t *codes;
    unsigned count;  /* codes, 2 bytes each */
    uint32_t offset; /* of rip in the function; codes behind it have not run */
    unsigned frame_register;
    unsigned frame_offset; /* bytes */
    bool machine_frame;    /* rip has been taken from an interrupt frame */
};

/* Registers by their number in unwind codes. */
static uint64_t *register_at(struct bugcheck_registers *r, unsigned number)
{
    uint64_t *const by_number[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
                                     &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
                                     &r->r12, &r->r13, &r->r14, &r->r15};

    return by_number[number & 15];
}

static bool stack_read(uint64_t address, uint64_t *value)
{
    if ((address & 7) != 0 || !mm_address_is_valid(address))
        return false;
    *value = *(const uint64_t *)address;
    return true;
}

/* Slots a code takes. */
static unsigned code_slots(unsigned operation, unsigned info)
{
    switch (operation) {
    case UWOP_ALLOC_LARGE:
        return info == 0 ? 2 : 3;
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
        return 2;
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
        return 3;
    default:
        return 1;
    }
}

static bool code_apply(struct unwind_state *state, const uint8_t *code, unsigned operation,
                       unsigned info)
{
    struct bugcheck_registers *registers = state->registers;

    switch (operation) {
    case UWOP_PUSH_NONVOL:
        if (!stack_read(registers->rsp, register_at(registers, info)))
            return false;
        registers->rsp += 8;
        return true;
    case UWOP_ALLOC_LARGE:
        registers->rsp += info == 0 ? parse_u16(code + 2) * 8ull : parse_u32(code + 2);
        return true;
    case UWOP_ALLOC_SMALL:
        registers->rsp += info * 8 + 8;
        return true;
    case UWOP_SET_FPREG:
        registers->rsp = *register_at(registers, state->frame_register) - state->frame_offset;
        return true;
    case UWOP_SAVE_NONVOL:
        return stack_read(registers->rsp + parse_u16(code + 2) * 8ull,
                          register_at(registers, info));
    case UWOP_SAVE_NONVOL_FAR:
        return stack_read(registers->rsp + parse_u32(code + 2), register_at(registers, info));
    case UWOP_SAVE_XMM128:
    case UWOP_SAVE_XMM128_FAR:
        return true; /* no XMM registers in the report */
    case UWOP_PUSH_MACHFRAME:
        registers->rsp += info == 0 ? 0 : 8; /* error code */
        state->machine_frame = true;
        return stack_read(registers->rsp, &registers->rip) &&
               stack_read(registers->rsp + 24, &registers->rsp);
    default:
        return false;
    }
}

static bool codes_apply(struct unwind_state *state)
{
    unsigned i = 0;

    while (i < state->count) {
        const uint8_t *code = state->codes + 2 * i;
        unsigned operation = code[1] & 0x0F;
        unsigned info = code[1] >> 4;
        unsigned slots = code_slots(operation, info);

        if (i + slots > state->count)
            return false;
        /* Codes come last instruction first: those not yet executed are skipped. */
        if (code[0] <= state->offset && !code_apply(state, code, operation, info))
            return false;
        i += slots;
    }
    return true;
}

/* One UNWIND_INFO; *chained: the function whose codes follow, 0 for none. */
static bool info_apply(const struct ldr_image *image, uint32_t info_rva, struct unwind_state *state,
                       uint32_t *chained)
{
    const uint8_t *info = pe_file_at(&image->pe, info_rva, UNWIND_HEADER_SIZE);

    *chained = 0;
    if (info == NULL || (info[0] & UNWIND_VERSION_MASK) == 0)
        return false;
    state->count = info[2];
    state->frame_register = info[3] & 0x0F;
    state->frame_offset = (info[3] >> 4) * 16u;
    state->codes = pe_file_at(&image->pe, info_rva + UNWIND_HEADER_SIZE, 2 * state->count);
    if (state->count != 0 && state->codes == NULL)
        return false;
    if ((info[0] & UNWIND_FLAG_CHAINED) != 0) {
        uint32_t at = info_rva + UNWIND_HEADER_SIZE + ((state->count + 1u) & ~1u) * 2u;
        const uint8_t *function = pe_file_at(&image->pe, at, RUNTIME_FUNCTION_SIZE);

        if (function == NULL)
            return false;
        *chained = parse_u32(function + 8);
    }
    return codes_apply(state);
}

bool ldr_unwind_step(struct bugcheck_registers *registers)
{
    const struct ldr_image *image = ldr_image_containing(registers->rip);
    struct unwind_state state = {.registers = registers};
    struct pe_function function;
    uint32_t info_rva, chained;
    unsigned depth;

    if (image == NULL)
        return false;
    if (pe_function_containing(&image->pe, (uint32_t)(registers->rip - image->base), &function)) {
        state.offset = (uint32_t)(registers->rip - image->base) - function.begin_rva;
        info_rva = function.unwind_rva;
        for (depth = 0; info_rva != 0; depth++) {
            if (depth == UNWIND_CHAIN_MAX || !info_apply(image, info_rva, &state, &chained))
                return false;
            state.offset = UINT32_MAX; /* the parent's prologue has run */
            info_rva = chained;
        }
        if (state.machine_frame)
            return true;
    }
    if (!stack_read(registers->rsp, &registers->rip))
        return false;
    registers->rsp += 8;
    return true;
}
