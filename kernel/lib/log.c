/*
 * Kernel log: the ring, the prefix and the discipline of lines. See lib/log.h.
 *
 * A line is formatted on the caller's stack first and enters ring and sink in one piece under the
 * lock, so that formatting, which may fault on a bad string, never happens with the lock held.
 */
#include <lib/format.h>
#include <lib/log.h>
#include <lib/rawlock.h>
#include <lib/string.h>

static struct {
    struct raw_lock lock;
    log_sink_fn *sink;  /* (lock) */
    uint64_t written;   /* (lock) bytes that ever entered the ring */
    bool ring_mid_line; /* (lock) the last byte of the ring is not a newline */
    bool sink_mid_line; /* (lock) the same of the sink */
    bool sink_is_ours;  /* (lock) that unfinished line is the console's, not a driver's */
    char ring[LOG_RING_SIZE];
} log_state;

struct log_line {
    size_t used;
    char text[LOG_LINE_MAX];
};

static void log_ring_put(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        log_state.ring[log_state.written++ % LOG_RING_SIZE] = text[i];
    }
}

static void log_ring_write(const char *text, size_t length, bool whole_line)
{
    if (whole_line && log_state.ring_mid_line) {
        log_ring_put("\n", 1);
    }
    log_ring_put(text, length);
    log_state.ring_mid_line = text[length - 1] != '\n';
}

static void log_sink_write(const char *text, size_t length, bool whole_line, bool console)
{
    if (log_state.sink == NULL) {
        return;
    }
    if (log_state.sink_mid_line && (whole_line || (log_state.sink_is_ours && !console))) {
        log_state.sink("\n", 1);
    }
    log_state.sink(text, length);
    log_state.sink_mid_line = text[length - 1] != '\n';
    log_state.sink_is_ours = console;
}

static void log_line_put(void *context, const char *text, size_t length)
{
    struct log_line *line = context;
    size_t room = LOG_LINE_MAX - 1 - line->used;

    length = length < room ? length : room;
    memcpy(line->text + line->used, text, length);
    line->used += length;
}

static void log_line_write(const char *severity, const char *format, va_list arguments)
{
    struct log_line line = {.used = 0};
    raw_lock_state_t state;

    log_line_put(&line, LOG_PREFIX, sizeof(LOG_PREFIX) - 1);
    log_line_put(&line, severity, strlen(severity));
    lib_format(log_line_put, &line, format, arguments);
    line.text[line.used++] = '\n';

    state = raw_lock_acquire(&log_state.lock);
    log_ring_write(line.text, line.used, true);
    log_sink_write(line.text, line.used, true, false);
    raw_lock_release(&log_state.lock, state);
}

void log_info(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line_write("", format, arguments);
    va_end(arguments);
}

void log_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line_write("warning: ", format, arguments);
    va_end(arguments);
}

void log_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line_write("error: ", format, arguments);
    va_end(arguments);
}

void log_text(const char *text, size_t length)
{
    raw_lock_state_t state;

    if (length == 0) {
        return;
    }
    state = raw_lock_acquire(&log_state.lock);
    log_ring_write(text, length, false);
    log_sink_write(text, length, false, false);
    raw_lock_release(&log_state.lock, state);
}

void log_console(const char *text, size_t length)
{
    raw_lock_state_t state;

    if (length == 0) {
        return;
    }
    state = raw_lock_acquire(&log_state.lock);
    log_sink_write(text, length, false, true);
    raw_lock_release(&log_state.lock, state);
}

static size_t log_ring_read(uint64_t *cursor, char *buffer, size_t size)
{
    size_t count = 0;

    if (log_state.written - *cursor > LOG_RING_SIZE) {
        *cursor = log_state.written - LOG_RING_SIZE;
    }
    while (count < size && *cursor < log_state.written) {
        buffer[count++] = log_state.ring[(*cursor)++ % LOG_RING_SIZE];
    }
    return count;
}

size_t log_read(uint64_t *cursor, char *buffer, size_t size)
{
    raw_lock_state_t state = raw_lock_acquire(&log_state.lock);
    size_t count = log_ring_read(cursor, buffer, size);

    raw_lock_release(&log_state.lock, state);
    return count;
}

void log_set_sink(log_sink_fn *sink)
{
    raw_lock_state_t state = raw_lock_acquire(&log_state.lock);
    bool replay = log_state.sink == NULL && sink != NULL;
    uint64_t cursor = 0;
    char chunk[LOG_LINE_MAX];
    size_t count;

    log_state.sink = sink;
    while (replay && (count = log_ring_read(&cursor, chunk, sizeof(chunk))) != 0) {
        log_sink_write(chunk, count, false, false);
    }
    raw_lock_release(&log_state.lock, state);
}

void log_break_lock(void)
{
    log_state.lock.held = 0;
}
