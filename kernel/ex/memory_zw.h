/*
 * ex/memory_zw.h - whose memory a Zw call is about.
 */
#pragma once

#include <hal/types.h>
#include <nt/ntdef.h>

/* The pseudo handle, or a handle to the system process; else an error. PASSIVE_LEVEL. */
NTSTATUS ex_process_check(HANDLE process);
