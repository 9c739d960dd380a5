/*
 * Commands about memory: mem.
 */
#include <lib/string.h>

#include "mm/mm.h"
#include "mm/pool.h"
#include "shell/command.h"
#include "shell/table.h"

enum { MEMORY_TAGS_MAX = 256 };

#define MEMORY_TAG MM_TAG("ShMe")

static void add_pages(struct table *table, const char *name, uint64_t pages)
{
    table_text(table, "%s", name);
    table_number(table, pages);
    table_number(table, pages * (HAL_PAGE_SIZE / 1024));
}

static bool show_frames(bool json)
{
    static const struct table_column columns[] = {
        {"owner", TABLE_TEXT},
        {"pages", TABLE_NUMBER},
        {"kib", TABLE_NUMBER},
    };
    struct table *table = table_begin(columns, 3, json);
    struct mm_frame_statistics frames;

    mm_frame_statistics_read(&frames);
    for (uint32_t i = 0; i < MM_OWNER_COUNT; i++) {
        if (frames.by_owner[i] > 0)
            add_pages(table, mm_owner_name((enum mm_owner)i), frames.by_owner[i]);
    }
    add_pages(table, "free", frames.free);
    add_pages(table, "largest free", frames.largest_free);
    add_pages(table, "total", frames.total);
    return table_end(table);
}

enum { TAG_CHARACTERS = 4 };

static void tag_text(char name[TAG_CHARACTERS + 1], uint32_t tag)
{
    for (uint32_t i = 0; i < TAG_CHARACTERS; i++) {
        char character = (char)(tag >> 8 * i);

        name[i] = character >= ' ' && character <= '~' ? character : '.';
    }
    name[TAG_CHARACTERS] = 0;
}

/* wanted NULL: every tag; else those that begin so. */
static void add_tag(struct table *table, const struct mm_pool_tag_statistics *row,
                    const char *wanted)
{
    char name[TAG_CHARACTERS + 1];

    tag_text(name, row->tag);
    if (wanted != NULL && strncmp(name, wanted, strlen(wanted)) != 0)
        return;
    table_text(table, "%s", name);
    table_number(table, row->allocations);
    table_number(table, row->frees);
    table_number(table, row->allocations - row->frees);
    table_number(table, (uint64_t)row->bytes);
}

static bool show_pool(const char *tag, bool json)
{
    static const struct table_column columns[] = {
        {"tag", TABLE_TEXT},      {"allocated", TABLE_NUMBER}, {"freed", TABLE_NUMBER},
        {"blocks", TABLE_NUMBER}, {"bytes", TABLE_NUMBER},
    };
    struct mm_pool_tag_statistics *rows;
    struct table *table;
    size_t count;

    rows = mm_pool_alloc(MEMORY_TAGS_MAX * sizeof(*rows), MEMORY_TAG);
    if (rows == NULL)
        return shell_fail("mem: not enough memory");
    count = mm_pool_stats(rows, MEMORY_TAGS_MAX);
    if (count > MEMORY_TAGS_MAX)
        count = MEMORY_TAGS_MAX;
    table = table_begin(columns, 5, json);
    for (size_t i = 0; i < count; i++)
        add_tag(table, &rows[i], tag);
    mm_pool_free(rows, MEMORY_TAG);
    return table_end(table);
}

static bool run_mem(const struct shell_call *call)
{
    if (call->argc == 0)
        return show_frames(call->json);
    if (strcmp(call->argv[0], "pool") != 0)
        return shell_fail("usage: mem [pool]");
    return show_pool(NULL, call->json);
}

static bool run_pool(const struct shell_call *call)
{
    return show_pool(call->argc == 0 ? NULL : call->argv[0], call->json);
}

const struct shell_command shell_memory_commands[] = {
    {"mem", "[pool]", "page frames by owner, or pool by tag", 0, 1, run_mem},
    {"pool", "[TAG]", "pool by tag, or the tags that begin so", 0, 1, run_pool},
    {0},
};
