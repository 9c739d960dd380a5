/*
 * Unwind data of x64 Windows images. See parse/unwind_info.h.
 *
 * Codes come last instruction first. In the middle of a prologue those whose offset lies behind the
 * instruction pointer have run and are undone; the others are skipped. In a chained part the
 * parent's whole prologue has run.
 */
#include "parse/unwind_info.h"

#include <hw/pe.h>

#include "parse/unwind_epilogue.h"

enum {
    INFO_VERSION_MASK = 0x07,
    INFO_FLAGS_SHIFT = 3,
    INFO_HEADER_SIZE = 4,
    INFO_CHAIN_MAX = 32, /* as Windows allows */
    INFO_CODES_SIZE = 2 * 255,
    HANDLER_SIZE = 4,
    FRAME_OFFSET_UNIT = 16,
    MACHINE_FRAME_RSP = 24, /* from RIP: CS, RFLAGS, RSP */
};

/* "struct UNWIND_CODE": unwind operation code */
enum unwind_operation {
    UWOP_PUSH_NONVOL = 0,
    UWOP_ALLOC_LARGE = 1,
    UWOP_ALLOC_SMALL = 2,
    UWOP_SET_FPREG = 3,
    UWOP_SAVE_NONVOL = 4,
    UWOP_SAVE_NONVOL_FAR = 5,
    UWOP_EPILOG = 6,     /* version 2 */
    UWOP_SPARE_CODE = 7, /* version 2 */
    UWOP_SAVE_XMM128 = 8,
    UWOP_SAVE_XMM128_FAR = 9,
    UWOP_PUSH_MACHFRAME = 10,
};

struct unwind_info {
    uint32_t flags;
    uint32_t prologue_size;
    uint32_t count;          /* codes, 2 bytes each */
    uint32_t frame_register; /* 0: none */
    uint32_t frame_offset;   /* bytes */
    uint32_t trailer_rva;    /* handler or chained function */
    uint8_t codes[INFO_CODES_SIZE];
};

struct unwind_walk {
    struct unwind_registers *registers;
    const struct unwind_info *info;
    uint32_t offset; /* of the instruction pointer in the function */
    bool machine_frame;
};

static bool image_copy(const struct unwind_image *image, uint32_t rva, void *to, uint32_t size)
{
    return parse_copy((struct parse_bytes){image->bytes, image->size}, rva, to, size);
}

static bool info_read(const struct unwind_image *image, uint32_t rva, struct unwind_info *info)
{
    uint8_t header[INFO_HEADER_SIZE];

    if (!image_copy(image, rva, header, sizeof(header)))
        return false;
    if ((header[0] & INFO_VERSION_MASK) != 1 && (header[0] & INFO_VERSION_MASK) != 2)
        return false;
    info->flags = header[0] >> INFO_FLAGS_SHIFT;
    info->prologue_size = header[1];
    info->count = header[2];
    info->frame_register = header[3] & 0x0F;
    info->frame_offset = (header[3] >> 4) * (uint32_t)FRAME_OFFSET_UNIT;
    info->trailer_rva = rva + INFO_HEADER_SIZE + ((info->count + 1u) & ~1u) * 2u;
    return image_copy(image, rva + INFO_HEADER_SIZE, info->codes, 2 * info->count);
}

/* Slots a code takes. */
static uint32_t code_slots(uint32_t operation, uint32_t detail)
{
    switch (operation) {
    case UWOP_ALLOC_LARGE:
        return detail == 0 ? 2 : 3;
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
    case UWOP_SPARE_CODE:
        return 2;
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
        return 3;
    default:
        return 1;
    }
}

static bool xmm_load(const struct unwind_registers *registers, uint32_t number, uint64_t address)
{
    uint8_t value[UNWIND_XMM_SIZE];

    if (registers->xmm == NULL)
        return true;
    if (!registers->read(registers->read_context, address, value, sizeof(value)))
        return false;
    __builtin_memcpy((uint8_t *)registers->xmm + number * UNWIND_XMM_SIZE, value, sizeof(value));
    if (registers->saved_at != NULL)
        registers->saved_at[number] = address;
    return true;
}

