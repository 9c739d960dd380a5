/*
 * Unwind data of the kernel. See parse/dwarf_cfi.h.
 *
 * A frame description entry (FDE) covers one function; its common information entry (CIE) holds
 * the factors and the instructions that both begin with. Instructions are run until the location
 * counter passes the address wanted; the row in force then is the answer.
 */
#include "parse/dwarf_cfi.h"

/* Linux Standard Base Core "DWARF Exception Header Encoding" 10.5 */
enum {
    ENCODING_DATA4 = 0x03,          /* udata4 */
    ENCODING_PCREL_SDATA4 = 0x1B,   /* DW_EH_PE_pcrel | DW_EH_PE_sdata4 */
    ENCODING_DATAREL_SDATA4 = 0x3B, /* DW_EH_PE_datarel | DW_EH_PE_sdata4 */
};

/* .eh_frame_hdr: version, encodings of the pointer, of the count and of the table; then these */
enum {
    INDEX_VERSION = 1,
    INDEX_FRAMES_SIZE = 4, /* pointer to .eh_frame, PC-relative */
    INDEX_COUNT = 8,
    INDEX_TABLE = 12,
    INDEX_ENTRY_SIZE = 8, /* function, FDE: both relative to .eh_frame_hdr */
};

/* DWARF 4 "Call Frame Instructions" 6.4.2, figure 40 */
enum {
    DW_CFA_advance_loc = 0x40, /* high two bits; operand in the low six */
    DW_CFA_offset = 0x80,
    DW_CFA_restore = 0xC0,
    DW_CFA_primary_mask = 0xC0,
    DW_CFA_nop = 0x00,
    DW_CFA_set_loc = 0x01,
    DW_CFA_advance_loc1 = 0x02,
    DW_CFA_advance_loc2 = 0x03,
    DW_CFA_advance_loc4 = 0x04,
    DW_CFA_offset_extended = 0x05,
    DW_CFA_restore_extended = 0x06,
    DW_CFA_undefined = 0x07,
    DW_CFA_same_value = 0x08,
    DW_CFA_remember_state = 0x0A,
    DW_CFA_restore_state = 0x0B,
    DW_CFA_def_cfa = 0x0C,
    DW_CFA_def_cfa_register = 0x0D,
    DW_CFA_def_cfa_offset = 0x0E,
    DW_CFA_offset_extended_sf = 0x11,
    DW_CFA_def_cfa_sf = 0x12,
    DW_CFA_def_cfa_offset_sf = 0x13,
    DW_CFA_GNU_args_size = 0x2E,
};

enum {
    STATES_MAX = 4, /* of DW_CFA_remember_state */
    OFFSET_MAX = 1 << 20,
};

struct cfi_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

struct cfi_common {
    uint64_t code_factor;
    int64_t data_factor;
    bool signal_frame;
    struct cfi_reader program;
};

struct cfi_machine {
    const struct cfi_common *common;
    struct cfi_row *row;
    struct cfi_row initial; /* after the CIE's instructions: what DW_CFA_restore goes back to */
    struct cfi_row states[STATES_MAX];
    unsigned state_count;
    uint64_t location;
    uint64_t wanted;
    bool reached; /* the next row begins behind the address wanted */
};

/* System V AMD64 psABI "DWARF Register Number Mapping" 3.6.2 to enum unwind_register */
static const uint8_t register_map[UNWIND_REGISTER_COUNT] = {
    UNWIND_RAX, UNWIND_RDX, UNWIND_RCX, UNWIND_RBX, UNWIND_RSI, UNWIND_RDI,
    UNWIND_RBP, UNWIND_RSP, 8,          9,          10,         11,
    12,         13,         14,         15,         UNWIND_RIP};

static uint64_t read_bytes(struct cfi_reader *reader, uint32_t size)
{
    uint64_t value = 0;

    if ((uint64_t)(reader->end - reader->at) < size) {
        reader->failed = true;
        return 0;
    }
    __builtin_memcpy(&value, reader->at, size);
    reader->at += size;
    return value;
}

static uint64_t read_uleb(struct cfi_reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = read_bytes(reader, 1);

        value |= (byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->failed = true;
    return 0;
}

static int64_t read_sleb(struct cfi_reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = read_bytes(reader, 1);

        value |= (byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            if ((byte & 0x40) && shift + 7 < 64)
                value |= ~0ull << (shift + 7);
            return (int64_t)value;
        }
    }
    reader->failed = true;
    return 0;
}

/* An entry of .eh_frame at an offset: its bytes behind the length. */
static bool entry_open(const struct cfi_section *frames, uint64_t offset, struct cfi_reader *reader)
{
    uint32_t length;

    if (!parse_copy(frames->bytes, offset, &length, sizeof(length)) || length == 0 ||
        !parse_range_ok(frames->bytes.size, offset + sizeof(length), length))
        return false;
    reader->at = frames->bytes.data + offset + sizeof(length);
    reader->end = reader->at + length;
    reader->failed = false;
    return true;
}

