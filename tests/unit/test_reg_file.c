/*
 * .reg files: what each kind of line says, and what is refused where.
 */
#include "test.h"

#include "parse/reg_file.h"

#define HEAD "Windows Registry Editor Version 5.00\r\n\r\n"

static struct reg_file reg;
static struct reg_file_item item;
static uint8_t data[16];

static bool open_text(const char *text, struct parse_error *error)
{
    static char scratch[2048];

    return reg_file_open(&reg, text, strlen(text), scratch, sizeof(scratch), error);
}

static enum parse_step next(struct parse_error *error)
{
    return reg_file_next(&reg, &item, data, sizeof(data), error);
}

static void reads_items(void **state)
{
    (void)state;
    assert_true(open_text(HEAD "; a comment\r\n"
                               "[HKEY_LOCAL_MACHINE\\System\\A b]\r\n"
                               "\"Name \\\"x\\\\\"=\"te;xt\" ; after it\r\n"
                               "@=dword:0000001F\r\n"
                               "\"Bytes\" = hex:01,2,\\\r\n"
                               "  ff\r\n"
                               "\"Empty\"=hex(7):\r\n"
                               "\"Gone\"=-\r\n"
                               "[-hklm\\Old]\r\n",
                          NULL));
    assert_int_equal(next(NULL), PARSE_ITEM);
    assert_int_equal(item.kind, REG_FILE_KEY);
    assert_string_equal(reg.key, "System\\A b");
    assert_int_equal(next(NULL), PARSE_ITEM);
    assert_int_equal(item.kind, REG_FILE_VALUE);
    assert_string_equal(item.name, "Name \"x\\");
    assert_int_equal(item.type, REG_FILE_SZ);
    assert_int_equal(item.size, 5);
    assert_memory_equal(data, "te;xt", 5);
    assert_int_equal(next(NULL), PARSE_ITEM);
    assert_string_equal(item.name, "");
    assert_int_equal(item.type, REG_FILE_DWORD);
    assert_memory_equal(data, "\x1F\0\0\0", 4);
    assert_int_equal(next(NULL), PARSE_ITEM);
    assert_int_equal(item.type, REG_FILE_BINARY);
    assert_int_equal(item.size, 3);
    assert_memory_equal(data, "\x01\x02\xFF", 3);
    assert_int_equal(next(NULL), PARSE_ITEM);
    assert_int_equal(item.type, 7);
    assert_int_equal(item.size, 0);
    assert_int_equal(next(NULL), PARSE_ITEM);
    assert_int_equal(item.kind, REG_FILE_VALUE_DELETED);
    assert_int_equal(next(NULL), PARSE_ITEM);
    assert_int_equal(item.kind, REG_FILE_KEY_DELETED);
    assert_string_equal(reg.key, "Old");
    assert_int_equal(next(NULL), PARSE_END);
}

static void reads_utf16(void **state)
{
    static const char text[] = HEAD "[HKLM\\A]\r\n\"N\"=\"v\"";
    uint8_t wide[2 * sizeof(text)] = {0xFF, 0xFE};
    char scratch[512];

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        wide[2 + 2 * i] = (uint8_t)text[i];
    assert_true(reg_file_open(&reg, wide, 2 * sizeof(text), scratch, sizeof(scratch), NULL));
    assert_int_equal(next(NULL), PARSE_ITEM);
    assert_int_equal(next(NULL), PARSE_ITEM);
    assert_string_equal(item.name, "N");
    assert_int_equal(next(NULL), PARSE_END);
}

static void refuses(void **state)
{
    static const struct {
        const char *text;
        const char *what;
        const char *detail;
    } cases[] = {
        {"\"A\"=\"b\"\n", "value", "no key before it, line 3"},
        {"[-HKLM\\A]\n\"A\"=\"b\"\n", "value", "no key before it, line 4"},
        {"[HKEY_CURRENT_USER\\A]\n", "key", "not below HKEY_LOCAL_MACHINE, line 3"},
        {"[HKLM\\]\n", "key", "no name, line 3"},
        {"[HKLM\\A\n", "key", "no closing bracket, line 3"},
        {"[HKLM\\A] x\n", "line", "more than one item, line 3"},
        {"[HKLM\\A]\nA=1\n", "line", "neither a key nor a value, line 4"},
        {"[HKLM\\A]\n\"A=1\n", "name", "no closing quotation mark, line 4"},
        {"[HKLM\\A]\n\"A\"=\"1\n", "text", "no closing quotation mark, line 4"},
        {"[HKLM\\A]\n\"A\" 1\n", "value", "no equals sign, line 4"},
        {"[HKLM\\A]\n\"A\"=qword:1\n", "value", "neither a text nor dword: nor hex:, line 4"},
        {"[HKLM\\A]\n\"A\"=dword:123456789\n", "dword",
         "not a hexadecimal number of its size, line 4"},
        {"[HKLM\\A]\n\"A\"=hex:123\n", "hex", "not a hexadecimal number of its size, line 4"},
        {"[HKLM\\A]\n\"A\"=hex(7:1\n", "hex", "no closing parenthesis, line 4"},
        {"[HKLM\\A]\n\"A\"=hex 1\n", "hex", "no colon, line 4"},
        {"[HKLM\\A]\n\"A\"=hex:01,\\ 2\n", "hex", "text after a backslash, line 4"},
        {"[HKLM\\A]\n\"A\"=\"seventeen letters\"\n", "text", "too long, line 4"},
    };
    struct parse_error error;
    char text[512];

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        enum parse_step step = PARSE_ITEM;

        snprintf(text, sizeof(text), "%s%s", HEAD, cases[i].text);
        assert_true(open_text(text, NULL));
        while (step == PARSE_ITEM)
            step = next(&error);
        assert_int_equal(step, PARSE_BAD);
        assert_string_equal(error.what, cases[i].what);
        assert_string_equal(error.detail, cases[i].detail);
    }
    assert_false(open_text("REGEDIT4\n[HKLM\\A]\n", &error));
    assert_string_equal(error.what, "first line");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("every kind of line of a .reg file is read", reads_items),
        SENTENCE("a .reg file may be UTF-16", reads_utf16),
        SENTENCE("a malformed .reg file is refused with its line", refuses),
    };

    return cmocka_run_group_tests_name(".reg files", tests, NULL, NULL);
}
