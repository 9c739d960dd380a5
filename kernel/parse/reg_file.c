/*
 * .reg files: one logical line after another. See the header for the form.
 */
#include "parse/reg_file.h"

#include "parse/hex.h"

static const char FIRST_LINE[] = "Windows Registry Editor Version 5.00";
static const char *const ROOTS[] = {"HKEY_LOCAL_MACHINE", "HKLM"};

/* Where data goes. */
struct sink {
    uint8_t *bytes;
    uint32_t room;
    uint32_t size;
};

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character + 'a' - 'A') : character;
}

static enum parse_step bad(const struct reg_file *reg, const char *what, const char *detail,
                           struct parse_error *error)
{
    parse_report_line(error, what, reg->at, detail, reg->line);
    return PARSE_BAD;
}

/* The character here, NUL at the end of the file. */
static char peek(const struct reg_file *reg)
{
    return reg->at < reg->size ? reg->text[reg->at] : 0;
}

static void skip_blanks(struct reg_file *reg)
{
    while (parse_is_blank(peek(reg)))
        reg->at++;
}

/* To the next line; true if nothing but blanks or a comment was left of this one. */
static bool end_line(struct reg_file *reg)
{
    skip_blanks(reg);
    if (peek(reg) == ';')
        while (reg->at < reg->size && peek(reg) != '\n')
            reg->at++;
    if (reg->at < reg->size && peek(reg) != '\n')
        return false;
    if (reg->at < reg->size)
        reg->at++;
    reg->line++;
    return true;
}

/* The word, without regard to case, if it is here. */
static bool take(struct reg_file *reg, const char *word)
{
    uint32_t at = reg->at;

    for (; *word; word++, at++)
        if (at >= reg->size || lower(reg->text[at]) != lower(*word))
            return false;
    reg->at = at;
    return true;
}

static bool put(struct sink *sink, uint8_t byte)
{
    if (sink->size == sink->room)
        return false;
    sink->bytes[sink->size++] = byte;
    return true;
}

/* A text between quotation marks; \" and \\ stand for the second character. */
static enum parse_step read_quoted(struct reg_file *reg, struct sink *sink, const char *what,
                                   struct parse_error *error)
{
    reg->at++;
    while (peek(reg) != '"') {
        if (peek(reg) == '\\' && reg->at + 1 < reg->size)
            reg->at++;
        if (peek(reg) == 0 || peek(reg) == '\n')
            return bad(reg, what, "no closing quotation mark", error);
        if (!put(sink, (uint8_t)peek(reg)))
            return bad(reg, what, "too long", error);
        reg->at++;
    }
    reg->at++;
    return PARSE_ITEM;
}

static enum parse_step read_number(struct reg_file *reg, uint32_t digits, uint32_t *value,
                                   const char *what, struct parse_error *error)
{
    uint32_t count = 0;

    for (*value = 0; hex_digit(peek(reg)) >= 0; reg->at++, count++)
        *value = *value << 4 | (uint32_t)hex_digit(peek(reg));
    if (count == 0 || count > digits)
        return bad(reg, what, "not a hexadecimal number of its size", error);
    return PARSE_ITEM;
}

/* Bytes with commas between them; a backslash at the end of a line continues on the next. */
static enum parse_step read_bytes(struct reg_file *reg, struct sink *sink,
                                  struct parse_error *error)
{
    uint32_t byte;

    for (;;) {
        skip_blanks(reg);
        if (peek(reg) == '\\') {
            reg->at++;
            if (!end_line(reg))
                return bad(reg, "hex", "text after a backslash", error);
            continue;
        }
        if (hex_digit(peek(reg)) < 0)
            return PARSE_ITEM;
        if (read_number(reg, 2, &byte, "hex", error) != PARSE_ITEM)
            return PARSE_BAD;
        if (!put(sink, (uint8_t)byte))
            return bad(reg, "hex", "too long", error);
        skip_blanks(reg);
        if (peek(reg) != ',')
            return PARSE_ITEM;
        reg->at++;
    }
}

static enum parse_step read_data(struct reg_file *reg, struct reg_file_item *item,
                                 struct sink *sink, struct parse_error *error)
{
    enum parse_step step = PARSE_ITEM;
    uint32_t number;

