/*
 * ustar headers to members. The layout is POSIX.1-1988's "ustar interchange format"; numbers are
 * octal text, the checksum is the sum of the header's bytes with its own field read as blanks.
 */
#include "parse/tar.h"

#define TAR_BLOCK_SIZE 512u

struct tar_header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link_name[100];
    char magic[6]; /* "ustar\0", or "ustar " of older GNU tar */
    char version[2];
    char user[32];
    char group[32];
    char device_major[8];
    char device_minor[8];
    char prefix[155];
    char padding[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK_SIZE, "POSIX.1 ustar header");

void tar_begin(struct tar_iterator *iterator, const void *archive, uint64_t size)
{
    *iterator = (struct tar_iterator){.archive = {archive, size}};
}

/* Blanks, octal digits, then a blank, a NUL or the field's end. */
static bool parse_octal(const char *field, size_t size, uint64_t *value)
{
    size_t at = 0;
    bool any = false;

    *value = 0;
    while (at < size && field[at] == ' ')
        at++;
    for (; at < size && field[at] >= '0' && field[at] <= '7'; at++) {
        *value = *value * 8 + (uint64_t)(field[at] - '0'); /* 12 digits fit */
        any = true;
    }
    return any && (at == size || field[at] == ' ' || field[at] == '\0');
}

static bool is_zero_block(const uint8_t *block)
{
    for (unsigned i = 0; i < TAR_BLOCK_SIZE; i++) {
        if (block[i])
            return false;
    }
    return true;
}

/* Append at most limit characters of a field that need not be terminated; returns the length. */
static size_t append_field(char *name, size_t length, const char *field, size_t limit)
{
    for (size_t i = 0; i < limit && field[i]; i++)
        name[length++] = field[i];
    name[length] = '\0';
    return length;
}

static void read_name(const struct tar_header *header, char name[TAR_NAME_MAX])
{
    size_t length = append_field(name, 0, header->prefix, sizeof(header->prefix));

    if (length)
        length = append_field(name, length, "/", 1);
    length = append_field(name, length, header->name, sizeof(header->name));
    if (name[0] == '.' && name[1] == '/') {
        for (size_t i = 0; i + 2 <= length; i++)
            name[i] = name[i + 2];
    }
}

/* Magic, checksum and size of a header that is not all zero. */
static bool check_header(const struct tar_header *header, uint64_t at, uint64_t *size,
                         struct parse_error *error)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint64_t expected;
    uint64_t sum = 0;

    if (__builtin_memcmp(header->magic, "ustar", 5) != 0)
        return parse_fail(error, "magic", at + offsetof(struct tar_header, magic), "not ustar");
    for (unsigned i = 0; i < TAR_BLOCK_SIZE; i++) {
        size_t in_field = i - offsetof(struct tar_header, checksum);
        sum += in_field < sizeof(header->checksum) ? ' ' : bytes[i];
    }
    if (!parse_octal(header->checksum, sizeof(header->checksum), &expected) || expected != sum)
        return parse_fail_value(error, "checksum", at + offsetof(struct tar_header, checksum),
                                "wrong, the bytes sum to", sum);
    if (!parse_octal(header->size, sizeof(header->size), size))
        return parse_fail(error, "size", at + offsetof(struct tar_header, size),
                          "not an octal number");
    return true;
}

enum parse_step tar_next(struct tar_iterator *iterator, struct tar_member *member,
                         struct parse_error *error)
{
    struct parse_bytes archive = iterator->archive;
    struct tar_header header;

    for (;;) {
        uint64_t at = iterator->next;
        uint64_t size;

        if (at == archive.size)
            return PARSE_END;
        if (!parse_copy(archive, at, &header, sizeof(header)))
            return parse_bad(error, "header", at, "cut off, the archive has", archive.size);
        if (is_zero_block((const uint8_t *)&header))
            return PARSE_END;
        if (!check_header(&header, at, &size, error))
            return PARSE_BAD;
        char type = header.type == '\0' || header.type == '7' ? TAR_FILE : header.type;
        if (type == 'L' || type == 'K')
            return parse_bad(error, "typeflag", at + offsetof(struct tar_header, type),
                             "a GNU long name, not ustar", (uint8_t)type);
        bool has_data = type == TAR_FILE || type == 'x' || type == 'g';
        if (!has_data)
            size = 0;
        if (!parse_range_ok(archive.size, at + TAR_BLOCK_SIZE, size))
            return parse_bad(error, "size", at + offsetof(struct tar_header, size),
                             "past the end of the archive", size);

        uint64_t padded = (size + TAR_BLOCK_SIZE - 1) / TAR_BLOCK_SIZE * TAR_BLOCK_SIZE;
        iterator->next = parse_range_ok(archive.size, at + TAR_BLOCK_SIZE, padded)
                             ? at + TAR_BLOCK_SIZE + padded
                             : archive.size; /* the last member need not be padded */
        if (type == 'x' || type == 'g')
            continue;
        read_name(&header, member->name);
        if (member->name[0] == '\0')
            return parse_bad(error, "name", at, "empty, member type", (uint8_t)type);
        member->type = type;
        member->data = archive.data + at + TAR_BLOCK_SIZE;
        member->size = size;
        return PARSE_ITEM;
    }
}
