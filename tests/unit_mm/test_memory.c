/*
 * Host tests of kernel/mm: sets of physical memory, page frames and the pool.
 *
 * The allocators are compiled into this file with a direct map of their own: physical address 0 is
 * the start of an anonymous mapping. A bug check ends in a jump back to the test that expects it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <hal/hal.h>
#include <lib/bugcheck.h>
#include <lib/log.h>

enum { TEST_MEMORY_SIZE = 48 << 20 };

static uint8_t *test_memory;
static struct pcr test_pcr;

#undef HAL_DIRECT_MAP_BASE
#define HAL_DIRECT_MAP_BASE ((uintptr_t)test_memory)
#undef HAL_DIRECT_MAP_SIZE
#define HAL_DIRECT_MAP_SIZE ((uint64_t)TEST_MEMORY_SIZE)
#define hal_direct_map(address) ((void *)(test_memory + (address)))
#undef PCR
#define PCR (&test_pcr)

#include "../../kernel/mm/frame.c"
#include "../../kernel/mm/pool.c"
#include "../../kernel/mm/pool_check.c"
#include "../../kernel/mm/pool_injection.c"
#include "../../kernel/mm/pool_large.c"
#include "../../kernel/mm/pool_track.c"
#include "../../kernel/mm/pool_stats.c"

/* Special pool needs page tables: guest tests have it. */
bool pool_special_free(const void *block, uint32_t tag)
{
    (void)block, (void)tag;
    return false;
}

bool pool_special_size(const void *block, size_t *size)
{
    (void)block, (void)size;
    return false;
}

static struct mm_ranges test_ram;
static jmp_buf bugcheck_jump;
static uint64_t bugcheck_seen[2];

const struct mm_ranges *mm_ram_ranges(void)
{
    return &test_ram;
}

void lib_bugcheck(uint32_t code, uint64_t parameter1, uint64_t parameter2, uint64_t parameter3,
                  uint64_t parameter4, const struct bugcheck_registers *registers)
{
    (void)parameter2, (void)parameter3, (void)parameter4, (void)registers;
    bugcheck_seen[0] = code;
    bugcheck_seen[1] = parameter1;
    longjmp(bugcheck_jump, 1);
}

void lib_assert_failed(const char *expression, const char *file, int line)
{
    _fail(file, line);
    (void)expression;
    abort();
}

void log_warn(const char *format, ...)
{
    (void)format;
}

#define EXPECT_BUGCHECK(code, kind, statement)                                                     \
    do {                                                                                           \
        if (setjmp(bugcheck_jump) == 0) {                                                          \
            statement;                                                                             \
            fail();                                                                                \
        }                                                                                          \
        assert_int_equal(bugcheck_seen[0], code);                                                  \
        assert_int_equal(bugcheck_seen[1], kind);                                                  \
    } while (0)

