/*
 * shell/table.h - the one printer of tables and JSON lines.
 *
 *     static const struct table_column columns[] = {
 *         {"cpu", TABLE_NUMBER}, {"name", TABLE_TEXT},
 *     };
 *     struct table *table = table_begin(columns, 2, call->json);
 *     for (...) {
 *         table_number(table, i);
 *         table_text(table, "%s", name);
 *     }
 *     return table_end(table);
 *
 * Cells are given in order, row by row. As a table, columns are as wide as their widest cell; the
 * column's name is its title. As JSON, each row is one object on one line, the name its key. When
 * memory is short the rest is left out and table_end() says so and returns false.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum table_kind {
    TABLE_TEXT,   /* JSON: a string */
    TABLE_NUMBER, /* decimal */
    TABLE_HEX,    /* 0x in the table; JSON: a number */
    TABLE_FLAG,   /* yes or nothing; JSON: true or false */
    TABLE_WORDS,  /* texts with ", " between them; JSON: a list of strings */
    TABLE_COUNTS, /* numbers, one a CPU; JSON: a list of numbers */
};

struct table_column {
    const char *name;
    enum table_kind kind;
};

struct table;

/* NULL when memory is short; every call below accepts that. */
struct table *table_begin(const struct table_column *columns, uint32_t count, bool json);
/* Also for TABLE_WORDS. */
__attribute__((format(printf, 2, 3))) void table_text(struct table *table, const char *format, ...);
/* For TABLE_NUMBER, TABLE_HEX and TABLE_FLAG. */
void table_number(struct table *table, uint64_t value);
void table_counts(struct table *table, const uint64_t *values, uint32_t count);
/* A row of two texts. */
__attribute__((format(printf, 3, 4))) void table_pair(struct table *table, const char *first,
                                                      const char *format, ...);
/* The rest of the row, empty. */
void table_fill(struct table *table);
/* Print and free. */
bool table_end(struct table *table);
