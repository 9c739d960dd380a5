/*
 * The syntax of INF files: physical lines to logical ones, logical lines to fields.
 *
 * One function, next_piece(), knows where headers and logical lines begin and end; another,
 * scan_field(), knows what a field is. Everything else is built on these two. Both agree on
 * quotes, comments and continuations through skip_break().
 */
#include "parse/inf.h"

#include "parse/encoding.h"

/* A header or a logical line. */
struct piece {
    bool is_header;
    uint32_t start; /* of the name in the brackets, or of the line */
    uint32_t end;   /* behind it, comment excluded */
};

/* Where a field's text goes; a buffer of size 0 only measures. */
struct output {
    char *buffer;
    size_t size;
    size_t length;
    size_t kept; /* length without trailing blanks that were not quoted */
    bool overflow;
};

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

/* An INF's lines hold more: other white space, and what ended files of CP/M. */
static bool inf_is_blank(char character)
{
    return parse_is_blank(character) || character == '\f' || character == '\v' ||
           character == '\x1A';
}

static uint32_t skip_blanks(const struct inf *inf, uint32_t at, uint32_t end)
{
    while (at < end && inf_is_blank(inf->text[at]))
        at++;
    return at;
}

/* The offset of the line feed that ends the physical line, or the end of the text. */
static uint32_t find_line_feed(const struct inf *inf, uint32_t at)
{
    while (at < inf->size && inf->text[at] != '\n')
        at++;
    return at;
}

/*
 * At a backslash: if only blanks and a comment follow on its line, the line is continued, and the
 * result is the offset of the first character that is not blank on the next one. Else 0.
 */
static uint32_t skip_break(const struct inf *inf, uint32_t at)
{
    uint32_t next = skip_blanks(inf, at + 1, inf->size);

    if (next < inf->size && inf->text[next] == ';')
        next = find_line_feed(inf, next);
    if (next >= inf->size || inf->text[next] != '\n')
        return 0;
    return skip_blanks(inf, next + 1, inf->size);
}

/* The end of the logical line at `at`; *next is where the text goes on. */
static uint32_t find_line_end(const struct inf *inf, uint32_t at, uint32_t *next)
{
    bool quoted = false;

    while (at < inf->size && inf->text[at] != '\n') {
        char character = inf->text[at];
        uint32_t joined = character == '\\' && !quoted ? skip_break(inf, at) : 0;

        if (character == '"')
            quoted = !quoted;
        if (character == ';' && !quoted)
            break;
        at = joined ? joined : at + 1;
    }
    uint32_t line_feed = find_line_feed(inf, at);
    *next = line_feed < inf->size ? line_feed + 1 : line_feed;
    return at;
}

/* The header or line at or behind *at, which moves on; false at the end of the text. */
static bool next_piece(const struct inf *inf, uint32_t *at, struct piece *piece)
{
    while (*at < inf->size) {
        uint32_t start = skip_blanks(inf, *at, inf->size);

        if (start < inf->size && inf->text[start] == '[') {
            uint32_t line_feed = find_line_feed(inf, start);

            piece->is_header = true;
            piece->start = skip_blanks(inf, start + 1, line_feed);
            piece->end = piece->start;
            while (piece->end < line_feed && inf->text[piece->end] != ']')
                piece->end++;
            *at = line_feed < inf->size ? line_feed + 1 : line_feed;
            return true;
        }
        piece->is_header = false;
        piece->start = start;
        piece->end = find_line_end(inf, start, at);
        if (piece->end > piece->start)
            return true;
    }
    return false;
}

/* Compare pieces of the text, or a piece and a string, without case. */
static bool equal_sized(const char *left, uint32_t left_size, const char *right,
                        uint32_t right_size)
{
    while (left_size && inf_is_blank(left[left_size - 1]))
        left_size--;
    while (right_size && inf_is_blank(right[right_size - 1]))
        right_size--;
    if (left_size != right_size)
        return false;
    for (uint32_t i = 0; i < left_size; i++) {
        if (lower(left[i]) != lower(right[i]))
            return false;
    }
    return true;
}

static uint32_t string_size(const char *text)
{
    uint32_t size = 0;

    while (text[size])
        size++;
    return size;
}

bool inf_equal(const char *left, const char *right)
{
    while (*left && lower(*left) == lower(*right)) {
        left++;
        right++;
    }
    return *left == *right;
}

static bool has_name(const struct inf *inf, const struct inf_section *section, const char *name,
                     uint32_t name_size)
{
    return equal_sized(inf->text + section->name, section->name_size, name, name_size);
}

static struct inf_section section_of(const struct piece *piece, uint32_t body)
{
    return (struct inf_section){piece->start, piece->end - piece->start, body};
}