static bool machine_frame_pop(struct unwind_walk *walk, uint32_t detail)
{
    uint64_t at = walk->registers->general[UNWIND_RSP] + (detail == 0 ? 0 : 8); /* error code */

    walk->machine_frame = true;
    return unwind_load(walk->registers, UNWIND_RIP, at) &&
           unwind_load(walk->registers, UNWIND_RSP, at + MACHINE_FRAME_RSP);
}

static bool code_undo(struct unwind_walk *walk, const uint8_t *code, uint32_t operation,
                      uint32_t detail)
{
    struct unwind_registers *registers = walk->registers;
    uint64_t *rsp = &registers->general[UNWIND_RSP];

    switch (operation) {
    case UWOP_PUSH_NONVOL:
        if (!unwind_load(registers, detail, *rsp))
            return false;
        *rsp += 8;
        return true;
    case UWOP_ALLOC_LARGE:
        if (detail > 1)
            return false;
        *rsp += detail == 0 ? parse_u16(code + 2) * 8ull : parse_u32(code + 2);
        return true;
    case UWOP_ALLOC_SMALL:
        *rsp += detail * 8 + 8;
        return true;
    case UWOP_SET_FPREG:
        *rsp = registers->general[walk->info->frame_register] - walk->info->frame_offset;
        return true;
    case UWOP_SAVE_NONVOL:
        return unwind_load(registers, detail, *rsp + parse_u16(code + 2) * 8ull);
    case UWOP_SAVE_NONVOL_FAR:
        return unwind_load(registers, detail, *rsp + parse_u32(code + 2));
    case UWOP_SAVE_XMM128:
        return xmm_load(registers, detail, *rsp + parse_u16(code + 2) * 16ull);
    case UWOP_SAVE_XMM128_FAR:
        return xmm_load(registers, detail, *rsp + parse_u32(code + 2));
    case UWOP_PUSH_MACHFRAME:
        return detail <= 1 && machine_frame_pop(walk, detail);
    case UWOP_EPILOG:
    case UWOP_SPARE_CODE:
        return true;
    default:
        return false;
    }
}

static bool codes_undo(struct unwind_walk *walk)
{
    const struct unwind_info *info = walk->info;

    for (uint32_t i = 0; i < info->count;) {
        const uint8_t *code = info->codes + 2 * i;
        uint32_t operation = code[1] & 0x0F;
        uint32_t detail = code[1] >> 4;
        uint32_t slots = code_slots(operation, detail);

        if (i + slots > info->count)
            return false;
        if (code[0] <= walk->offset && !code_undo(walk, code, operation, detail))
            return false;
        i += slots;
    }
    return true;
}

/* Has the prologue set the frame register by now? */
static bool frame_register_is_set(const struct unwind_info *info, uint32_t offset)
{
    if (offset >= info->prologue_size || (info->flags & UNWIND_FLAG_CHAINED))
        return true;
    for (uint32_t i = 0; i < info->count;) {
        const uint8_t *code = info->codes + 2 * i;

        if ((code[1] & 0x0F) == UWOP_SET_FPREG)
            return code[0] <= offset;
        i += code_slots(code[1] & 0x0F, code[1] >> 4);
    }
    return false;
}

static uint64_t establisher_of(const struct unwind_info *info, uint32_t offset,
                               const uint64_t *general)
{
    if (info->frame_register != 0 && frame_register_is_set(info, offset))
        return general[info->frame_register] - info->frame_offset;
    return general[UNWIND_RSP];
}

bool unwind_function_read(const struct unwind_image *image, uint32_t entry_rva,
                          struct unwind_function *function)
{
    struct pe_runtime_function entry;

    if (!image_copy(image, entry_rva, &entry, sizeof(entry)))
        return false;
    *function = (struct unwind_function){.begin_rva = entry.begin_address,
                                         .end_rva = entry.end_address,
                                         .info_rva = entry.unwind_information,
                                         .entry_rva = entry_rva};
    return true;
}

