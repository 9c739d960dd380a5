/*
 * The ustar reader against archives made by hand, byte for byte as POSIX.1 describes them.
 */
#include "test.h"

#include "parse/tar.h"

enum {
    BLOCK = 512,
    AT_SIZE = 124,
    AT_CHECKSUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_PREFIX = 345
};

static void seal(uint8_t *header)
{
    unsigned sum = 0;

    memset(header + AT_CHECKSUM, ' ', 8);
    for (unsigned i = 0; i < BLOCK; i++)
        sum += header[i];
    snprintf((char *)header + AT_CHECKSUM, 8, "%06o", sum);
}

static void make_header(uint8_t *header, const char *name, unsigned size, char type)
{
    memset(header, 0, BLOCK);
    memcpy(header, name, strlen(name));
    snprintf((char *)header + AT_SIZE, 12, "%011o", size);
    header[AT_TYPE] = (uint8_t)type;
    memcpy(header + AT_MAGIC, "ustar\00000", 8);
    seal(header);
}

static void yields_members(void **state)
{
    uint8_t archive[BLOCK * 8] = {0};
    struct tar_iterator iterator;
    struct tar_member member;
    struct parse_error error;

    (void)state;
    make_header(archive, "./drivers/", 0, '5');
    make_header(archive + BLOCK, "./drivers/edu.sys", 600, '0');
    memset(archive + 2 * BLOCK, 'x', 600);
    make_header(archive + 4 * BLOCK, "edu.inf", 0, '0');
    tar_begin(&iterator, archive, sizeof(archive));
    assert_int_equal(tar_next(&iterator, &member, &error), PARSE_ITEM);
    assert_string_equal(member.name, "drivers/");
    assert_int_equal(member.type, TAR_DIRECTORY);
    assert_int_equal(tar_next(&iterator, &member, &error), PARSE_ITEM);
    assert_string_equal(member.name, "drivers/edu.sys");
    assert_int_equal(member.size, 600);
    assert_ptr_equal(member.data, archive + 2 * BLOCK);
    assert_int_equal(tar_next(&iterator, &member, &error), PARSE_ITEM);
    assert_string_equal(member.name, "edu.inf");
    assert_int_equal(member.size, 0);
    assert_int_equal(tar_next(&iterator, &member, &error), PARSE_END);
}

static void joins_prefix(void **state)
{
    uint8_t archive[BLOCK];
    struct tar_iterator iterator;
    struct tar_member member;
    char expected[TAR_NAME_MAX];

    (void)state;
    make_header(archive, "", 0, '0');
    memset(archive, 'n', 100);
    memset(archive + AT_PREFIX, 'p', 155);
    seal(archive);
    memset(expected, 'p', 155);
    expected[155] = '/';
    memset(expected + 156, 'n', 100);
    expected[256] = '\0';
    tar_begin(&iterator, archive, sizeof(archive));
    assert_int_equal(tar_next(&iterator, &member, NULL), PARSE_ITEM);
    assert_string_equal(member.name, expected);
    assert_int_equal(tar_next(&iterator, &member, NULL), PARSE_END);
}

static void skips_pax(void **state)
{
    uint8_t archive[BLOCK * 3] = {0};
    struct tar_iterator iterator;
    struct tar_member member;

    (void)state;
    make_header(archive, "pax", 20, 'x');
    make_header(archive + 2 * BLOCK, "file", 0, '\0');
    tar_begin(&iterator, archive, sizeof(archive));
    assert_int_equal(tar_next(&iterator, &member, NULL), PARSE_ITEM);
    assert_string_equal(member.name, "file");
    assert_int_equal(member.type, TAR_FILE);
}

static void refuse(const uint8_t *archive, size_t size, const char *what)
{
    uint8_t *copy = test_exact(archive, size);
    struct tar_iterator iterator;
    struct tar_member member;
    struct parse_error error;

    tar_begin(&iterator, copy, size);
    assert_int_equal(tar_next(&iterator, &member, &error), PARSE_BAD);
    assert_string_equal(error.what, what);
    free(copy);
}

static void refuses_malformed(void **state)
{
    uint8_t header[BLOCK];

    (void)state;
    make_header(header, "a", 0, '0');
    header[0] = 'b';
    refuse(header, BLOCK, "checksum");
    make_header(header, "a", 0, '0');
    header[AT_MAGIC] = 'x';
    seal(header);
    refuse(header, BLOCK, "magic");
    make_header(header, "a", 1, '0');
    refuse(header, BLOCK, "size");
    make_header(header, "a", 0, '0');
    memset(header + AT_SIZE, '7', 12);
    seal(header);
    refuse(header, BLOCK, "size");
    header[AT_SIZE] = 0x80;
    seal(header);
    refuse(header, BLOCK, "size");
    make_header(header, "a", 0, 'L');
    refuse(header, BLOCK, "typeflag");
    make_header(header, "", 0, '0');
    refuse(header, BLOCK, "name");
    make_header(header, "a", 0, '0');
    refuse(header, BLOCK - 1, "header");
}

static void accepts_unpadded(void **state)
{
    uint8_t archive[BLOCK + 3] = {0};
    struct tar_iterator iterator;
    struct tar_member member;

    (void)state;
    make_header(archive, "a", 3, '0');
    tar_begin(&iterator, archive, sizeof(archive));
    assert_int_equal(tar_next(&iterator, &member, NULL), PARSE_ITEM);
    assert_int_equal(member.size, 3);
    assert_int_equal(tar_next(&iterator, &member, NULL), PARSE_END);
    tar_begin(&iterator, archive, 0);
    assert_int_equal(tar_next(&iterator, &member, NULL), PARSE_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("members come in order with names, sizes and data", yields_members),
        SENTENCE("a name of 256 characters is joined from prefix and name", joins_prefix),
        SENTENCE("pax headers are skipped", skips_pax),
        SENTENCE("wrong magic, checksum, size, type or name is refused", refuses_malformed),
        SENTENCE("a last member without padding is accepted", accepts_unpadded),
    };

    return cmocka_run_group_tests_name("ustar archives", tests, NULL, NULL);
}