bool inf_open(struct inf *inf, const void *file, uint64_t size, char *scratch,
              uint64_t scratch_size, struct parse_error *error)
{
    struct piece piece;
    uint32_t at = 0;
    bool any = false;

    inf->size = 0;
    inf->section_count = 0;
    inf->index_is_complete = true;
    if (size > INF_FILE_SIZE_MAX)
        return parse_fail_value(error, "INF file", 0, "above 4 MB", size);
    if (!encoding_decode(file, size, scratch, scratch_size, &inf->text, &inf->size, error))
        return false;
    while (next_piece(inf, &at, &piece)) {
        if (piece.is_header && (piece.end == inf->size || inf->text[piece.end] != ']')) {
            parse_report_line(error, "section header", piece.start, "no ]",
                              inf_line_of_offset(inf, piece.start));
            return false;
        }
        if (!piece.is_header && !any)
            return parse_fail(error, "INF text", piece.start, "a line before any section");
        any = true;
        if (!piece.is_header)
            continue;
        if (inf->section_count < INF_INDEX_MAX)
            inf->section[inf->section_count++] = section_of(&piece, at);
        else
            inf->index_is_complete = false;
    }
    if (!any)
        return parse_fail(error, "INF text", 0, "no section at all");
    return true;
}

/* The first section of that name whose body begins at least_body or later. */
static bool find_section(const struct inf *inf, const char *name, uint32_t name_size,
                         uint32_t least_body, struct inf_section *found)
{
    struct piece piece;
    uint32_t at = 0;

    for (uint32_t i = 0; i < inf->section_count; i++) {
        at = inf->section[i].body;
        if (at < least_body || !has_name(inf, &inf->section[i], name, name_size))
            continue;
        *found = inf->section[i];
        return true;
    }
    while (!inf->index_is_complete && next_piece(inf, &at, &piece)) {
        *found = section_of(&piece, at);
        if (piece.is_header && at >= least_body && has_name(inf, found, name, name_size))
            return true;
    }
    return false;
}

bool inf_find_section(const struct inf *inf, const char *name, struct inf_cursor *cursor)
{
    struct inf_section section;

    if (!find_section(inf, name, string_size(name), 0, &section))
        return false;
    *cursor = (struct inf_cursor){
        .inf = inf,
        .name = section.name,
        .name_size = section.name_size,
        .next = section.body,
    };
    return true;
}

static uint32_t scan_field(const struct inf *inf, uint32_t at, uint32_t end, char stop, bool expand,
                           struct output *output);

/* Find the `=` of a line: it must come before the first comma, outside quotes. */
static void find_key(struct inf_line *line)
{
    uint32_t at = scan_field(line->inf, line->start, line->end, '=', false, NULL);

    line->has_key = at < line->end && line->inf->text[at] == '=';
    line->values = line->has_key ? at + 1 : line->start;
}

bool inf_next_line(struct inf_cursor *cursor, struct inf_line *line)
{
    const struct inf *inf = cursor->inf;
    struct inf_section section;
    struct piece piece;

    while (next_piece(inf, &cursor->next, &piece)) {
        if (!piece.is_header) {
            *line = (struct inf_line){.inf = inf, .start = piece.start, .end = piece.end};
            find_key(line);
            return true;
        }
        /* The section ended: go on where another of its name begins, this header included. */
        if (!find_section(inf, inf->text + cursor->name, cursor->name_size, cursor->next, &section))
            cursor->next = inf->size;
        else
            cursor->next = section.body;
    }
    return false;
}

static void put(struct output *output, char character, bool keep)
{
    if (output->length + 1 >= output->size) {
        output->overflow = true;
        return;
    }
    output->buffer[output->length++] = character;
    if (keep)
        output->kept = output->length;
}

/* The value of a string of [Strings] or [Strings.0409] into the output; false: no such string. */
static bool put_string(const struct inf *inf, uint32_t name, uint32_t name_size,
                       struct output *output)
{
    static const char *const sections[] = {"Strings", "Strings.0409"};
    struct inf_cursor cursor;
    struct inf_line line;

    for (unsigned i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (!inf_find_section(inf, sections[i], &cursor))
            continue;
        while (inf_next_line(&cursor, &line)) {
            if (line.has_key && equal_sized(inf->text + line.start, line.values - 1 - line.start,
                                            inf->text + name, name_size)) {
                size_t before = output->length;

                scan_field(inf, line.values, line.end, ',', false, output);
                output->length = output->kept > before ? output->kept : before;
                return true;
            }
        }
    }
    return false;
}