bool unwind_function_find(const struct unwind_image *image, uint32_t rva,
                          struct unwind_function *function)
{
    uint32_t low = 0;
    uint32_t high = image->functions.size / (uint32_t)sizeof(struct pe_runtime_function);

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t at = image->functions.rva + middle * (uint32_t)sizeof(struct pe_runtime_function);

        if (!unwind_function_read(image, at, function))
            return false;
        if (rva < function->begin_rva)
            high = middle;
        else if (rva >= function->end_rva)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

static bool return_pop(struct unwind_registers *registers)
{
    if (!unwind_load(registers, UNWIND_RIP, registers->general[UNWIND_RSP]))
        return false;
    registers->general[UNWIND_RSP] += 8;
    return true;
}

/* The parent of chained unwind data, or of an indirect RUNTIME_FUNCTION, in info_rva. */
static bool chain_next(const struct unwind_image *image, uint32_t entry_rva, uint32_t *info_rva)
{
    struct unwind_function parent;

    if (!unwind_function_read(image, entry_rva, &parent))
        return false;
    *info_rva = parent.info_rva;
    return true;
}

/* Undo the codes of info_rva and of its parents. *info: the primary one. */
static bool chain_undo(const struct unwind_image *image, uint32_t info_rva,
                       struct unwind_walk *walk, struct unwind_info *info)
{
    walk->info = info;
    for (uint32_t depth = 0; depth < INFO_CHAIN_MAX; depth++) {
        if (info_rva & PE_UNWIND_INDIRECT) {
            if (!chain_next(image, info_rva & ~PE_UNWIND_INDIRECT, &info_rva))
                return false;
            continue;
        }
        if (!info_read(image, info_rva, info) || !codes_undo(walk))
            return false;
        if (!(info->flags & UNWIND_FLAG_CHAINED))
            return true;
        if (!chain_next(image, info->trailer_rva, &info_rva))
            return false;
        walk->offset = UINT32_MAX;
    }
    return false;
}

bool unwind_info_step(const struct unwind_image *image, const struct unwind_function *function,
                      struct unwind_registers *registers, struct unwind_outcome *outcome)
{
    uint64_t *general = registers->general;
    uint32_t rva = (uint32_t)(general[UNWIND_RIP] - image->base);
    uint32_t info_rva = function->info_rva;
    struct unwind_walk walk = {.registers = registers, .offset = rva - function->begin_rva};
    struct unwind_info info;
    bool in_prologue;

    *outcome = (struct unwind_outcome){0};
    if ((info_rva & PE_UNWIND_INDIRECT) &&
        !chain_next(image, info_rva & ~PE_UNWIND_INDIRECT, &info_rva))
        return false;
    if ((info_rva & PE_UNWIND_INDIRECT) || !info_read(image, info_rva, &info))
        return false;
    outcome->establisher = establisher_of(&info, walk.offset, general);
    in_prologue = walk.offset < info.prologue_size;
    if (!in_prologue) {
        struct unwind_epilogue epilogue = {.frame_register = info.frame_register,
                                           .saves_nothing = info.count == 0 &&
                                                            !(info.flags & UNWIND_FLAG_CHAINED)};

        if (unwind_epilogue_find(image, function, rva, &epilogue))
            return unwind_epilogue_run(&epilogue, registers) && return_pop(registers);
    }
    if (!chain_undo(image, info_rva, &walk, &info))
        return false;
    outcome->machine_frame = walk.machine_frame;
    outcome->flags = info.flags & (UNWIND_FLAG_EXCEPTION | UNWIND_FLAG_UNWIND);
    if (!in_prologue && outcome->flags != 0) {
        if (!image_copy(image, info.trailer_rva, &outcome->handler_rva, HANDLER_SIZE))
            return false;
        outcome->handler_data_rva = info.trailer_rva + HANDLER_SIZE;
    }
    return walk.machine_frame || return_pop(registers);
}

bool unwind_leaf_step(struct unwind_registers *registers, struct unwind_outcome *outcome)
{
    *outcome = (struct unwind_outcome){.establisher = registers->general[UNWIND_RSP]};
    return return_pop(registers);
}
