/*
 * shell/console.h - reading a line from the console UART, with editing.
 */
#pragma once

#include <stddef.h>

/*
 * Prompt and wait for a line; the result is NUL-terminated and without its end. Keys: left, right,
 * home, end, delete, backspace, ctrl-a -e -b -f -d -h -k -u -w -l, up and down (ctrl-p -n) for the
 * lines before, tab to complete a command's name. PASSIVE_LEVEL; polls, asleep in between.
 */
void console_read_line(const char *prompt, char *line, size_t size);
