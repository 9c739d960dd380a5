/*
 * Unwinding: driver frames by unwind codes and epilogues, kernel frames by call frame information.
 * Tables, code and stacks are made by hand; addresses are those of the images that they describe.
 */
#include "test.h"

#include "parse/dwarf_cfi.h"
#include "parse/unwind_info.h"

enum { IMAGE_SIZE = 0x1000, TABLE = 0x800, INFO = 0x900, PARENT_INFO = 0x980, CODE = 0x100 };

#define IMAGE_BASE 0x140000000ull
#define STACK_BASE 0x7000ull
#define RETURN_TO 0x140FEEDull

static uint8_t *image_bytes;
static struct unwind_image image;
static uint64_t stack[64];
static uint64_t general[UNWIND_REGISTER_COUNT];
static uint8_t xmm[UNWIND_XMM_COUNT][UNWIND_XMM_SIZE];
static uint64_t saved_at[UNWIND_SAVED_AT_COUNT];
static struct unwind_registers registers;
static struct unwind_outcome outcome;
static struct unwind_function function;

static bool stack_read(void *context, uint64_t address, void *to, uint32_t size)
{
    (void)context;
    if (address < STACK_BASE || address - STACK_BASE > sizeof(stack) - size)
        return false;
    memcpy(to, (const uint8_t *)stack + (address - STACK_BASE), size);
    return true;
}

static int set_up(void **state)
{
    (void)state;
    image_bytes = calloc(1, IMAGE_SIZE);
    assert_non_null(image_bytes);
    image = (struct unwind_image){IMAGE_BASE, image_bytes, IMAGE_SIZE, {TABLE, 0}};
    for (unsigned i = 0; i < TEST_COUNT(stack); i++)
        stack[i] = 0x5000 + i;
    memset(general, 0, sizeof(general));
    memset(xmm, 0, sizeof(xmm));
    memset(saved_at, 0, sizeof(saved_at));
    registers = (struct unwind_registers){general, xmm, saved_at, stack_read, NULL};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(image_bytes);
    return 0;
}

static void put_function(unsigned index, uint32_t begin, uint32_t end, uint32_t info)
{
    image.functions.size = 12 * (index + 1);
    test_put(image_bytes + TABLE + 12 * index, begin, 4);
    test_put(image_bytes + TABLE + 12 * index + 4, end, 4);
    test_put(image_bytes + TABLE + 12 * index + 8, info, 4);
}

static void put_bytes(uint32_t rva, const uint8_t *bytes, size_t size)
{
    memcpy(image_bytes + rva, bytes, size);
}