    if (peek(reg) == '"') {
        item->type = REG_FILE_SZ;
        return read_quoted(reg, sink, "text", error);
    }
    if (take(reg, "dword:")) {
        item->type = REG_FILE_DWORD;
        step = read_number(reg, 8, &number, "dword", error);
        for (uint32_t i = 0; step == PARSE_ITEM && i < sizeof(number); i++)
            if (!put(sink, (uint8_t)(number >> 8 * i)))
                step = bad(reg, "dword", "too long", error);
        return step;
    }
    if (!take(reg, "hex"))
        return bad(reg, "value", "neither a text nor dword: nor hex:", error);
    item->type = REG_FILE_BINARY;
    if (take(reg, "(")) {
        step = read_number(reg, 8, &item->type, "hex", error);
        if (step == PARSE_ITEM && !take(reg, ")"))
            step = bad(reg, "hex", "no closing parenthesis", error);
    }
    if (step == PARSE_ITEM && !take(reg, ":"))
        step = bad(reg, "hex", "no colon", error);
    return step == PARSE_ITEM ? read_bytes(reg, sink, error) : step;
}

static enum parse_step read_value(struct reg_file *reg, struct reg_file_item *item,
                                  struct sink *data, struct parse_error *error)
{
    struct sink name = {(uint8_t *)item->name, sizeof(item->name) - 1, 0};
    enum parse_step step = PARSE_ITEM;

    if (!reg->has_key)
        return bad(reg, "value", "no key before it", error);
    if (peek(reg) == '@')
        reg->at++;
    else
        step = read_quoted(reg, &name, "name", error);
    if (step != PARSE_ITEM)
        return step;
    item->name[name.size] = 0;
    skip_blanks(reg);
    if (!take(reg, "="))
        return bad(reg, "value", "no equals sign", error);
    skip_blanks(reg);
    item->kind = REG_FILE_VALUE;
    if (take(reg, "-"))
        item->kind = REG_FILE_VALUE_DELETED;
    else
        step = read_data(reg, item, data, error);
    item->size = data->size;
    return step;
}

/* A root and a backslash; what follows is the key. */
static bool take_root(struct reg_file *reg)
{
    for (uint32_t i = 0; i < sizeof(ROOTS) / sizeof(ROOTS[0]); i++)
        if (take(reg, ROOTS[i]) && take(reg, "\\"))
            return true;
    return false;
}

static enum parse_step read_key(struct reg_file *reg, struct reg_file_item *item,
                                struct parse_error *error)
{
    uint32_t size = 0;

    reg->at++;
    item->kind = take(reg, "-") ? REG_FILE_KEY_DELETED : REG_FILE_KEY;
    if (!take_root(reg))
        return bad(reg, "key", "not below HKEY_LOCAL_MACHINE", error);
    for (; peek(reg) != ']'; reg->at++) {
        if (peek(reg) == 0 || peek(reg) == '\n')
            return bad(reg, "key", "no closing bracket", error);
        if (size == sizeof(reg->key) - 1)
            return bad(reg, "key", "too long", error);
        reg->key[size++] = peek(reg);
    }
    reg->key[size] = 0;
    reg->at++;
    reg->has_key = item->kind == REG_FILE_KEY;
    return size != 0 ? PARSE_ITEM : bad(reg, "key", "no name", error);
}

bool reg_file_open(struct reg_file *reg, const void *file, uint64_t size, char *scratch,
                   uint64_t scratch_size, struct parse_error *error)
{
    *reg = (struct reg_file){.line = 1};
    if (!encoding_decode(file, size, scratch, scratch_size, &reg->text, &reg->size, error))
        return false;
    if (!take(reg, FIRST_LINE) || !end_line(reg))
        return parse_fail(error, "first line", 0, "not \"... Editor Version 5.00\"");
    return true;
}

enum parse_step reg_file_next(struct reg_file *reg, struct reg_file_item *item, void *data,
                              uint32_t room, struct parse_error *error)
{
    struct sink sink = {data, room, 0};
    enum parse_step step;

    while (reg->at < reg->size && end_line(reg))
        continue;
    if (reg->at >= reg->size)
        return PARSE_END;
    *item = (struct reg_file_item){.kind = REG_FILE_KEY};
    if (peek(reg) == '[')
        step = read_key(reg, item, error);
    else if (peek(reg) == '"' || peek(reg) == '@')
        step = read_value(reg, item, &sink, error);
    else
        return bad(reg, "line", "neither a key nor a value", error);
    if (step == PARSE_ITEM && !end_line(reg))
        step = bad(reg, "line", "more than one item", error);
    return step;
}