/* Version, augmentation, factors, return address register, augmentation data. */
static bool common_read(const struct cfi_section *frames, uint64_t offset,
                        struct cfi_common *common)
{
    struct cfi_reader reader;
    uint64_t size;
    char mark;

    if (!entry_open(frames, offset, &reader) || read_bytes(&reader, 4) != 0 ||
        read_bytes(&reader, 1) != 1 || read_bytes(&reader, 1) != 'z' ||
        read_bytes(&reader, 1) != 'R')
        return false;
    mark = (char)read_bytes(&reader, 1);
    common->signal_frame = mark == 'S';
    if (common->signal_frame)
        mark = (char)read_bytes(&reader, 1);
    if (mark != 0)
        return false;
    common->code_factor = read_uleb(&reader);
    common->data_factor = read_sleb(&reader);
    if (read_uleb(&reader) != UNWIND_RIP) /* the same number in both orders */
        return false;
    size = read_uleb(&reader);
    if (size != 1 || read_bytes(&reader, 1) != ENCODING_PCREL_SDATA4)
        return false;
    common->program = reader;
    return !reader.failed;
}

/* Register operand in our numbering; others (XMM) are read past and ignored. */
static unsigned read_register(struct cfi_reader *reader, uint64_t number)
{
    (void)reader;
    return number < UNWIND_REGISTER_COUNT ? register_map[number] : UNWIND_REGISTER_COUNT;
}

static bool rule_saved(struct cfi_machine *machine, unsigned number, int64_t factored)
{
    int64_t offset;

    if (__builtin_mul_overflow(factored, machine->common->data_factor, &offset) ||
        offset < -OFFSET_MAX || offset > OFFSET_MAX)
        return false;
    if (number < UNWIND_REGISTER_COUNT) {
        machine->row->kind[number] = CFI_SAVED;
        machine->row->offset[number] = (int32_t)offset;
    }
    return true;
}

static void rule_set(struct cfi_machine *machine, unsigned number, enum cfi_rule_kind kind)
{
    if (number < UNWIND_REGISTER_COUNT)
        machine->row->kind[number] = (uint8_t)kind;
}

static void rule_restore(struct cfi_machine *machine, unsigned number)
{
    if (number < UNWIND_REGISTER_COUNT) {
        machine->row->kind[number] = machine->initial.kind[number];
        machine->row->offset[number] = machine->initial.offset[number];
    }
}

static void advance(struct cfi_machine *machine, uint64_t delta)
{
    machine->location += delta * machine->common->code_factor;
    machine->reached = machine->location > machine->wanted;
}

static bool cfa_set(struct cfi_machine *machine, unsigned number, int64_t offset)
{
    if (number >= UNWIND_RIP || offset < -OFFSET_MAX || offset > OFFSET_MAX)
        return false;
    machine->row->cfa_register = (uint8_t)number;
    machine->row->cfa_offset = offset;
    return true;
}

static bool states_step(struct cfi_machine *machine, bool remember)
{
    if (remember) {
        if (machine->state_count == STATES_MAX)
            return false;
        machine->states[machine->state_count++] = *machine->row;
        return true;
    }
    if (machine->state_count == 0)
        return false;
    *machine->row = machine->states[--machine->state_count];
    return true;
}

static bool cfa_step(struct cfi_machine *machine, struct cfi_reader *reader, unsigned opcode)
{
    const struct cfi_row *row = machine->row;
    int64_t scale = machine->common->data_factor;
    unsigned number = row->cfa_register;
    int64_t offset = row->cfa_offset;

    if (opcode == DW_CFA_def_cfa || opcode == DW_CFA_def_cfa_sf ||
        opcode == DW_CFA_def_cfa_register)
        number = read_register(reader, read_uleb(reader));
    if (opcode == DW_CFA_def_cfa || opcode == DW_CFA_def_cfa_offset) {
        offset = (int64_t)read_uleb(reader);
    } else if (opcode == DW_CFA_def_cfa_sf || opcode == DW_CFA_def_cfa_offset_sf) {
        if (__builtin_mul_overflow(read_sleb(reader), scale, &offset))
            return false;
    }
    return cfa_set(machine, number, offset);
}

