/*
 * exec.txt: the commands of an unattended run, and the verdict it ends with.
 *
 * One command a line; empty lines and those that begin with # do not count. Each is announced and
 * judged in the log, "dirql: exec: > irq -j" and "dirql: exec: 3 ok", its output stands between.
 * The machine then ends by the debug-exit port, QEMU's status being 2 * verdict + 1:
 *
 *   0x10  every command succeeded
 *   0x11  one or more failed
 *   0x15  a driver of named.txt did not load, or started no device (whatever the commands did)
 *   0x13  bug check, given by lib/bugcheck.c where the command line says bugcheck=exit
 */
#include <hal/hal.h>
#include <lib/log.h>
#include <lib/string.h>

#include "mm/pool.h"
#include "pnp/pnp.h"
#include "shell/command.h"

#define EXEC_TAG MM_TAG("ShEx")

/* The next line of [*at, end) into `line`, cut to SHELL_LINE_MAX; false at the end. */
static bool take_line(const char **at, const char *end, char *line)
{
    const char *start = *at, *stop;
    size_t length;

    if (start == end)
        return false;
    stop = memchr(start, '\n', (size_t)(end - start));
    *at = stop != NULL ? stop + 1 : end;
    length = (size_t)((stop != NULL ? stop : end) - start);
    if (length >= SHELL_LINE_MAX)
        length = SHELL_LINE_MAX - 1;
    memcpy(line, start, length);
    while (length > 0 && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
    return true;
}

static bool run_lines(const char *at, const char *end, char *line)
{
    uint32_t number = 0;
    bool all_ok = true;

    while (take_line(&at, end, line)) {
        bool ok;

        if (line[0] == '\0' || line[0] == '#')
            continue;
        number++;
        log_info("exec: > %s", line);
        ok = shell_execute(line);
        all_ok &= ok;
        log_info("exec: %u %s", number, ok ? "ok" : "failed");
    }
    return all_ok;
}

void shell_exec_archive(void)
{
    const void *data;
    uint64_t size;
    uint8_t verdict = SHELL_EXIT_FAILED;
    bool not_started;
    char *line;

    if (!pnp_archive_find("exec.txt", &data, &size))
        return;
    not_started = pnp_named_failed(); /* now: a command may remove a driver */
    line = mm_pool_alloc(SHELL_LINE_MAX, EXEC_TAG);
    if (line != NULL && run_lines(data, (const char *)data + size, line))
        verdict = SHELL_EXIT_OK;
    if (not_started)
        verdict = SHELL_EXIT_NOT_STARTED;
    pnp_shutdown(PowerActionShutdownOff);
    hal_machine_exit(verdict);
}
