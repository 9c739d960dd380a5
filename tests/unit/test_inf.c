/*
 * The syntax of INF files: encodings, sections, lines, fields. What they mean is the business of
 * test_inf_model.c.
 */
#include "test.h"

#include "parse/inf.h"

static char scratch[8192];

static struct inf open_text(const char *text)
{
    struct inf inf;
    struct parse_error error = {0};

    if (!inf_open(&inf, text, strlen(text), scratch, sizeof(scratch), &error))
        fail_msg("%s at %llu: %s", error.what, (unsigned long long)error.offset, error.detail);
    return inf;
}

static void expect_field(const struct inf_line *line, unsigned index, const char *expected)
{
    char buffer[INF_FIELD_MAX];
    int32_t length = inf_line_field(line, index, buffer, sizeof(buffer));

    if (!expected) {
        assert_int_equal(length, INF_FIELD_ABSENT);
        return;
    }
    assert_string_equal(buffer, expected);
    assert_int_equal(length, strlen(expected));
}

static void reads_fields(void **state)
{
    struct inf inf = open_text("[A]\n"
                               " key = a , \"b , \"\"c\"\" ;\" ,, d e \\\n"
                               "   f\\g ; comment, not a field\n"
                               "[a ] ; the same section\n"
                               "no key, x=y\n"
                               "empty =\n"
                               "\"quoted = key\" = %None%, 50%, 100%%, \"%s%,%S%\"\n"
                               "[Strings]\n"
                               "s = \"a %s%\" \n"
                               "[A]\n"
                               "back\\\n"
                               "[B]");
    struct inf_cursor cursor;
    struct inf_line line;

    (void)state;
    assert_true(inf_find_section(&inf, "a", &cursor));
    assert_true(inf_next_line(&cursor, &line));
    assert_int_equal(inf_line_value_count(&line), 4);
    expect_field(&line, 0, "key");
    expect_field(&line, 1, "a");
    expect_field(&line, 2, "b , \"c\" ;");
    expect_field(&line, 3, "");
    expect_field(&line, 4, "d e f\\g");
    expect_field(&line, 5, NULL);
    assert_true(inf_next_line(&cursor, &line));
    assert_false(line.has_key);
    expect_field(&line, 0, NULL);
    expect_field(&line, 1, "no key");
    expect_field(&line, 2, "x=y");
    assert_true(inf_next_line(&cursor, &line));
    assert_int_equal(inf_line_value_count(&line), 0);
    expect_field(&line, 0, "empty");
    expect_field(&line, 1, NULL);
    assert_true(inf_next_line(&cursor, &line));
    expect_field(&line, 0, "quoted = key");
    expect_field(&line, 1, "%None%");
    expect_field(&line, 2, "50%");
    expect_field(&line, 3, "100%");
    expect_field(&line, 4, "a %s%,a %s%");
    assert_true(inf_next_line(&cursor, &line));
    expect_field(&line, 1, "back[B]"); /* the backslash joins whatever follows */
    assert_int_equal(inf_line_of_offset(&inf, line.start), 11);
}

/* More sections than the index holds, one of them in two parts. */
static void finds_many_sections(void **state)
{
    char text[4096] = "[First]\na\n";
    char name[16];
    struct inf_cursor cursor;
    struct inf_line line;

    (void)state;
    for (unsigned i = 0; i < 2 * INF_INDEX_MAX; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "[S%u]\nv%u\n", i, i);
    strcat(text, "[FIRST]\nb\n[Last]\n[First]\nc\n");
    struct inf inf = open_text(text);
    assert_false(inf.index_is_complete);
    for (unsigned i = 0; i < 2 * INF_INDEX_MAX; i++) {
        snprintf(name, sizeof(name), "s%u", i);
        assert_true(inf_find_section(&inf, name, &cursor));
        assert_true(inf_next_line(&cursor, &line));
        name[0] = 'v';
        expect_field(&line, 1, name);
        assert_false(inf_next_line(&cursor, &line));
    }
    assert_true(inf_find_section(&inf, "first", &cursor));
    for (unsigned i = 0; i < 3; i++) {
        assert_true(inf_next_line(&cursor, &line));
        expect_field(&line, 1, i == 0 ? "a" : i == 1 ? "b" : "c");
    }
    assert_false(inf_next_line(&cursor, &line));
    assert_true(inf_find_section(&inf, "Last", &cursor));
    assert_false(inf_next_line(&cursor, &line));
    assert_false(inf_find_section(&inf, "S999", &cursor));
}