static uint64_t test_random(void)
{
    static uint64_t state = 88172645463325252ull;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void *test_early_alloc(uint64_t size)
{
    return calloc(1, size);
}

/* RAM with a hole, the first 64 KiB not given out. */
static int set_up(void **state)
{
    (void)state;
    test_memory = mmap(NULL, TEST_MEMORY_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(test_memory != MAP_FAILED);
    mm_ranges_add(&test_ram, 0, 0x9F000);
    mm_ranges_add(&test_ram, 0x100000, TEST_MEMORY_SIZE);
    frame_init(&test_ram, test_early_alloc);
    frame_add(0x10000, 0x9F000);
    frame_add(0x100000, TEST_MEMORY_SIZE);
    mm_pool_init();
    return 0;
}

static uint64_t free_pages(void)
{
    struct mm_frame_statistics statistics;

    mm_frame_statistics_read(&statistics);
    return statistics.free;
}

static void ranges_join_split_and_stay_sorted(void **state)
{
    struct mm_ranges set = {.count = 0};

    (void)state;
    mm_ranges_add(&set, 0x5000, 0x6000);
    mm_ranges_add(&set, 0x1000, 0x2000);
    mm_ranges_add(&set, 0x3000, 0x4000);
    assert_int_equal(set.count, 3);
    mm_ranges_add(&set, 0x2000, 0x3000);
    assert_int_equal(set.count, 2);
    assert_int_equal(set.range[0].end, 0x4000);
    mm_ranges_add(&set, 0x3800, 0x5800);
    assert_int_equal(set.count, 1);
    assert_int_equal(mm_ranges_size(&set), 0x5000);
    mm_ranges_remove(&set, 0x2000, 0x3000);
    assert_int_equal(set.count, 2);
    mm_ranges_remove(&set, 0x5000, 0x9000);
    mm_ranges_remove(&set, 0, 0x1800);
    assert_int_equal(set.range[0].base, 0x1800);
    assert_int_equal(set.range[1].end, 0x5000);
    assert_true(mm_ranges_contain(&set, 0x3000));
    assert_false(mm_ranges_contain(&set, 0x2000));
    mm_ranges_remove(&set, 0, UINT64_MAX);
    assert_int_equal(set.count, 0);
}

static void a_memory_map_that_overlaps_itself_gives_whole_usable_pages(void **state)
{
    static struct boot_info boot = {
        .memory_range_count = 4,
        .memory_ranges = {{0x100, 0x9F000, BOOT_MEMORY_USABLE},
                          {0x8800, 0x1000, BOOT_MEMORY_RESERVED},
                          {0x100000, UINT64_MAX, BOOT_MEMORY_USABLE},
                          {0x200000, UINT64_MAX, BOOT_MEMORY_ACPI_NVS}},
    };
    static struct mm_ranges set;

    (void)state;
    mm_ranges_from_boot(&set, &boot);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.range[0].base, 0x1000);
    assert_int_equal(set.range[0].end, 0x8000);
    assert_int_equal(set.range[1].base, 0xA000);
    assert_int_equal(set.range[1].end, 0x9F000);
    assert_int_equal(set.range[2].end, 0x200000);
}

static void check_block(const struct mm_page_request *request, phys_addr_t base)
{
    uint64_t last = base + request->count * HAL_PAGE_SIZE - 1;
    enum mm_owner owner;

    assert_true(base >= request->lowest);
    assert_true(request->highest == 0 || last <= request->highest);
    assert_true(request->alignment == 0 || base % request->alignment == 0);
    assert_true(request->boundary == 0 || base / request->boundary == last / request->boundary);
    assert_int_equal(mm_pages_length(base, &owner), request->count);
    assert_int_equal(owner, request->owner);
}

static struct mm_page_request random_request(void)
{
    struct mm_page_request request = {.count = 1 + test_random() % 40, .owner = MM_OWNER_MDL};

    switch (test_random() % 5) {
    case 1:
        request.alignment = HAL_PAGE_SIZE << test_random() % 6;
        break;
    case 2:
        request.highest = (8 << 20) - 1;
        break;
    case 3:
        request.boundary = 256 << 10;
        break;
    case 4:
        request.lowest = 4 << 20;
        request.highest = (12 << 20) - 1;
        break;
    default:
        break;
    }
    return request;
}

static void page_blocks_meet_their_constraints_and_none_is_lost(void **state)
{
    enum { BLOCKS = 200, ROUNDS = 20000 };
    phys_addr_t blocks[BLOCKS] = {0};
    uint64_t before = free_pages();

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        phys_addr_t *block = &blocks[test_random() % BLOCKS];

        if (*block != 0) {
            mm_pages_free(*block);
            *block = 0;
        } else {
            struct mm_page_request request = random_request();

            *block = mm_pages_alloc(&request);
            if (*block != 0) {
                check_block(&request, *block);
                memset(hal_direct_map(*block), 0xCC, request.count * HAL_PAGE_SIZE);
            }
        }
    }
    for (int i = 0; i < BLOCKS; i++) {
        if (blocks[i] != 0) {
            mm_pages_free(blocks[i]);
        }
    }
    assert_int_equal(free_pages(), before);
}

static void freeing_a_page_that_is_free_ends_in_a_bug_check(void **state)
{
    phys_addr_t page = mm_page_alloc(MM_OWNER_KERNEL);

    (void)state;
    mm_pages_free(page);
    EXPECT_BUGCHECK(PFN_LIST_CORRUPT, PFN_LIST_CORRUPT_FREE, mm_pages_free(page));
    frames.lock.held = 0;
}

static void all_memory_can_be_taken_and_comes_back(void **state)
{
    uint64_t before = free_pages();
    phys_addr_t chain = 0;
    phys_addr_t page;

    (void)state;
    while ((page = mm_page_alloc(MM_OWNER_KERNEL)) != 0) {
        *(phys_addr_t *)hal_direct_map(page) = chain;
        chain = page;
    }
    assert_int_equal(free_pages(), 0);
    assert_null(mm_pool_alloc(100000, MM_TAG("Test")));
    while (chain != 0) {
        page = chain;
        chain = *(phys_addr_t *)hal_direct_map(page);
        mm_pages_free(page);
    }
    assert_int_equal(free_pages(), before);
}

