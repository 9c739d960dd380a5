/*
 * Epilogues. See parse/unwind_epilogue.h.
 *
 * The convention allows this form only ("x64 prolog and epilog"):
 *
 *     add rsp, constant   or   lea rsp, [frame register + constant]     at most one
 *     pop register ...                                                  any number
 *     ret, rep ret, or a jump out of the function
 *
 * so that a decoder of these few instructions tells what is left to be undone from any of them on.
 * Encodings: SDM 2 "Instruction Set Reference".
 */
#include "parse/unwind_epilogue.h"

enum {
    REX_W = 0x48,
    REX_WB = 0x49, /* base is R8-R15 */
    REX_B = 0x41,
    REX_LAST = 0x4F,
    OP_ADD_IMM8 = 0x83,
    OP_ADD_IMM32 = 0x81,
    MODRM_ADD_RSP = 0xC4, /* register direct, /0, RSP */
    OP_LEA = 0x8D,
    MODRM_MOD = 0xC0,
    MODRM_MOD_DISP8 = 0x40,
    MODRM_MOD_DISP32 = 0x80,
    MODRM_REG = 0x38,
    MODRM_REG_RSP = 0x20,
    MODRM_RM = 0x07,
    MODRM_RM_SIB = 0x04,
    OP_POP_FIRST = 0x58,
    OP_POP_LAST = 0x5F,
    OP_REP = 0xF3,
    OP_RET = 0xC3,
    OP_RET_IMM16 = 0xC2,
    OP_JMP_REL8 = 0xEB,
    OP_JMP_REL32 = 0xE9,
    OP_GROUP5 = 0xFF,
    MODRM_JMP_RIP_RELATIVE = 0x25, /* /4, [RIP + disp32]: an import's slot */
    MODRM_JMP_REGISTER = 0xE0,     /* /4, register direct */
    WINDOW_SIZE = 8,               /* bytes: longer than any instruction here */
};

/* The next bytes of code; past the image's end there are zeros, which match nothing. */
static void window_read(const struct unwind_image *image, uint32_t rva, uint8_t window[WINDOW_SIZE])
{
    uint32_t left = rva < image->size ? image->size - rva : 0;

    __builtin_memset(window, 0, WINDOW_SIZE);
    __builtin_memcpy(window, image->bytes + (left != 0 ? rva : 0),
                     left < WINDOW_SIZE ? left : WINDOW_SIZE);
}

/* Length of an add or lea of RSP, 0: it is something else. */
static uint32_t adjustment_read(const uint8_t *code, struct unwind_epilogue *epilogue)
{
    uint8_t modrm = code[2];
    uint32_t base = (modrm & MODRM_RM) + (code[0] == REX_WB ? 8u : 0u);

    if (code[0] == REX_W && code[1] == OP_ADD_IMM8 && modrm == MODRM_ADD_RSP) {
        epilogue->adjustment = (int8_t)code[3];
        return 4;
    }
    if (code[0] == REX_W && code[1] == OP_ADD_IMM32 && modrm == MODRM_ADD_RSP) {
        epilogue->adjustment = (int32_t)parse_u32(code + 3);
        return 7;
    }
    if ((code[0] != REX_W && code[0] != REX_WB) || code[1] != OP_LEA ||
        (modrm & MODRM_REG) != MODRM_REG_RSP || (modrm & MODRM_RM) == MODRM_RM_SIB ||
        epilogue->frame_register == 0 || base != epilogue->frame_register)
        return 0;
    epilogue->from_frame_register = true;
    switch (modrm & MODRM_MOD) {
    case 0:
        epilogue->adjustment = 0;
        return base % 8 == UNWIND_RBP ? 0 : 3; /* [RBP] and [R13] need a displacement */
    case MODRM_MOD_DISP8:
        epilogue->adjustment = (int8_t)code[3];
        return 4;
    case MODRM_MOD_DISP32:
        epilogue->adjustment = (int32_t)parse_u32(code + 3);
        return 7;
    default:
        return 0;
    }
}

/* Length of a pop, 0: it is something else. */
static uint32_t pop_read(const uint8_t *code, struct unwind_epilogue *epilogue)
{
    uint32_t prefix = code[0] == REX_B || code[0] == REX_W ? 1 : 0;
    uint8_t opcode = code[prefix];

    if (opcode < OP_POP_FIRST || opcode > OP_POP_LAST ||
        epilogue->pop_count == sizeof(epilogue->pops))
        return 0;
    epilogue->pops[epilogue->pop_count++] =
        (uint8_t)(opcode - OP_POP_FIRST + (code[0] == REX_B ? 8 : 0));
    return prefix + 1;
}

/* A jump that stays in the function is part of its body, unless back to its first instruction. */
static bool leaves(const struct unwind_function *function, uint32_t target)
{
    return target <= function->begin_rva || target >= function->end_rva;
}

bool unwind_epilogue_find(const struct unwind_image *image, const struct unwind_function *function,
                          uint32_t rva, struct unwind_epilogue *epilogue)
{
    uint8_t code[WINDOW_SIZE];
    uint32_t start = rva;
    uint32_t length;
    bool may_jump;

    window_read(image, rva, code);
    epilogue->from_frame_register = false;
    epilogue->adjustment = 0;
    epilogue->pop_count = 0;
    rva += adjustment_read(code, epilogue);
    do {
        window_read(image, rva, code);
        length = pop_read(code, epilogue);
        rva += length;
    } while (length != 0);
    may_jump = rva != start || epilogue->saves_nothing;

    if (code[0] == OP_RET || code[0] == OP_RET_IMM16 || (code[0] == OP_REP && code[1] == OP_RET))
        return true;
    if (code[0] == OP_JMP_REL8)
        return may_jump && leaves(function, rva + 2 + (uint32_t)(int8_t)code[1]);
    if (code[0] == OP_JMP_REL32)
        return may_jump && leaves(function, rva + 5 + parse_u32(code + 1));
    if (code[0] >= REX_W && code[0] <= REX_LAST)
        return may_jump && code[1] == OP_GROUP5 &&
               ((code[2] & ~MODRM_RM) == MODRM_JMP_REGISTER || code[2] == MODRM_JMP_RIP_RELATIVE);
    return may_jump && code[0] == OP_GROUP5 && code[1] == MODRM_JMP_RIP_RELATIVE;
}

bool unwind_epilogue_run(const struct unwind_epilogue *epilogue, struct unwind_registers *registers)
{
    uint64_t *general = registers->general;

    if (epilogue->from_frame_register)
        general[UNWIND_RSP] = general[epilogue->frame_register];
    general[UNWIND_RSP] += (uint64_t)(int64_t)epilogue->adjustment;
    for (uint32_t i = 0; i < epilogue->pop_count; i++) {
        uint64_t at = general[UNWIND_RSP];

        if (!unwind_load(registers, epilogue->pops[i], at))
            return false;
        if (epilogue->pops[i] != UNWIND_RSP)
            general[UNWIND_RSP] = at + 8;
    }
    return true;
}