static bool extended_step(struct cfi_machine *machine, struct cfi_reader *reader, unsigned opcode)
{
    unsigned number;

    switch (opcode) {
    case DW_CFA_nop:
        return true;
    case DW_CFA_advance_loc1:
    case DW_CFA_advance_loc2:
    case DW_CFA_advance_loc4:
        advance(machine, read_bytes(reader, 1u << (opcode - DW_CFA_advance_loc1)));
        return true;
    case DW_CFA_offset_extended:
        number = read_register(reader, read_uleb(reader));
        return rule_saved(machine, number, (int64_t)read_uleb(reader));
    case DW_CFA_offset_extended_sf:
        number = read_register(reader, read_uleb(reader));
        return rule_saved(machine, number, read_sleb(reader));
    case DW_CFA_restore_extended:
        rule_restore(machine, read_register(reader, read_uleb(reader)));
        return true;
    case DW_CFA_undefined:
        rule_set(machine, read_register(reader, read_uleb(reader)), CFI_UNDEFINED);
        return true;
    case DW_CFA_same_value:
        rule_set(machine, read_register(reader, read_uleb(reader)), CFI_SAME);
        return true;
    case DW_CFA_remember_state:
    case DW_CFA_restore_state:
        return states_step(machine, opcode == DW_CFA_remember_state);
    case DW_CFA_def_cfa:
    case DW_CFA_def_cfa_sf:
    case DW_CFA_def_cfa_register:
    case DW_CFA_def_cfa_offset:
    case DW_CFA_def_cfa_offset_sf:
        return cfa_step(machine, reader, opcode);
    case DW_CFA_GNU_args_size:
        read_uleb(reader);
        return true;
    default:
        return false;
    }
}

static bool program_run(struct cfi_machine *machine, struct cfi_reader reader)
{
    while (reader.at < reader.end && !machine->reached) {
        unsigned opcode = (unsigned)read_bytes(&reader, 1);
        unsigned operand = opcode & ~(unsigned)DW_CFA_primary_mask;

        switch (opcode & DW_CFA_primary_mask) {
        case DW_CFA_advance_loc:
            advance(machine, operand);
            break;
        case DW_CFA_offset:
            if (!rule_saved(machine, read_register(&reader, operand), (int64_t)read_uleb(&reader)))
                return false;
            break;
        case DW_CFA_restore:
            rule_restore(machine, read_register(&reader, operand));
            break;
        default:
            if (!extended_step(machine, &reader, opcode))
                return false;
        }
        if (reader.failed)
            return false;
    }
    return true;
}

/* The FDE whose function is the last to begin at or below the address: its offset in .eh_frame. */
static bool index_find(const struct cfi_tables *tables, uint64_t address, uint64_t *offset)
{
    const struct cfi_section *index = &tables->index;
    const uint8_t *data = index->bytes.data;
    int64_t wanted = (int64_t)(address - index->address);
    uint32_t low = 0, high;

    if (index->bytes.size < INDEX_TABLE || data[0] != INDEX_VERSION || data[2] != ENCODING_DATA4 ||
        data[3] != ENCODING_DATAREL_SDATA4)
        return false;
    high = parse_u32(data + INDEX_COUNT);
    if (high == 0 || high > (index->bytes.size - INDEX_TABLE) / INDEX_ENTRY_SIZE)
        return false;
    data += INDEX_TABLE;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if ((int32_t)parse_u32(data + middle * INDEX_ENTRY_SIZE) <= wanted)
            low = middle;
        else
            high = middle;
    }
    *offset = index->address + (uint64_t)(int32_t)parse_u32(data + low * INDEX_ENTRY_SIZE + 4) -
              tables->frames.address;
    return true;
}

bool cfi_row_find(const struct cfi_tables *tables, uint64_t address, struct cfi_row *row)
{
    const struct cfi_section *frames = &tables->frames;
    struct cfi_common common;
    struct cfi_machine machine = {.common = &common, .row = row, .wanted = address};
    struct cfi_reader reader;
    uint64_t offset, back, begin, length;

    if (!index_find(tables, address, &offset) || !entry_open(frames, offset, &reader))
        return false;
    back = read_bytes(&reader, 4); /* from this field back to the CIE; 0: this is a CIE */
    if (back == 0 || back > offset + 4 || !common_read(frames, offset + 4 - back, &common))
        return false;
    begin = frames->address + (uint64_t)(reader.at - frames->bytes.data);
    begin += (uint64_t)(int64_t)(int32_t)read_bytes(&reader, 4);
    length = read_bytes(&reader, 4);
    if (read_uleb(&reader) != 0 || reader.failed || address - begin >= length)
        return false;

    *row = (struct cfi_row){.cfa_register = UNWIND_RSP, .signal_frame = common.signal_frame};
    machine.location = begin;
    if (!program_run(&machine, common.program))
        return false;
    machine.location = begin;
    machine.reached = false;
    machine.initial = *row;
    return program_run(&machine, reader);
}

bool cfi_row_apply(const struct cfi_row *row, struct unwind_registers *registers)
{
    uint64_t *general = registers->general;
    uint64_t cfa = general[row->cfa_register] + (uint64_t)row->cfa_offset;

    if (row->kind[UNWIND_RIP] != CFI_SAVED)
        return false;
    general[UNWIND_RSP] = cfa;
    for (unsigned i = 0; i < UNWIND_REGISTER_COUNT; i++) {
        if (row->kind[i] == CFI_SAVED &&
            !unwind_load(registers, i, cfa + (uint64_t)(int64_t)row->offset[i]))
            return false;
    }
    return true;
}
