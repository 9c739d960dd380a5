/*
 * The line editor, and which UART it talks to.
 *
 * The UART is polled: the console must work whatever state interrupts are in. Between polls the
 * thread sleeps a millisecond, in which a pasted line at 115,200 baud does not fill the FIFO.
 *
 * On the terminal nothing is assumed but backspace and printing, so any will do. What is on screen
 * always equals prompt + line, with the cursor at `cursor`.
 */
#include "shell/console.h"

#include <hal/hal.h>
#include <lib/log.h>
#include <lib/string.h>

#include "shell/command.h"

enum {
    KEY_CTRL_A = 0x01,
    KEY_CTRL_B = 0x02,
    KEY_CTRL_C = 0x03,
    KEY_CTRL_D = 0x04,
    KEY_CTRL_E = 0x05,
    KEY_CTRL_F = 0x06,
    KEY_CTRL_H = 0x08,
    KEY_TAB = 0x09,
    KEY_CTRL_K = 0x0B,
    KEY_CTRL_L = 0x0C,
    KEY_CTRL_N = 0x0E,
    KEY_CTRL_P = 0x10,
    KEY_CTRL_U = 0x15,
    KEY_CTRL_W = 0x17,
    KEY_ESCAPE = 0x1B,
    KEY_DELETE_BACK = 0x7F,
    KEY_DELETE = 0x100, /* made up, for what has no control character */

    HISTORY_LINES = 32,
    HISTORY_LINE_MAX = 256, /* longer lines are not kept */
    PAUSE_MS = 1,
};

struct editor {
    const char *prompt;
    char *line;
    size_t size;
    size_t length;
    size_t cursor;
    uint32_t back; /* lines back in history; 0: the line being typed */
};

static struct {
    char lines[HISTORY_LINES][HISTORY_LINE_MAX];
    uint32_t count;      /* ever kept */
    bool skip_line_feed; /* the last line ended with CR: a LF that follows belongs to it */
} history;

