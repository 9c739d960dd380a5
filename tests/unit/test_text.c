/*
 * The small text parsers: kernel command line, console line, hexadecimal, and the error report.
 */
#include "test.h"

#include "parse/cmdline.h"
#include "parse/console_line.h"
#include "parse/hex.h"
#include "parse/injection.h"
#include "parse/ordinal.h"
#include "parse/pci_location.h"

static void finds_words(void **state)
{
    const char *line = "  quiet console=\"COM1, 115200\" a=1 path=C:\\x=y a=2 end";
    char value[CMDLINE_VALUE_MAX];

    (void)state;
    assert_true(cmdline_has(line, "quiet"));
    assert_true(cmdline_has(line, "end"));
    assert_false(cmdline_has(line, "quie"));
    assert_false(cmdline_has(line, "115200\""));
    assert_true(cmdline_get(line, "console", value, sizeof(value)));
    assert_string_equal(value, "COM1, 115200");
    assert_true(cmdline_get(line, "a", value, sizeof(value)));
    assert_string_equal(value, "2");
    assert_true(cmdline_get(line, "path", value, sizeof(value)));
    assert_string_equal(value, "C:\\x=y");
    assert_true(cmdline_get(line, "quiet", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_false(cmdline_get(line, "console", value, 12));
    assert_true(cmdline_get(line, "console", value, 13));
    assert_false(cmdline_has("", "a"));
}

static void survives_open_quote(void **state)
{
    char value[16];

    (void)state;
    assert_true(cmdline_get("a=\"b c", "a", value, sizeof(value)));
    assert_string_equal(value, "b c");
}

static void reads_numbers(void **state)
{
    uint64_t number = 7;

    (void)state;
    assert_true(cmdline_number("0x1F", 0, 100, &number));
    assert_int_equal(number, 31);
    assert_true(cmdline_number("64K", 0, UINT64_MAX, &number));
    assert_int_equal(number, 65536);
    assert_true(cmdline_number("18446744073709551615", 0, UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    assert_false(cmdline_number("18446744073709551616", 0, UINT64_MAX, &number));
    assert_false(cmdline_number("0xFFFFFFFFFFFFFFFFF", 0, UINT64_MAX, &number));
    assert_false(cmdline_number("17179869184G", 0, UINT64_MAX, &number));
    assert_false(cmdline_number("", 0, 100, &number));
    assert_false(cmdline_number("0x", 0, 100, &number));
    assert_false(cmdline_number("1KB", 0, UINT64_MAX, &number));
    assert_false(cmdline_number("-1", 0, UINT64_MAX, &number));
    assert_false(cmdline_number("101", 0, 100, &number));
    number = 9;
    assert_false(cmdline_get_number("cpus=0", "cpus", 1, 255, &number));
    assert_int_equal(number, 9);
    assert_true(cmdline_get_number("cpus=4", "cpus", 1, 255, &number));
    assert_int_equal(number, 4);
}

static void splits_lines(void **state)
{
    static const char *const expected[] = {"dev", "ioctl", "\\\\.\\edu 0", "a b",
                                           "",    "c\"d",  "x y"};
    char line[] = " dev ioctl \"\\\\.\\edu 0\" 'a b' '' c\\\"d x\\ y # not this";
    char *argv[CONSOLE_LINE_WORDS_MAX];
    unsigned argc;

    (void)state;
    assert_true(console_line_split(line, argv, CONSOLE_LINE_WORDS_MAX, &argc, NULL));
    assert_int_equal(argc, TEST_COUNT(expected));
    for (unsigned i = 0; i < argc; i++)
        assert_string_equal(argv[i], expected[i]);
    assert_null(argv[argc]);
}

static void refuses_lines(void **state)
{
    char open_quote[] = "a 'b";
    char many[] = "a b c";
    char nothing[] = "   ";
    char *argv[3];
    unsigned argc;
    struct parse_error error;

    (void)state;
    assert_false(console_line_split(open_quote, argv, 3, &argc, &error));
    assert_int_equal(error.offset, 2);
    assert_false(console_line_split(many, argv, 3, &argc, &error));
    assert_true(console_line_split(nothing, argv, 3, &argc, &error));
    assert_int_equal(argc, 0);
    assert_null(argv[0]);
}

static void reads_ordinals(void **state)
{
    static const struct {
        const char *line, *what, *detail;
    } bad[] = {
        {"", "library", "missing"},
        {"ntoskrnl.exe", "ordinal", "missing"},
        {"ntoskrnl.exe 65536 A", "ordinal", "not a number of 16 bits"},
        {"ntoskrnl.exe x A", "ordinal", "not a number of 16 bits"},
        {"ntoskrnl.exe 1 ", "name", "missing"},
        {"ntoskrnl.exe 1 A B", "line", "more than three fields"},
        {"a-library-of-more-than-31-letters 1 A", "library", "too long"},
    };
    struct ordinal ordinal;
    struct parse_error error;

    (void)state;
    assert_true(ordinal_parse(" hal.dll\t0x4D  KeStall ", &ordinal, &error));
    assert_string_equal(ordinal.library, "hal.dll");
    assert_int_equal(ordinal.number, 77);
    assert_string_equal(ordinal.name, "KeStall");
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        assert_false(ordinal_parse(bad[i].line, &ordinal, &error));
        assert_string_equal(error.what, bad[i].what);
        assert_string_equal(error.detail, bad[i].detail);
    }
}

static void reads_hex(void **state)
{
    uint8_t bytes[4];
    size_t length;
    struct parse_error error;
    char text[9];

    (void)state;
    assert_true(hex_parse("0x01 fF:a0-7", bytes, 3, &length, NULL) == false);
    assert_true(hex_parse("0x01 fF:a0-7b", bytes, 4, &length, &error));
    assert_int_equal(length, 4);
    assert_memory_equal(bytes, "\x01\xFF\xA0\x7B", 4);
    assert_true(hex_parse("", bytes, 4, &length, &error));
    assert_int_equal(length, 0);
    assert_false(hex_parse("123", bytes, 4, &length, &error));
    assert_int_equal(error.offset, 2);
    assert_string_equal(error.detail, "half a byte");
    assert_false(hex_parse("0011223344", bytes, 4, &length, &error));
    assert_false(hex_parse("xx", bytes, 4, &length, &error));
    assert_true(hex_format("\x01\xFF\xA0\x7B", 4, text, sizeof(text)));
    assert_string_equal(text, "01ffa07b");
    assert_false(hex_format("\x01\xFF\xA0\x7B", 4, text, 8));
}

static void reports_errors(void **state)
{
    struct parse_error error;

    (void)state;
    assert_false(parse_fail_value(&error, "Field", 12, "wrong", 0));
    assert_string_equal(error.detail, "wrong: 0x0");
    parse_report_value(&error, "Field", 12, "wrong", UINT64_MAX);
    assert_string_equal(error.detail, "wrong: 0xffffffffffffffff");
    parse_report_line(&error, "Field", 12, "wrong", 4294967295u);
    assert_string_equal(error.detail, "wrong, line 4294967295");
    parse_report_value(&error, "Field", 12, "0123456789012345678901234567890123456789",
                       0x1234567890);
    assert_int_equal(strlen(error.detail), sizeof(error.detail) - 1);
    assert_int_equal(parse_bad(NULL, "Field", 0, "", 0), PARSE_BAD);
}

static void reads_locations(void **state)
{
    static const char *const wrong[] = {"",        "0",       "00:04",    "00:04.8",
                                        "00:20.0", "100:0.0", "00:04.0 ", "00-04.0",
                                        ":4.0",    "00:04.",  "g:0.0"};
    uint32_t location = 7;

    (void)state;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(pci_location_parse(wrong[i], &location));
    assert_int_equal(location, 7);
    assert_true(pci_location_parse("00:1f.2", &location));
    assert_int_equal(location, 0xFA);
    assert_true(pci_location_parse("fF:1.7", &location));
    assert_int_equal(location, 0xFF0F);
}

static void reads_injections(void **state)
{
    struct injection injection;
    struct parse_error error;

    (void)state;
    assert_true(injection_parse("delay,00:04.0,0x50", &injection, &error));
    assert_int_equal(injection.kind, INJECTION_DELAY);
    assert_int_equal(injection.location, 0x20);
    assert_int_equal(injection.value, 0x50);
    assert_false(injection.is_off);
    assert_true(injection_parse(" messages 1:2.3  0 ", &injection, &error));
    assert_int_equal(injection.location, 0x113);
    assert_int_equal(injection.value, 0);
    assert_true(injection_parse("share 00:04.0", &injection, &error));
    assert_false(injection.is_off);
    assert_true(injection_parse("share 00:04.0 off", &injection, &error));
    assert_true(injection.is_off);
    assert_true(injection_parse("vectors off", &injection, &error));
    assert_true(injection.is_off);
    assert_int_equal(injection.location, PCI_LOCATION_NONE);
    assert_true(injection_parse("pool 3", &injection, &error));
    assert_int_equal(injection.tag, 0);
    assert_true(injection_parse("pool 3 Edu", &injection, &error));
    assert_int_equal(injection.tag, 0x20756445);
}

static void refuses_injections(void **state)
{
    static const char *const wrong[] = {"",
                                        "nothing",
                                        "delay",
                                        "delay 00:04.0",
                                        "vectors 17",
                                        "vectors 1 2",
                                        "late 00:04.0 0",
                                        "share 00:04.0 1",
                                        "pool 0",
                                        "pool 1 Toolong",
                                        "pool 1 Abcd off",
                                        "pool off Abcd",
                                        "share",
                                        "delay 4.0 5",
                                        "vectors -1",
                                        "share 00:04.0 off off",
                                        "delaydelaydelaydelay 00:04.0 5",
                                        "late 00:04.0 99999"};
    struct injection injection;
    struct parse_error error;

    (void)state;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(injection_parse(wrong[i], &injection, &error));
    assert_false(injection_parse("delay 00:04.0 x", &injection, &error));
    assert_int_equal(error.offset, 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("words of the command line are found by key, the last one counts", finds_words),
        SENTENCE("a quote left open on the command line reaches its end", survives_open_quote),
        SENTENCE("numbers are read within their bounds or leave the default", reads_numbers),
        SENTENCE("a console line becomes words with quotes and escapes", splits_lines),
        SENTENCE("open quotes and too many words on a console line are refused", refuses_lines),
        SENTENCE("a line of ordinals.txt is read whole or refused by field", reads_ordinals),
        SENTENCE("hexadecimal text becomes bytes and comes back", reads_hex),
        SENTENCE("BUS:DEVICE.FUNCTION is read whole or not at all", reads_locations),
        SENTENCE("a fault to inject is read with its device, value and tag", reads_injections),
        SENTENCE("a fault that is not one is refused where it is wrong", refuses_injections),
        SENTENCE("an error's detail holds its number and never overflows", reports_errors),
    };

    return cmocka_run_group_tests_name("text lines", tests, NULL, NULL);
}