#define PUT(rva, ...)                                                                              \
    put_bytes(rva, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Start at an instruction of the function at CODE. */
static bool step_from(uint32_t offset)
{
    general[UNWIND_RIP] = IMAGE_BASE + CODE + offset;
    general[UNWIND_RSP] = STACK_BASE;
    assert_true(unwind_function_find(&image, CODE + offset, &function));
    return unwind_info_step(&image, &function, &registers, &outcome);
}

/* push rbx; push rsi; sub rsp, 38h; movaps [rsp+20h], xmm6 | body | add rsp, 38h; pop; pop; ret */
static void put_usual(uint8_t flags)
{
    put_function(0, CODE, CODE + 0x40, INFO);
    put_function(1, CODE + 0x40, CODE + 0x80, INFO);
    put_function(2, CODE + 0x90, CODE + 0xA0, INFO);
    PUT(INFO, (uint8_t)(1 | flags << 3), 11, 5, 0, /* codes, last instruction first */
        11, 0x68, 2, 0,                            /* SAVE_XMM128 xmm6, 2 * 16 */
        6, 0x62,                                   /* ALLOC_SMALL 7 * 8 */
        2, 0x60,                                   /* PUSH rsi */
        1, 0x30, 0, 0,                             /* PUSH rbx; a slot to align */
        0x34, 0x12, 0, 0, 0xDA, 0xDA);             /* handler, its data */
    PUT(CODE + 0x30, 0x48, 0x83, 0xC4, 0x38, 0x5E, 0x5B, 0xC3);
}

static void finds_functions(void **state)
{
    (void)state;
    put_usual(0);
    assert_true(unwind_function_find(&image, CODE + 0x3F, &function));
    assert_int_equal(function.entry_rva, TABLE);
    assert_true(unwind_function_find(&image, CODE + 0x40, &function));
    assert_int_equal(function.begin_rva, CODE + 0x40);
    assert_int_equal(function.entry_rva, TABLE + 12);
    assert_true(unwind_function_find(&image, CODE + 0x9F, &function));
    assert_false(unwind_function_find(&image, CODE + 0x80, &function));
    assert_false(unwind_function_find(&image, CODE - 1, &function));
    image.functions.rva = IMAGE_SIZE - 12;
    assert_false(unwind_function_find(&image, CODE, &function));
}

static void unwinds_body(void **state)
{
    (void)state;
    put_usual(3);
    stack[9] = RETURN_TO;
    assert_true(step_from(0x20));
    assert_int_equal(general[UNWIND_RIP], RETURN_TO);
    assert_int_equal(general[UNWIND_RSP], STACK_BASE + 10 * 8);
    assert_int_equal(general[UNWIND_RSI], 0x5007);
    assert_int_equal(general[UNWIND_RBX], 0x5008);
    assert_memory_equal(xmm[6], &stack[4], 16);
    assert_int_equal(saved_at[6], STACK_BASE + 0x20);
    assert_int_equal(saved_at[16 + UNWIND_RSI], STACK_BASE + 7 * 8);
    assert_int_equal(outcome.establisher, STACK_BASE);
    assert_int_equal(outcome.handler_rva, 0x1234);
    assert_int_equal(outcome.handler_data_rva, INFO + 4 + 12 + 4);
    assert_int_equal(outcome.flags, 3);
    assert_false(outcome.machine_frame);
}

static void unwinds_prologue(void **state)
{
    (void)state;
    put_usual(3);
    stack[0] = 0xB;
    stack[1] = RETURN_TO;
    assert_true(step_from(1)); /* only push rbx has run */
    assert_int_equal(general[UNWIND_RBX], 0xB);
    assert_int_equal(general[UNWIND_RSI], 0);
    assert_int_equal(general[UNWIND_RIP], RETURN_TO);
    assert_int_equal(general[UNWIND_RSP], STACK_BASE + 16);
    assert_int_equal(outcome.handler_rva, 0);
}

static void unwinds_epilogue(void **state)
{
    static const uint32_t at[] = {0x30, 0x34, 0x35, 0x36};
    static const uint32_t words[] = {9, 2, 1, 0}; /* between RSP and the return address */

    (void)state;
    put_usual(3);
    for (unsigned i = 0; i < TEST_COUNT(at); i++) {
        stack[words[i]] = RETURN_TO;
        assert_true(step_from(at[i]));
        assert_int_equal(general[UNWIND_RIP], RETURN_TO);
        assert_int_equal(general[UNWIND_RSP], STACK_BASE + (words[i] + 1) * 8);
        assert_int_equal(outcome.handler_rva, 0);
        stack[words[i]] = 0;
    }
}

static void unwinds_frame_register(void **state)
{
    (void)state;
    put_function(0, CODE, CODE + 0x40, INFO);
    PUT(INFO, 1, 10, 3, 0x25,                /* frame: rbp, 2 * 16 */
        10, 0x03,                            /* SET_FPREG */
        5, 0x42,                             /* ALLOC_SMALL 5 * 8 */
        1, 0x50);                            /* PUSH rbp */
    general[UNWIND_RBP] = STACK_BASE + 0x20; /* RSP has moved on since: alloca */
    stack[6] = RETURN_TO;
    general[UNWIND_RIP] = IMAGE_BASE + CODE + 0x20;
    general[UNWIND_RSP] = STACK_BASE - 0x100;
    assert_true(unwind_function_find(&image, CODE + 0x20, &function));
    assert_true(unwind_info_step(&image, &function, &registers, &outcome));
    assert_int_equal(outcome.establisher, STACK_BASE);
    assert_int_equal(general[UNWIND_RBP], 0x5005);
    assert_int_equal(general[UNWIND_RIP], RETURN_TO);
}

static void unwinds_chained(void **state)
{
    (void)state;
    put_function(0, CODE, CODE + 0x40, INFO);
    PUT(INFO, 1 | 4 << 3, 0, 2, 0, 0, 0xC4, 3, 0); /* SAVE_NONVOL r12, 3 * 8 */
    test_put(image_bytes + INFO + 16, PARENT_INFO, 4);
    PUT(PARENT_INFO, 1, 0x30, 1, 0, 0x30, 0x52); /* ALLOC_SMALL 6 * 8, deep in its prologue */
    stack[6] = RETURN_TO;
    assert_true(step_from(0));
    assert_int_equal(general[12], 0x5003);
    assert_int_equal(general[UNWIND_RIP], RETURN_TO);
    test_put(image_bytes + INFO + 16, INFO, 4); /* its own parent */
    assert_false(step_from(0));
}

static void unwinds_machine_frame(void **state)
{
    (void)state;
    put_function(0, CODE, CODE + 0x40, INFO);
    PUT(INFO, 1, 0, 1, 0, 0, 0x1A); /* PUSH_MACHFRAME with an error code */
    stack[1] = RETURN_TO;
    stack[4] = 0x9000;
    assert_true(step_from(0x10));
    assert_true(outcome.machine_frame);
    assert_int_equal(general[UNWIND_RIP], RETURN_TO);
    assert_int_equal(general[UNWIND_RSP], 0x9000);
}

static void refuses_malformed(void **state)
{
    (void)state;
    put_function(0, CODE, CODE + 0x40, INFO);
    PUT(INFO, 1, 0, 1, 0, 0, 0x01); /* ALLOC_LARGE, cut off */
    assert_false(step_from(0x10));
    PUT(INFO, 1, 0, 1, 0, 0, 0x0F); /* no operation */
    assert_false(step_from(0x10));
    PUT(INFO, 3, 0, 0, 0); /* no version */
    assert_false(step_from(0x10));
    PUT(INFO, 1, 0, 2, 0, 0, 0x01, 0xFF, 0xFF); /* ALLOC_LARGE: off the stack */
    assert_false(step_from(0x10));
    put_function(0, CODE, CODE + 0x40, IMAGE_SIZE - 2);
    assert_false(step_from(0x10));
    put_function(0, CODE, CODE + 0x40, (TABLE) | 1); /* refers to itself */
    assert_false(step_from(0x10));
}

/* ---- call frame information ------------------------------------------------------------------ */

#define FRAMES_AT 0xFFFFFFFF80010000ull
#define INDEX_AT 0xFFFFFFFF8000F000ull
#define TEXT_AT 0xFFFFFFFF80001000ull

static uint8_t frames[256];
static uint8_t frame_index[28];
static size_t frames_size;

static void put_entry(const uint8_t *bytes, size_t size)
{
    test_put(frames + frames_size, size, 4);
    memcpy(frames + frames_size + 4, bytes, size);
    frames_size += 4 + size;
}

static struct cfi_tables tables_of(void)
{
    return (struct cfi_tables){{{frame_index, sizeof(frame_index)}, INDEX_AT},
                               {{frames, frames_size}, FRAMES_AT}};
}

static uint32_t relative(uint64_t to, uint64_t from)
{
    return (uint32_t)(to - from);
}

static void put_frames(const char *augmentation)
{
    /* CFA: rsp + 8, return address at CFA - 8; then a usual function with a frame pointer. */
    static const uint8_t begin[] = {0, 0, 0, 0, 1, 'z', 'R'};
    static const uint8_t rest[] = {0, 1, 0x78, 16, 1, 0x1B, 0x0C, 7, 8, 0x90, 1, 0, 0, 0};
    uint8_t common[sizeof(begin) + 1 + sizeof(rest)];
    size_t length = sizeof(begin);
    const uint8_t usual[] = {0,    0,    0,    0,    0, 0, 0,
                             0,    0x40, 0,    0,    0, 0, /* CIE, begin, length, "z" */
                             0x41, 0x0E, 16,   0x86, 2,    /* 1: CFA + 16, rbp saved */
                             0x43, 0x0D, 6,                /* 4: CFA from rbp */
                             0x02, 0x10, 0x0A, 0x0C, 7, 8, /* 14h: remember; leave; ret */
                             0x41, 0x0B};                  /* 15h: restore */

    memcpy(common, begin, length);
    memcpy(common + length, augmentation, strlen(augmentation));
    length += strlen(augmentation);
    memcpy(common + length, rest, sizeof(rest));
    frames_size = 0;
    put_entry(common, length + sizeof(rest));
    size_t at = frames_size;
    put_entry(usual, sizeof(usual));
    test_put(frames + at + 4, at + 4, 4);
    test_put(frames + at + 8, relative(TEXT_AT, FRAMES_AT + at + 8), 4);
    memset(frame_index, 0, sizeof(frame_index));
    memcpy(frame_index, (const uint8_t[]){1, 0x1B, 3, 0x3B}, 4);
    test_put(frame_index + 8, 1, 4);
    test_put(frame_index + 12, relative(TEXT_AT, INDEX_AT), 4);
    test_put(frame_index + 16, relative(FRAMES_AT + at, INDEX_AT), 4);
}

static void reads_rows(void **state)
{
    struct cfi_tables tables;
    struct cfi_row row;

    (void)state;
    put_frames("");
    tables = tables_of();
    assert_true(cfi_row_find(&tables, TEXT_AT, &row));
    assert_int_equal(row.cfa_register, UNWIND_RSP);
    assert_int_equal(row.cfa_offset, 8);
    assert_int_equal(row.kind[UNWIND_RIP], CFI_SAVED);
    assert_int_equal(row.offset[UNWIND_RIP], -8);
    assert_false(row.signal_frame);
}

static void reads_signal_frames(void **state)
{
    struct cfi_tables tables;
    struct cfi_row row;

    (void)state;
    put_frames("S");
    tables = tables_of();
    assert_true(cfi_row_find(&tables, TEXT_AT + 4, &row));
    assert_true(row.signal_frame);
    assert_int_equal(row.cfa_register, UNWIND_RBP);
    assert_int_equal(row.cfa_offset, 16);
    assert_int_equal(row.kind[UNWIND_RBP], CFI_SAVED);
    assert_int_equal(row.offset[UNWIND_RBP], -16);
    assert_true(cfi_row_find(&tables, TEXT_AT + 0x14, &row));
    assert_int_equal(row.cfa_register, UNWIND_RSP);
    assert_int_equal(row.cfa_offset, 8);
    assert_true(cfi_row_find(&tables, TEXT_AT + 0x15, &row));
    assert_int_equal(row.cfa_register, UNWIND_RBP);
    assert_false(cfi_row_find(&tables, TEXT_AT + 0x40, &row));
    assert_false(cfi_row_find(&tables, TEXT_AT - 1, &row));
}

static void applies_rows(void **state)
{
    struct cfi_tables tables;
    struct cfi_row row;

    (void)state;
    put_frames("S");
    tables = tables_of();
    assert_true(cfi_row_find(&tables, TEXT_AT + 8, &row));
    general[UNWIND_RBP] = STACK_BASE + 0x40;
    stack[8] = 0xBB;
    stack[9] = RETURN_TO;
    assert_true(cfi_row_apply(&row, &registers));
    assert_int_equal(general[UNWIND_RBP], 0xBB);
    assert_int_equal(general[UNWIND_RIP], RETURN_TO);
    assert_int_equal(general[UNWIND_RSP], STACK_BASE + 0x50);
    assert_int_equal(saved_at[16 + UNWIND_RBP], STACK_BASE + 0x40);
    general[UNWIND_RBP] = 0; /* off the stack */
    assert_false(cfi_row_apply(&row, &registers));
    row.kind[UNWIND_RIP] = CFI_UNDEFINED;
    general[UNWIND_RBP] = STACK_BASE;
    assert_false(cfi_row_apply(&row, &registers));
}

static void refuses_cut_tables(void **state)
{
    struct cfi_tables tables;
    struct cfi_row row;

    (void)state;
    put_frames("S");
    for (size_t size = 0; size < sizeof(frame_index); size++) {
        tables = tables_of();
        tables.index.bytes.size = size;
        if (size < 20)
            assert_false(cfi_row_find(&tables, TEXT_AT + 4, &row));
    }
    for (size_t size = 0; size < frames_size; size++) {
        uint8_t *cut = test_exact(frames, size);

        tables = tables_of();
        tables.frames.bytes = (struct parse_bytes){cut, size};
        assert_false(cfi_row_find(&tables, TEXT_AT + 4, &row));
        free(cut);
    }
}

#define UNWIND(text, routine)                                                                      \
    {                                                                                              \
        text, routine, set_up, tear_down, NULL                                                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNWIND("the function that holds an address is found", finds_functions),
        UNWIND("in a body all that the prologue did is undone", unwinds_body),
        UNWIND("in a prologue only what has run is undone", unwinds_prologue),
        UNWIND("in an epilogue what is left of it is done", unwinds_epilogue),
        UNWIND("a frame register gives the stack pointer", unwinds_frame_register),
        UNWIND("chained unwind data is followed, but not in circles", unwinds_chained),
        UNWIND("an interrupt frame gives stack and instruction", unwinds_machine_frame),
        UNWIND("malformed unwind data is refused", refuses_malformed),
        UNWIND("a row of call frame information is read", reads_rows),
        UNWIND("rows follow the location, remember and restore", reads_signal_frames),
        UNWIND("a row gives the caller's registers", applies_rows),
        UNWIND("tables cut off anywhere are refused", refuses_cut_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
