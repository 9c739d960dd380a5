/*
 * verifier/internal.h - what the files of kernel/verifier ask of each other.
 */
#pragma once

#include <hal/hal.h>
#include <hal/pcr.h>

#include "verifier/verifier.h"

/* A call as hal/checked_call.h hands it over: arguments from 1, the return address at 0. */
enum { CALL_RETURN = 0 };

/* The IRQL of one export, and what bug check 0xC4 says of another. */
struct verifier_rule {
    const char *name;
    irql_t low, high;      /* IRQL it may be called at */
    uint32_t code;         /* parameter 1 */
    uint8_t third, fourth; /* arguments that are parameters 3 and 4; 0: the parameter is 0 */
};

extern const struct verifier_rule verifier_irql_rules[];
extern const uint32_t verifier_irql_rule_count;

/*
 * More of a call than its IRQL: `check` looks at its arguments; `instead`, a routine of the same
 * prototype, takes the export's place and calls it itself. Either may be NULL.
 */
struct verifier_special {
    const char *name;
    void (*check)(const char *routine, const uint64_t *frame);
    const void *instead;
};

extern const struct verifier_special verifier_lock_specials[];
extern const struct verifier_special verifier_level_specials[];
extern const struct verifier_special verifier_pool_specials[];
extern const struct verifier_special verifier_irp_specials[];
extern const struct verifier_special verifier_dpc_specials[];
extern const struct verifier_special verifier_connect_specials[];

/* calls.c: is the code at this address a verified driver's? Any IRQL. */
bool verifier_covers(const void *address);

/* report.c */
struct verifier_finding {
    uint32_t bugcheck; /* 0: 0xC4 */
    uint64_t parameters[4];
    const char *rule; /* "IrqlIoPassive2", or words */
};

/* Log who did what where, then stop the machine. */
_Noreturn __attribute__((format(printf, 3, 4))) void verifier_stop(
    const struct verifier_finding *finding, uint64_t where, const char *what, ...);
_Noreturn void verifier_stop_irql(const struct verifier_rule *rule, const uint64_t *frame);

/* times.c: any IRQL. `since`: hal_tsc_read() at the start. */
void verifier_time_add(enum verifier_time_kind kind, uint64_t routine, uint64_t since);
void verifier_times_init(void);
/* Nothing of that driver runs any more. PASSIVE_LEVEL. */
void verifier_times_unloaded(uint64_t base, uint64_t size);

/* locks.c: spin locks this CPU holds for verified drivers. IRQL >= DISPATCH_LEVEL. */
uint32_t verifier_locks_held(void);
/* The routine began with so many of them. */
void verifier_locks_compare(uint32_t before, uint64_t routine, const char *kind);
void verifier_locks_init(void);

/* isr.c */
PKMESSAGE_SERVICE_ROUTINE verifier_service(PKMESSAGE_SERVICE_ROUTINE routine);

/* isr.c: a timer that is set, in that memory or with a DPC routine there, stops the machine. */
void verifier_timers_unloaded(uint64_t base, uint64_t size);

/* pool.c: what a driver that is being unloaded has not freed. PASSIVE_LEVEL. */
void verifier_pool_unloaded(const char *driver, uint64_t base, uint64_t size);