/* At a percent sign: write what it stands for and return the offset behind it. */
static uint32_t put_percent(const struct inf *inf, uint32_t at, uint32_t end, struct output *output)
{
    uint32_t close = at + 1;

    while (close < end && inf->text[close] != '%' && inf->text[close] != ',' &&
           inf->text[close] != '"' && inf->text[close] != '\\' && inf->text[close] != '\n')
        close++;
    if (close == end || inf->text[close] != '%') {
        put(output, '%', true);
        return at + 1;
    }
    if (close == at + 1) {
        put(output, '%', true);
        return close + 1;
    }
    if (!put_string(inf, at + 1, close - at - 1, output)) {
        for (uint32_t i = at; i <= close; i++)
            put(output, inf->text[i], true);
    }
    return close + 1;
}

/*
 * Walk one field from `at` to its delimiter (a comma, or `stop`) or the line's end, whose offset is
 * returned, and write its text, if an output is given: unquoted, trimmed, expanded if asked for.
 */
static uint32_t scan_field(const struct inf *inf, uint32_t at, uint32_t end, char stop, bool expand,
                           struct output *output)
{
    bool quoted = false;

    at = skip_blanks(inf, at, end);
    while (at < end) {
        char character = inf->text[at];
        uint32_t joined = character == '\\' && !quoted ? skip_break(inf, at) : 0;

        if (!quoted && (character == ',' || character == stop))
            break;
        if (joined) {
            at = joined;
        } else if (character == '"' && quoted && at + 1 < end && inf->text[at + 1] == '"') {
            if (output)
                put(output, '"', true);
            at += 2;
        } else if (character == '"') {
            quoted = !quoted;
            at++;
        } else if (character == '%' && expand && output) {
            at = put_percent(inf, at, end, output);
        } else {
            if (output)
                put(output, character, quoted || !inf_is_blank(character));
            at++;
        }
    }
    return at < end ? at : end;
}

unsigned inf_line_value_count(const struct inf_line *line)
{
    const struct inf *inf = line->inf;
    uint32_t at = skip_blanks(inf, line->values, line->end);
    unsigned count = 1;

    if (at >= line->end)
        return 0;
    while ((at = scan_field(inf, at, line->end, ',', false, NULL)) < line->end) {
        at++;
        count++;
    }
    return count;
}

int32_t inf_line_field(const struct inf_line *line, unsigned index, char *buffer, size_t size)
{
    const struct inf *inf = line->inf;
    struct output output = {.buffer = buffer, .size = size};
    uint32_t at = line->values;
    char stop = ',';

    if (size == 0)
        return INF_FIELD_TOO_LONG;
    buffer[0] = '\0';
    if (index == 0) {
        if (!line->has_key)
            return INF_FIELD_ABSENT;
        at = line->start;
        stop = '=';
    } else if (skip_blanks(inf, at, line->end) >= line->end) {
        return INF_FIELD_ABSENT;
    }
    for (unsigned i = 1; i < index; i++) {
        at = scan_field(inf, at, line->end, ',', false, NULL);
        if (at >= line->end)
            return INF_FIELD_ABSENT;
        at++;
    }
    scan_field(inf, at, line->end, stop, true, &output);
    buffer[output.overflow ? 0 : output.kept] = '\0';
    return output.overflow ? INF_FIELD_TOO_LONG : (int32_t)output.kept;
}

bool inf_find_line(const struct inf *inf, const char *section, const char *key,
                   struct inf_line *line)
{
    struct inf_cursor cursor;
    char buffer[INF_FIELD_MAX];

    if (!inf_find_section(inf, section, &cursor))
        return false;
    while (inf_next_line(&cursor, line)) {
        if (inf_line_field(line, 0, buffer, sizeof(buffer)) >= 0 && inf_equal(buffer, key))
            return true;
    }
    return false;
}

bool inf_line_number(const struct inf_line *line, unsigned index, uint32_t *number)
{
    char buffer[24];
    const char *at = buffer;
    uint64_t value = 0;
    unsigned base = 10;

    if (inf_line_field(line, index, buffer, sizeof(buffer)) <= 0)
        return false;
    bool negative = *at == '-';
    if (negative)
        at++;
    if (at[0] == '0' && lower(at[1]) == 'x') {
        base = 16;
        at += 2;
    }
    if (*at == '\0')
        return false;
    for (; *at; at++) {
        char digit = lower(*at);
        unsigned add = digit >= '0' && digit <= '9'   ? (unsigned)(digit - '0')
                       : digit >= 'a' && digit <= 'f' ? (unsigned)(digit - 'a') + 10
                                                      : base;
        value = value * base + add;
        if (add >= base || value > UINT32_MAX)
            return false;
    }
    *number = (uint32_t)(negative ? -value : value);
    return true;
}

uint32_t inf_line_of_offset(const struct inf *inf, uint32_t offset)
{
    uint32_t line = 1;

    for (uint32_t at = 0; at < offset && at < inf->size; at++) {
        if (inf->text[at] == '\n')
            line++;
    }
    return line;
}
