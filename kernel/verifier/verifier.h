/*
 * verifier/verifier.h - rules of the interrupt contract, of IRQL, locks, pool and IRPs, checked
 * while a driver runs: `verifier=all` or verifier=NAME.sys[,NAME.sys...] on the command line, with
 * `special` as one word more if their pool is to be special pool (mm/pool_special.c).
 *
 * A verified driver's imports lead through entries of hal/checked_call.h, and its service routines
 * and DPCs are called through ours. Other drivers, and with verifier= absent all of them, run as if
 * this folder were not there. What is found stops the machine with the code and parameters of
 * Windows' Driver Verifier, after a log line that names driver, routine, offset and rule; what
 * takes too long is logged once a routine.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* After the processors, before the first driver is loaded. */
void verifier_init(const char *command_line);
bool verifier_is_on(void);

enum verifier_time_kind { VERIFIER_ISR, VERIFIER_DPC, VERIFIER_LOCK };

/* The longest that a service routine or DPC ran, or a spin lock was held by whom. */
struct verifier_time {
    enum verifier_time_kind kind;
    uint64_t routine; /* or, of a lock, where it was acquired */
    uint64_t runs;
    uint64_t longest;  /* nanoseconds */
    uint64_t too_long; /* runs past the guideline */
};

/* By index, false past the last one. */
bool verifier_time_at(uint32_t index, struct verifier_time *time);
/* Calls of exports that were checked. */
uint64_t verifier_calls(void);
