/*
 * Unwind data. The first bytes choose registers; the rest is a mapped image whose exception
 * directory is at its start, and once more call frame information with its index. The stack is the
 * input too.
 */
#include "fuzz.h"

#include "parse/dwarf_cfi.h"
#include "parse/unwind_info.h"

#define BASE 0xFFFFFFFFC0000000ull

enum { HEAD_SIZE = 16, STEPS_MAX = 64, INDEX_SIZE = 0x40 };

static struct parse_bytes stack;

static bool stack_read(void *context, uint64_t address, void *to, uint32_t size)
{
    FUZZ_CHECK(context == &stack);
    if (address < BASE || !parse_range_ok(stack.size, address - BASE, size))
        return false;
    memcpy(to, stack.data + (address - BASE), size);
    return true;
}

static void walk_image(const uint8_t *bytes, size_t size, struct unwind_registers *registers,
                       uint32_t table_size)
{
    const struct unwind_image image = {BASE, bytes, (uint32_t)size, {0, table_size}};
    struct unwind_function function;
    struct unwind_outcome outcome;

    for (unsigned i = 0; i < STEPS_MAX; i++) {
        uint32_t rva = (uint32_t)(registers->general[UNWIND_RIP] - BASE);
        bool found = unwind_function_find(&image, rva, &function);

        if (found)
            FUZZ_CHECK(function.begin_rva <= rva && rva < function.end_rva);
        if (!(found ? unwind_info_step(&image, &function, registers, &outcome)
                    : unwind_leaf_step(registers, &outcome)))
            return;
    }
}

static void walk_frames(const uint8_t *bytes, size_t size, struct unwind_registers *registers)
{
    const struct cfi_tables tables = {{{bytes, INDEX_SIZE}, BASE},
                                      {{bytes + INDEX_SIZE, size - INDEX_SIZE}, BASE + INDEX_SIZE}};
    struct cfi_row row;

    for (unsigned i = 0; i < STEPS_MAX; i++) {
        if (!cfi_row_find(&tables, registers->general[UNWIND_RIP], &row))
            return;
        FUZZ_CHECK(row.cfa_register < UNWIND_RIP);
        if (!cfi_row_apply(&row, registers))
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t general[UNWIND_REGISTER_COUNT];
    uint8_t xmm[UNWIND_XMM_COUNT * UNWIND_XMM_SIZE];
    uint64_t saved_at[UNWIND_SAVED_AT_COUNT];
    struct unwind_registers registers = {general, xmm, saved_at, stack_read, &stack};

    if (size < HEAD_SIZE + INDEX_SIZE)
        return 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        uint8_t *bytes = fuzz_copy(data + HEAD_SIZE, size - HEAD_SIZE);

        for (unsigned i = 0; i < UNWIND_REGISTER_COUNT; i++)
            general[i] = BASE + data[i % HEAD_SIZE] * 8ull;
        general[UNWIND_RIP] = BASE + parse_u16(data);
        stack = (struct parse_bytes){bytes, size - HEAD_SIZE};
        if (pass == 0)
            walk_image(bytes, size - HEAD_SIZE, &registers, data[2] * 12u);
        else
            walk_frames(bytes, size - HEAD_SIZE, &registers);
        free(bytes);
    }
    return 0;
}
