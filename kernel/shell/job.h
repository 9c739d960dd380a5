/*
 * shell/job.h - commands in threads of their own.
 */
#pragma once

#include <stdbool.h>

/* Is the caller such a thread, whose output is not shown? */
bool shell_job_is_quiet(void);
