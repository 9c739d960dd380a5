/*
 * Windows setup information files: sections, lines, fields.
 *
 * inf_open() takes the bytes of a file in UTF-16LE, UTF-8 or ANSI (read as Latin-1) and, where they
 * are not UTF-8 already, rewrites them as UTF-8 into a scratch buffer of the caller. Everything
 * else reads that text in place. Syntax covered (WDK "General Syntax Rules for INF Files"): section
 * names and keys without case; `;` comments outside quotes; `\` at the end of a line continues it;
 * values separated by commas, blanks trimmed, "quoted" values keep blanks, commas and semicolons,
 * "" is one quote; %name% becomes its string of [Strings] (else [Strings.0409]), %% one percent
 * sign, and a %name% without a string, such as the directory number %12%, stays as it is.
 * Sections of one name are one section, in file order.
 *
 * Offsets, those of errors too, count bytes of the UTF-8 text: inf_line_of_offset() makes them line
 * numbers.
 *
 * Not here: what the sections mean (inf_model.h).
 */
#ifndef PARSE_INF_H
#define PARSE_INF_H

#include "parse/encoding.h"

#define INF_FILE_SIZE_MAX (4u << 20)
#define INF_FIELD_MAX 256 /* a buffer that holds any field we use, with its NUL */

#define INF_FIELD_ABSENT (-1)
#define INF_FIELD_TOO_LONG (-2)

#define INF_INDEX_MAX 64

/* Where a section is; those past the index are found by scanning. */
struct inf_section {
    uint32_t name; /* offset of the name in the header */
    uint32_t name_size;
    uint32_t body; /* offset of the line behind the header */
};

struct inf {
    const char *text; /* UTF-8, not NUL-terminated, without a byte order mark */
    uint32_t size;
    uint32_t section_count; /* of the index */
    bool index_is_complete;
    struct inf_section section[INF_INDEX_MAX]; /* in file order */
};

/* A place among the lines of one section; start it with inf_find_section(). */
struct inf_cursor {
    const struct inf *inf;
    uint32_t name; /* offset of the section's name */
    uint32_t name_size;
    uint32_t next; /* offset of the next physical line */
};

/* One logical line: continuation lines included, never empty, never only a comment. */
struct inf_line {
    const struct inf *inf;
    uint32_t start;
    uint32_t end;
    uint32_t values; /* offset where the values begin: past `=`, or start */
    bool has_key;    /* the line has the form key = values */
};

/* file and scratch, of encoding_scratch_size(), must outlive *inf. Checks the encoding and that
 * each header is well formed. */
bool inf_open(struct inf *inf, const void *file, uint64_t size, char *scratch,
              uint64_t scratch_size, struct parse_error *error);

/* Start at the first line of a section; false if the file has no such section. */
bool inf_find_section(const struct inf *inf, const char *name, struct inf_cursor *cursor);

/* The next line of the section; false after the last. */
bool inf_next_line(struct inf_cursor *cursor, struct inf_line *line);

/* The first line of the section whose key is that. */
bool inf_find_line(const struct inf *inf, const char *section, const char *key,
                   struct inf_line *line);

/*
 * Field n of a line, expanded, NUL-terminated: 0 is the key (absent without `=`), values count from
 * 1. Returns its length, INF_FIELD_ABSENT past the last field, or INF_FIELD_TOO_LONG.
 * An empty field between commas has length 0.
 */
int32_t inf_line_field(const struct inf_line *line, unsigned index, char *buffer, size_t size);

/* Values of the line; 0 for `key =`. */
unsigned inf_line_value_count(const struct inf_line *line);

/* Field as a number: decimal or 0x hex, - allowed; false if absent or anything else. */
bool inf_line_number(const struct inf_line *line, unsigned index, uint32_t *number);

/* The 1-based physical line number of an offset in the text, for messages. */
uint32_t inf_line_of_offset(const struct inf *inf, uint32_t offset);

/* ASCII comparison without case, as Windows compares ids, names and keys. */
bool inf_equal(const char *left, const char *right);

#endif
