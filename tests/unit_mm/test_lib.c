/*
 * Host tests of kernel/lib: the formatter, wide strings and block memory.
 *
 * The kernel's own memcpy and strings are renamed by the compiler command line (see the build rule
 * of tests/unit_mm), so that they can be compared with the host's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lib/format.h>
#include <nt/ntdef.h>

#define WIDE(text) ((uint16_t *)(uintptr_t)L##text)

void *kernel_memmove(void *destination, const void *source, size_t size);
void *kernel_memcpy(void *restrict destination, const void *restrict source, size_t size);
void *kernel_memset(void *destination, int value, size_t size);
int kernel_memcmp(const void *left, const void *right, size_t size);
size_t lib_utf8_from_wide(char *destination, size_t size, const uint16_t *source, size_t length);
size_t lib_wide_from_utf8(uint16_t *destination, size_t size, const char *source, size_t length);
void lib_utf8_cut(char *text, size_t size, const uint16_t *source, size_t length);
int lib_wcsicmp(const uint16_t *left, const uint16_t *right);

static char text[256];

static int print(const char *format, ...)
{
    va_list arguments;
    int total;

    va_start(arguments, format);
    total = lib_vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return total;
}

__attribute__((ms_abi)) static int print_ms(const char *format, ...)
{
    __builtin_ms_va_list arguments;
    int total;

    __builtin_ms_va_start(arguments, format);
    total = lib_vsnprintf_ms(text, sizeof(text), format, arguments);
    __builtin_ms_va_end(arguments);
    return total;
}

__attribute__((ms_abi)) static int print_wide(uint16_t *buffer, size_t size, const uint16_t *format,
                                              ...)
{
    __builtin_ms_va_list arguments;
    int total;

    __builtin_ms_va_start(arguments, format);
    total = lib_vsnwprintf_ms(buffer, size, format, arguments);
    __builtin_ms_va_end(arguments);
    return total;
}

#define EXPECT(expected, ...)                                                                      \
    do {                                                                                           \
        int total = print(__VA_ARGS__);                                                            \
        assert_string_equal(text, expected);                                                       \
        assert_int_equal(total, strlen(expected));                                                 \
    } while (0)

#define EXPECT_MS(expected, ...)                                                                   \
    do {                                                                                           \
        print_ms(__VA_ARGS__);                                                                     \
        assert_string_equal(text, expected);                                                       \
    } while (0)

static void numbers_are_printed_as_in_c(void **state)
{
    (void)state;
    EXPECT("0 -1 4294967295", "%d %d %u", 0, -1, -1);
    EXPECT("-2147483648", "%d", INT32_MIN);
    EXPECT("-9223372036854775808", "%lld", INT64_MIN);
    EXPECT("[   42][42   ][00042][+42][ 42]", "[%5d][%-5d][%05d][%+d][% d]", 42, 42, 42, 42, 42);
    EXPECT("[  -42][-0042][ 0042]", "[%5d][%05d][%5.4d]", -42, -42, 42);
    EXPECT("0xdeadbeef DEADBEEF 0 17 017", "%#x %X %#x %o %#o", 0xdeadbeef, 0xdeadbeef, 0, 15, 15);
    EXPECT("[][0]", "[%.0d][%d]", 0, 0);
    EXPECT("ff ffff -1 -1", "%hhx %hx %hhd %hd", -1, -1, -1, -1);
    EXPECT("123456789012 ffffffffffffffff", "%zu %lx", (size_t)123456789012, ~0ul);
    EXPECT("[  7][7  ]", "[%*d][%*d]", 3, 7, -3, 7);
    EXPECT("00000000DEADBEEF", "%p", (void *)0xdeadbeef);
    EXPECT("100% %y", "100%% %y");
    EXPECT("123456789abcdef0", "%I64x", 0x123456789abcdef0);
}

static void strings_are_cut_and_padded(void **state)
{
    (void)state;
    EXPECT("[ab][  ab][ab  ][a]", "[%s][%4s][%-4s][%.1s]", "ab", "ab", "ab", "ab");
    EXPECT("(null)", "%s", NULL);
    EXPECT("x [  y]", "%c [%3c]", 'x', 'y');
    EXPECT("wide also", "%ls %S", WIDE("wide"), WIDE("also"));
    EXPECT("\xC3\xA9\xF0\x9F\x98\x80", "%ws", WIDE("\xE9\xD83D\xDE00"));
    assert_int_equal(lib_snprintf(text, 4, "%s", "abcdef"), 6);
    assert_string_equal(text, "abc");
}

static void windows_lists_have_32_bit_longs_and_counted_strings(void **state)
{
    UNICODE_STRING wide = {8, 8, (PWCH)WIDE("edu.sys")};
    ANSI_STRING narrow = {3, 3, (PCHAR)(uintptr_t) "abcdef"};

    (void)state;
    EXPECT_MS("-1 ffffffff", "%ld %lx", -1, -1);
    EXPECT_MS("-1 123456789abcdef0 5", "%I64d %I64x %I32u", (int64_t)-1, 0x123456789abcdef0, 5);
    EXPECT_MS("edu. abc", "%wZ %Z", &wide, &narrow);
    EXPECT_MS("1 2 3 4 5 6 7 8 last", "%d %d %d %d %d %d %d %d %s", 1, 2, 3, 4, 5, 6, 7, 8, "last");
    EXPECT_MS("w n", "%ws %hs", WIDE("w"), "n");
}

static void wide_formats_take_wide_strings(void **state)
{
    uint16_t buffer[16];

    (void)state;
    assert_int_equal(print_wide(buffer, 16, WIDE("%s-%S-%d"), WIDE("ab"), "cd", 7), 7);
    assert_memory_equal(buffer, WIDE("ab-cd-7"), 16);
    assert_int_equal(print_wide(buffer, 3, WIDE("%s"), WIDE("xyzt")), 4);
    assert_memory_equal(buffer, WIDE("xyzcd-7"), 14);
    assert_int_equal(print_wide(buffer, 3, WIDE("%s"), WIDE("uvw")), 3);
    assert_memory_equal(buffer, WIDE("uvwcd-7"), 14);
    assert_int_equal(print_wide(buffer, 3, WIDE("%s"), WIDE("rs")), 2);
    assert_memory_equal(buffer, WIDE("rs\0cd-7"), 14);
}

static void block_memory_agrees_with_the_host(void **state)
{
    uint8_t ours[300], theirs[300];

    (void)state;
    for (size_t size = 0; size < 130; size++) {
        for (size_t from = 0; from < 20; from++) {
            for (size_t to = 0; to < 20; to++) {
                for (size_t i = 0; i < sizeof(ours); i++) {
                    ours[i] = theirs[i] = (uint8_t)(i * 7);
                }
                kernel_memmove(ours + to, ours + from, size);
                memmove(theirs + to, theirs + from, size);
                assert_memory_equal(ours, theirs, sizeof(ours));
            }
        }
        kernel_memset(ours + 3, 0x5A, size);
        memset(theirs + 3, 0x5A, size);
        assert_memory_equal(ours, theirs, sizeof(ours));
        kernel_memcpy(ours + 150, ours, size);
        assert_int_equal(kernel_memcmp(ours + 150, ours, size), 0);
        if (size != 0) {
            ours[150 + size - 1]++;
            assert_true(kernel_memcmp(ours + 150, ours, size) != 0);
        }
    }
}

static void utf8_and_utf16_convert_both_ways(void **state)
{
    static const char utf8[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    uint16_t wide[8];
    char back[16];

    (void)state;
    assert_int_equal(lib_wide_from_utf8(wide, 8, utf8, sizeof(utf8) - 1), 5);
    assert_int_equal(lib_utf8_from_wide(back, 16, wide, 5), sizeof(utf8) - 1);
    assert_memory_equal(back, utf8, sizeof(utf8) - 1);
    for (size_t size = 1; size <= sizeof(utf8); size++) {
        static const uint8_t whole[] = {0, 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};

        memset(back, 'x', sizeof(back));
        lib_utf8_cut(back, size, wide, 5);
        assert_int_equal(strlen(back), whole[size]);
        assert_memory_equal(back, utf8, whole[size]);
        assert_int_equal(back[whole[size] + 1], 'x');
    }
    assert_int_equal(lib_wide_from_utf8(wide, 8, "\xFF\xC3", 2), 2);
    assert_int_equal(wide[0], 0xFFFD);
    assert_int_equal(wide[1], 0xFFFD);
    assert_int_equal(lib_wcsicmp(WIDE("PCI\\Ven_\xE9"), WIDE("pci\\vEN_\xC9")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_printed_as_in_c),
        cmocka_unit_test(strings_are_cut_and_padded),
        cmocka_unit_test(windows_lists_have_32_bit_longs_and_counted_strings),
        cmocka_unit_test(wide_formats_take_wide_strings),
        cmocka_unit_test(block_memory_agrees_with_the_host),
        cmocka_unit_test(utf8_and_utf16_convert_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