static void sleep_ms(uint32_t milliseconds)
{
    LARGE_INTEGER interval;

    interval.QuadPart = -(LONGLONG)milliseconds * 10000;
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

static int read_byte(void)
{
    int byte;

    while ((byte = hal_console_read()) < 0)
        sleep_ms(PAUSE_MS);
    return byte;
}

/* A byte that belongs to an escape sequence follows at once; -1 if none does. */
static int read_byte_soon(void)
{
    int byte = -1;

    for (int i = 0; i < 50 && (byte = hal_console_read()) < 0; i++)
        sleep_ms(PAUSE_MS);
    return byte;
}

/* ESC [ ... or ESC O ...: the control character that does the same, or 0. */
static int read_escape(void)
{
    int number = 0, byte = read_byte_soon();

    if (byte != '[' && byte != 'O')
        return 0;
    while ((byte = read_byte_soon()) >= '0' && byte <= ';') {
        if (byte <= '9')
            number = number * 10 + byte - '0';
    }
    switch (byte) {
    case 'A':
        return KEY_CTRL_P;
    case 'B':
        return KEY_CTRL_N;
    case 'C':
        return KEY_CTRL_F;
    case 'D':
        return KEY_CTRL_B;
    case 'H':
        return KEY_CTRL_A;
    case 'F':
        return KEY_CTRL_E;
    case '~':
        if (number == 1 || number == 7)
            return KEY_CTRL_A;
        if (number == 4 || number == 8)
            return KEY_CTRL_E;
        return number == 3 ? KEY_DELETE : 0;
    default:
        return 0;
    }
}

static void put(const char *text, size_t length)
{
    log_console(text, length);
}

static void put_times(char character, size_t count)
{
    while (count-- > 0)
        put(&character, 1);
}

static void move_to(struct editor *editor, size_t cursor)
{
    if (cursor < editor->cursor)
        put_times('\b', editor->cursor - cursor);
    else
        put(editor->line + editor->cursor, cursor - editor->cursor);
    editor->cursor = cursor;
}

/* Print from the cursor on, blank `gone` characters behind the end, and come back. */
static void redraw_tail(struct editor *editor, size_t gone)
{
    size_t tail = editor->length - editor->cursor;

    put(editor->line + editor->cursor, tail);
    put_times(' ', gone);
    put_times('\b', tail + gone);
}

/* Delete from `start` to the cursor. */
static void delete_back_to(struct editor *editor, size_t start)
{
    size_t gone = editor->cursor - start;

    if (gone == 0)
        return;
    memmove(editor->line + start, editor->line + editor->cursor, editor->length - editor->cursor);
    put_times('\b', gone);
    editor->cursor = start;
    editor->length -= gone;
    redraw_tail(editor, gone);
}

static void delete_under(struct editor *editor)
{
    if (editor->cursor == editor->length)
        return;
    move_to(editor, editor->cursor + 1);
    delete_back_to(editor, editor->cursor - 1);
}

static void delete_to_end(struct editor *editor)
{
    size_t gone = editor->length - editor->cursor;

    editor->length = editor->cursor;
    redraw_tail(editor, gone);
}

static void insert(struct editor *editor, const char *text, size_t length)
{
    if (editor->length + length >= editor->size)
        return;
    memmove(editor->line + editor->cursor + length, editor->line + editor->cursor,
            editor->length - editor->cursor);
    memcpy(editor->line + editor->cursor, text, length);
    put(text, length);
    editor->cursor += length;
    editor->length += length;
    if (editor->cursor < editor->length)
        redraw_tail(editor, 0);
}

static void replace_line(struct editor *editor, const char *text)
{
    move_to(editor, editor->length);
    delete_back_to(editor, 0);
    insert(editor, text, strlen(text));
}

static void recall(struct editor *editor, int step)
{
    uint32_t kept = history.count < HISTORY_LINES ? history.count : HISTORY_LINES;

    if ((step < 0 && editor->back == 0) || (step > 0 && editor->back == kept))
        return;
    editor->back = (uint32_t)((int)editor->back + step);
    replace_line(editor, editor->back == 0
                             ? ""
                             : history.lines[(history.count - editor->back) % HISTORY_LINES]);
}

static void remember(const char *line, size_t length)
{
    char *newest = history.lines[(history.count - 1) % HISTORY_LINES];

    if (length == 0 || length >= HISTORY_LINE_MAX)
        return;
    if (history.count > 0 && strcmp(newest, line) == 0)
        return;
    lib_strlcpy(history.lines[history.count++ % HISTORY_LINES], line, HISTORY_LINE_MAX);
}

static void delete_word(struct editor *editor)
{
    size_t start = editor->cursor;

    while (start > 0 && editor->line[start - 1] == ' ')
        start--;
    while (start > 0 && editor->line[start - 1] != ' ')
        start--;
    delete_back_to(editor, start);
}

static void show_again(struct editor *editor)
{
    size_t cursor = editor->cursor;

    put(editor->prompt, strlen(editor->prompt));
    put(editor->line, editor->length);
    editor->cursor = editor->length;
    move_to(editor, cursor);
}

/*
 * The first word becomes as much of a command's name as is certain; when that adds nothing and
 * there are several, they are listed.
 */
static void complete(struct editor *editor)
{
    const struct shell_command *command = NULL, *first = NULL;
    size_t typed = editor->cursor, common = 0;
    uint32_t matches = 0;

    if (memchr(editor->line, ' ', typed) != NULL)
        return;
    while ((command = shell_command_next(command)) != NULL) {
        if (strncmp(command->name, editor->line, typed) != 0)
            continue;
        if (matches++ == 0) {
            first = command;
            common = strlen(command->name);
        }
        while (strncmp(command->name, first->name, common) != 0)
            common--;
    }
    if (matches == 0)
        return;
    insert(editor, first->name + typed, common - typed);
    if (matches == 1)
        insert(editor, " ", 1);
    if (matches == 1 || common > typed)
        return;
    put("\n", 1);
    while ((command = shell_command_next(command)) != NULL) {
        if (strncmp(command->name, editor->line, typed) == 0)
            shell_print("%s  ", command->name);
    }
    put("\n", 1);
    show_again(editor);
}

static void handle_motion(struct editor *editor, int key)
{
    if (key == KEY_CTRL_A)
        move_to(editor, 0);
    else if (key == KEY_CTRL_E)
        move_to(editor, editor->length);
    else if (key == KEY_CTRL_B && editor->cursor > 0)
        move_to(editor, editor->cursor - 1);
    else if (key == KEY_CTRL_F && editor->cursor < editor->length)
        move_to(editor, editor->cursor + 1);
    else if (key == KEY_CTRL_P)
        recall(editor, 1);
    else if (key == KEY_CTRL_N)
        recall(editor, -1);
}

static void handle_key(struct editor *editor, int key)
{
    char character = (char)key;

    switch (key) {
    case KEY_CTRL_H:
    case KEY_DELETE_BACK:
        if (editor->cursor > 0)
            delete_back_to(editor, editor->cursor - 1);
        break;
    case KEY_CTRL_D:
    case KEY_DELETE:
        delete_under(editor);
        break;
    case KEY_CTRL_K:
        delete_to_end(editor);
        break;
    case KEY_CTRL_U:
        delete_back_to(editor, 0);
        break;
    case KEY_CTRL_W:
        delete_word(editor);
        break;
    case KEY_TAB:
        complete(editor);
        break;
    case KEY_CTRL_C:
        put("^C\n", 3);
        editor->length = editor->cursor = 0;
        show_again(editor);
        break;
    case KEY_CTRL_L:
        put("\r", 1);
        show_again(editor);
        break;
    default:
        if (key >= ' ' && key < KEY_DELETE_BACK)
            insert(editor, &character, 1);
        else
            handle_motion(editor, key);
    }
}

void console_read_line(const char *prompt, char *line, size_t size)
{
    struct editor editor = {.prompt = prompt, .line = line, .size = size};

    show_again(&editor);
    for (;;) {
        int key = read_byte();

        if (key == '\n' && history.skip_line_feed) {
            history.skip_line_feed = false;
            continue;
        }
        history.skip_line_feed = key == '\r';
        if (key == '\r' || key == '\n')
            break;
        handle_key(&editor, key == KEY_ESCAPE ? read_escape() : key);
    }
    move_to(&editor, editor.length);
    put("\n", 1);
    line[editor.length] = '\0';
    remember(line, editor.length);
}