static void pool_blocks_keep_their_contents_and_alignment(void **state)
{
    enum { BLOCKS = 600, ROUNDS = 60000 };
    static struct {
        uint8_t *block;
        size_t size;
    } blocks[BLOCKS];
    struct mm_pool_statistics before, after;

    (void)state;
    mm_pool_statistics_read(&before);
    for (int round = 0; round < ROUNDS + BLOCKS; round++) {
        unsigned int i = round < ROUNDS ? test_random() % BLOCKS : (unsigned int)(round - ROUNDS);

        if (blocks[i].block != NULL) {
            for (size_t at = 0; at < blocks[i].size; at += 61) {
                assert_int_equal(blocks[i].block[at], (uint8_t)i);
            }
            assert_int_equal(mm_pool_size(blocks[i].block), blocks[i].size);
            assert_true(mm_pool_owns(blocks[i].block + blocks[i].size / 2));
            mm_pool_free(blocks[i].block, MM_TAG("Test"));
            blocks[i].block = NULL;
        } else if (round < ROUNDS) {
            size_t size = test_random() % 8 == 0 ? test_random() % 20000 : test_random() % 600;

            blocks[i].block = mm_pool_alloc(size, MM_TAG("Test"));
            blocks[i].size = size;
            assert_non_null(blocks[i].block);
            assert_int_equal(
                (uintptr_t)blocks[i].block % (size >= HAL_PAGE_SIZE ? HAL_PAGE_SIZE : 16), 0);
            if (size < HAL_PAGE_SIZE) { /* within one page */
                assert_in_range((uintptr_t)blocks[i].block % HAL_PAGE_SIZE, 0,
                                HAL_PAGE_SIZE - size);
            }
            memset(blocks[i].block, (int)i, size);
        }
    }
    mm_pool_statistics_read(&after);
    assert_int_equal(after.bytes, before.bytes);
    assert_int_equal(after.allocations - after.frees, before.allocations - before.frees);
    assert_true(after.pages < 100);
}

static void wrong_frees_end_in_the_bug_check_that_names_them(void **state)
{
    uint8_t *block = mm_pool_alloc(40, MM_TAG("Test"));
    uint8_t *large = mm_pool_alloc(10000, MM_TAG("Test"));

    (void)state;
    EXPECT_BUGCHECK(BAD_POOL_CALLER, BAD_CALLER_TAG, mm_pool_free(block, MM_TAG("Tset")));
    EXPECT_BUGCHECK(BAD_POOL_CALLER, BAD_CALLER_TAG, mm_pool_free(large, MM_TAG("Tset")));
    /* Every address of the host is a user address: the kernel would say BAD_CALLER_ADDRESS. */
    EXPECT_BUGCHECK(BAD_POOL_CALLER, BAD_CALLER_USER, mm_pool_free(test_memory + 0x100010, 0));
    EXPECT_BUGCHECK(BAD_POOL_CALLER, BAD_CALLER_USER, mm_pool_free(block + 16, 0));
    EXPECT_BUGCHECK(BAD_POOL_CALLER, BAD_CALLER_USER, mm_pool_free((void *)0x1230, 0));
    block[40] ^= 1;
    EXPECT_BUGCHECK(BAD_POOL_HEADER, BAD_HEADER_TAIL, mm_pool_free(block, 0));
    block[40] ^= 1;
    block[-12] ^= 1;
    EXPECT_BUGCHECK(BAD_POOL_HEADER, BAD_HEADER_SIZE, mm_pool_free(block, 0));
    block[-12] ^= 1;
    mm_pool_free(block, 0);
    EXPECT_BUGCHECK(BAD_POOL_CALLER, BAD_CALLER_FREED, mm_pool_free(block, 0));
    mm_pool_free(large, MM_TAG("Test"));
}

static void the_nth_allocation_fails_once(void **state)
{
    void *blocks[4];

    (void)state;
    mm_pool_inject(2, MM_TAG("Nth "));
    for (unsigned i = 0; i < 4; i++) {
        void *other = mm_pool_alloc(5000, MM_TAG("Test"));

        assert_non_null(other);
        mm_pool_free(other, MM_TAG("Test"));
        blocks[i] = mm_pool_alloc(40, MM_TAG("Nth "));
    }
    assert_non_null(blocks[0]);
    assert_null(blocks[1]);
    assert_non_null(blocks[2]);
    assert_non_null(blocks[3]);
    assert_int_equal(mm_pool_injection_hits(), 1);
    mm_pool_inject(1, 0);
    assert_false(pool_injection_is_due(MM_TAG("Nth ")));
    assert_true(pool_injection_is_due(0));
    assert_false(pool_injection_is_due(0));
    mm_pool_free(blocks[0], 0);
    mm_pool_free(blocks[2], 0);
    mm_pool_free(blocks[3], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_join_split_and_stay_sorted),
        cmocka_unit_test(a_memory_map_that_overlaps_itself_gives_whole_usable_pages),
        cmocka_unit_test(page_blocks_meet_their_constraints_and_none_is_lost),
        cmocka_unit_test(freeing_a_page_that_is_free_ends_in_a_bug_check),
        cmocka_unit_test(all_memory_can_be_taken_and_comes_back),
        cmocka_unit_test(pool_blocks_keep_their_contents_and_alignment),
        cmocka_unit_test(wrong_frees_end_in_the_bug_check_that_names_them),
        cmocka_unit_test(the_nth_allocation_fails_once),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