static void bounds_fields(void **state)
{
    struct inf inf = open_text("[A]\nk = 12345678\n");
    struct inf_line line;
    char buffer[9];
    uint32_t number;

    (void)state;
    assert_true(inf_find_line(&inf, "A", "K", &line));
    assert_int_equal(inf_line_field(&line, 1, buffer, 8), INF_FIELD_TOO_LONG);
    assert_int_equal(inf_line_field(&line, 1, buffer, 9), 8);
    assert_int_equal(inf_line_field(&line, 1, buffer, 0), INF_FIELD_TOO_LONG);
    assert_true(inf_line_number(&line, 1, &number));
    assert_int_equal(number, 12345678);
    assert_false(inf_line_number(&line, 2, &number));
    assert_false(inf_find_line(&inf, "B", "k", &line));
}

static void refuses_text(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *what;
    } cases[] = {
        {"", 0, "INF text"},
        {"; only a comment\n", 17, "INF text"},
        {"key = value\n[A]\n", 16, "INF text"},
        {"[A\n]", 4, "section header"},
        {"[A]\nx\0y", 7, "text"},
        {"\xFE\xFF\0[", 4, "byte order mark"},
    };
    struct inf inf;
    struct parse_error error;

    (void)state;
    for (unsigned i = 0; i < TEST_COUNT(cases); i++) {
        assert_false(
            inf_open(&inf, cases[i].bytes, cases[i].size, scratch, sizeof(scratch), &error));
        assert_string_equal(error.what, cases[i].what);
    }
}

static void expect_name(const void *bytes, size_t size, const char *expected)
{
    char space[64];
    struct inf inf;
    struct inf_line line;
    void *copy = test_exact(bytes, size);

    assert_true(inf_open(&inf, copy, size, space, sizeof(space), NULL));
    assert_true(inf_find_line(&inf, "A", "k", &line));
    expect_field(&line, 1, expected);
    free(copy);
}

static void reads_encodings(void **state)
{
    static const uint16_t wide[] = {0xFEFF, '[',    'A',    ']',    '\n',   'k', '=',
                                    0xE9,   0x20AC, 0xD83D, 0xDE00, 0xD800, 'x'};
    struct inf inf;
    char space[8];

    (void)state;
    expect_name(wide, sizeof(wide), "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBDx");
    expect_name(wide + 1, sizeof(wide) - 2, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBDx");
    expect_name("\xEF\xBB\xBF[A]\nk=\xC3\xA9", 11, "\xC3\xA9");
    expect_name("[A]\nk=\xC3\xA9", 8, "\xC3\xA9");
    expect_name("[A]\nk=\xE9", 7, "\xC3\xA9"); /* ANSI */
    assert_false(inf_open(&inf, wide, sizeof(wide), space, sizeof(space), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("fields come trimmed, unquoted, continued and expanded", reads_fields),
        SENTENCE("sections are found beyond the index and across their parts", finds_many_sections),
        SENTENCE("a field that does not fit its buffer is said to be too long", bounds_fields),
        SENTENCE("text without sections, with NULs or open headers is refused", refuses_text),
        SENTENCE("UTF-16, UTF-8 and ANSI give the same text", reads_encodings),
    };

    return cmocka_run_group_tests_name("INF syntax", tests, NULL, NULL);
}
