/*
 * verifier/verifier.h - rules of the interrupt contract, of IRQL, locks, pool and IRPs, checked
 * while a driver runs: `verifier=all` or verifier=NAME.sys[,NAME.sys...] on the command line, with
 * `special` as one word more if their pool is to be special pool (mm/pool_special.c), and `skip` if
 * calls at a wrong IRQL are to be logged, and not made, instead of the stop.
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

enum { VERIFIER_LIMIT = 0xFF }; /* no argument: the parameter is the highest IRQL */

/* The IRQL of one export, and what bug check 0xC4 says of another. */
struct verifier_rule {
    const char *name;
    irql_t low, high;      /* IRQL it may be called at */
    uint32_t code;         /* parameter 1 */
    uint8_t third, fourth; /* arguments that are parameters 3 and 4; 0: the parameter is 0 */
};

extern const struct verifier_rule verifier_irql_rules[];
extern const uint32_t verifier_irql_rule_count;

/* By index, false past the last one. */
bool verifier_time_at(uint32_t index, struct verifier_time *time);
/* Calls of exports that were checked. */
uint64_t verifier_calls(void);
