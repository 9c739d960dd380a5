/*
 * Tables and JSON lines. See shell/table.h.
 *
 * JSON rows leave as soon as they are complete. A table is kept whole, cell after cell in one text
 * with a NUL behind each, since only the last row tells how wide a column is.
 */
#include "shell/table.h"

#include <lib/string.h>

#include "mm/pool.h"
#include "shell/command.h"
#include "shell/text.h"

#define TABLE_TAG MM_TAG("ShTb")

enum { TABLE_COLUMNS_MAX = 16, TABLE_GAP = 2 };

struct table {
    const struct table_column *columns;
    uint32_t column_count;
    bool json;
    uint32_t next; /* column of the next cell */
    struct text cells;
    struct text line;
    size_t widths[TABLE_COLUMNS_MAX];
};

struct table *table_begin(const struct table_column *columns, uint32_t count, bool json)
{
    struct table *table = mm_pool_alloc(sizeof(*table), TABLE_TAG);

    if (table == NULL || count > TABLE_COLUMNS_MAX)
        return NULL;
    table->columns = columns;
    table->column_count = count;
    table->json = json;
    for (uint32_t i = 0; i < count; i++)
        table->widths[i] = strlen(columns[i].name);
    return table;
}

/* "a, b" as ["a","b"]. */
static void json_words(struct text *line, const char *words)
{
    text_put(line, "[", 1);
    while (*words != '\0') {
        const char *end = strstr(words, ", ");
        size_t length = end != NULL ? (size_t)(end - words) : strlen(words);

        text_put_json(line, words, length);
        words += length;
        if (end != NULL) {
            words += 2;
            text_put(line, ",", 1);
        }
    }
    text_put(line, "]", 1);
}

/* Key and colon before a JSON cell. */
static void json_key(struct table *table)
{
    const char *name = table->columns[table->next].name;

    text_put(&table->line, table->next == 0 ? "{" : ",", 1);
    text_put_json(&table->line, name, strlen(name));
    text_put(&table->line, ":", 1);
}

static void cell_end(struct table *table, size_t width)
{
    if (!table->json) {
        text_put(&table->cells, "", 1);
        if (width > table->widths[table->next])
            table->widths[table->next] = width;
    }
    table->next = (table->next + 1) % table->column_count;
    if (table->json && table->next == 0) {
        text_put(&table->line, "}\n", 2);
        text_flush(&table->line);
    }
}

static void cell_print(struct table *table, const char *format, va_list arguments)
{
    struct text cell = {0};
    const char *bytes;

    if (table == NULL)
        return;
    text_vprint(&cell, format, arguments);
    bytes = cell.bytes != NULL ? cell.bytes : "";
    if (!table->json) {
        text_put(&table->cells, bytes, cell.used);
    } else {
        json_key(table);
        if (table->columns[table->next].kind == TABLE_WORDS)
            json_words(&table->line, bytes);
        else
            text_put_json(&table->line, bytes, cell.used);
    }
    table->cells.failed |= cell.failed;
    cell_end(table, cell.used);
    text_free(&cell);
}

void table_text(struct table *table, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    cell_print(table, format, arguments);
    va_end(arguments);
}

void table_pair(struct table *table, const char *first, const char *format, ...)
{
    va_list arguments;

    table_text(table, "%s", first);
    va_start(arguments, format);
    cell_print(table, format, arguments);
    va_end(arguments);
}

static void number_put(struct text *text, enum table_kind kind, uint64_t value, bool json)
{
    if (kind == TABLE_FLAG)
        text_print(text, "%s", json ? (value ? "true" : "false") : (value ? "yes" : ""));
    else if (kind == TABLE_HEX && !json)
        text_print(text, "0x%llx", (unsigned long long)value);
    else
        text_print(text, "%llu", (unsigned long long)value);
}

/* Where the next cell's text goes, behind its key if it has one. */
static struct text *cell_begin(struct table *table)
{
    if (!table->json)
        return &table->cells;
    json_key(table);
    return &table->line;
}

void table_number(struct table *table, uint64_t value)
{
    struct text *text;
    size_t before;

    if (table == NULL)
        return;
    text = cell_begin(table);
    before = text->used;
    number_put(text, table->columns[table->next].kind, value, table->json);
    cell_end(table, text->used - before);
}

/* In the table of many CPUs only those that have any: "0:12 5:3". */
void table_counts(struct table *table, const uint64_t *values, uint32_t count)
{
    enum { COUNTS_WHOLE_MAX = 8 };
    struct text *text;
    size_t before;

    if (table == NULL)
        return;
    text = cell_begin(table);
    before = text->used;
    if (table->json)
        text_put(text, "[", 1);
    for (uint32_t i = 0; i < count; i++) {
        unsigned long long value = values[i];

        if (table->json)
            text_print(text, "%s%llu", i > 0 ? "," : "", value);
        else if (count <= COUNTS_WHOLE_MAX)
            text_print(text, "%s%llu", i > 0 ? " " : "", value);
        else if (value > 0)
            text_print(text, "%s%u:%llu", text->used > before ? " " : "", i, value);
    }
    if (table->json)
        text_put(text, "]", 1);
    cell_end(table, text->used - before);
}

void table_fill(struct table *table)
{
    if (table == NULL)
        return;
    do {
        enum table_kind kind = table->columns[table->next].kind;

        if (!table->json || kind == TABLE_TEXT || kind == TABLE_WORDS)
            table_text(table, "%s", "");
        else if (kind == TABLE_COUNTS)
            table_counts(table, NULL, 0);
        else
            table_number(table, 0);
    } while (table->next != 0);
}

static bool is_right_aligned(enum table_kind kind)
{
    return kind == TABLE_NUMBER || kind == TABLE_HEX;
}

static void line_put_cell(struct table *table, uint32_t column, const char *cell)
{
    size_t length = strlen(cell);
    size_t gap = table->widths[column] > length ? table->widths[column] - length : 0;

    if (is_right_aligned(table->columns[column].kind)) {
        text_pad(&table->line, ' ', gap);
        text_put(&table->line, cell, length);
        gap = 0;
    } else {
        text_put(&table->line, cell, length);
    }
    text_pad(&table->line, ' ', gap + TABLE_GAP);
    if (column + 1 < table->column_count)
        return;
    while (table->line.used > 0 && table->line.bytes[table->line.used - 1] == ' ')
        table->line.used--;
    text_put(&table->line, "\n", 1);
    text_flush(&table->line);
}

bool table_end(struct table *table)
{
    const char *cell, *end;
    bool failed;

    if (table == NULL)
        return shell_fail("not enough memory for the table");
    for (uint32_t i = 0; !table->json && i < table->column_count; i++)
        line_put_cell(table, i, table->columns[i].name);
    cell = table->cells.bytes;
    end = cell + table->cells.used;
    for (uint32_t i = 0; cell < end; i = (i + 1) % table->column_count) {
        line_put_cell(table, i, cell);
        cell += strlen(cell) + 1;
    }
    failed = table->cells.failed || table->line.failed;
    text_free(&table->cells);
    text_free(&table->line);
    mm_pool_free(table, TABLE_TAG);
    return failed ? shell_fail("not enough memory for the whole table") : true;
}
