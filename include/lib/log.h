/*
 * Kernel log.
 *
 * log_info("pci: %u functions", n) prints the line "dirql: pci: 5 functions". The prefix tells the
 * kernel's own lines from what drivers print: DbgPrint's text passes through log_text() verbatim.
 * A kernel line always starts at the beginning of a line; a driver's unfinished line is closed
 * first. Lines are atomic across CPUs and may be printed at any IRQL, also from an NMI or a bug
 * check (log_break_lock()).
 *
 * Everything goes into a ring of the last 64 KiB and, once a sink is set, to the sink. The console
 * sets the sink; what was logged before is replayed to it. The sink is called with the lock held
 * and interrupts off: it must only put bytes on their way, by polling.
 *
 * Owns: ring, prefix, line discipline. Owns not: the UART (console), severity policy (none).
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stddef.h>
#include <stdint.h>

typedef void log_sink_fn(const char *text, size_t length);

#define LOG_PREFIX "dirql: "

enum {
    LOG_RING_SIZE = 64 * 1024,
    LOG_LINE_MAX = 512, /* longer lines are cut */
};

/* One line each, without the newline. log_warn marks it "warning: ", log_error "error: ". */
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);

/* Text as it is, to ring and sink: a driver's DbgPrint. */
void log_text(const char *text, size_t length);

/* Text as it is, to the sink only: the shell's prompt, echo and tables. */
void log_console(const char *text, size_t length);

/* Replays the ring into the new sink when there was none before. NULL: ring only. */
void log_set_sink(log_sink_fn *sink);

/*
 * The ring, oldest byte first: copies at most size bytes from position *cursor on and advances it.
 * Start with *cursor = 0; 0 is returned at the end. Bytes already overwritten are skipped.
 */
size_t log_read(uint64_t *cursor, char *buffer, size_t size);

/* Bug check only: whoever holds the lock will never go on. */
void log_break_lock(void);

#endif
