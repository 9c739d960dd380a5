/*
 * verifier/internal.h - what the files of kernel/verifier ask of each other.
 */
#pragma once

#include <hal/hal.h>
#include <hal/pcr.h>

#include "verifier/verifier.h"

/* A call as hal/checked_call.h hands it over: arguments from 1, the return address at 0. */
enum { CALL_RETURN = 0 };

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
extern const struct verifier_special verifier_interrupt_lock_specials[];
extern const struct verifier_special verifier_cancel_specials[];
extern const struct verifier_special verifier_rw_lock_specials[];
extern const struct verifier_special verifier_mutex_specials[];
extern const struct verifier_special verifier_object_specials[];
extern const struct verifier_special verifier_registration_specials[];
extern const struct verifier_special verifier_level_specials[];
extern const struct verifier_special verifier_remove_lock_specials[];
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
/* The same for a call at a wrong IRQL; with `skip` it is only logged, and this returns. */
void verifier_report_irql(const struct verifier_rule *rule, const uint64_t *frame, bool skip);

/* times.c: any IRQL. `since`: hal_tsc_read() at the start. */
void verifier_time_add(enum verifier_time_kind kind, uint64_t routine, uint64_t since);
void verifier_times_init(void);
/* Nothing of that driver runs any more. PASSIVE_LEVEL. */
void verifier_times_unloaded(uint64_t base, uint64_t size);

/* ---- held.c: spin locks this CPU holds for verified drivers ---------------------------------- */

/* How a lock was acquired. Those of one family are one lock; others must not be mixed (LOCK-11). */
enum verifier_lock_kind {
    LOCK_PLAIN,
    LOCK_QUEUED,
    LOCK_INTERRUPT,
    LOCK_CANCEL,
    LOCK_SHARED,
    LOCK_EXCLUSIVE,
};

struct verifier_lock {
    const void *lock;
    const void *handle; /* of a queued lock; else = lock */
    enum verifier_lock_kind kind;
    irql_t irql; /* it is held at */
    uint64_t caller;
    uint64_t since; /* 0: its time is not taken */
};

/* Interrupts may be on; the rest at IRQL >= DISPATCH_LEVEL. */
void verifier_held_init(void);
uint32_t verifier_locks_held(void);
/* The routine began with so many of them. */
void verifier_locks_compare(uint32_t before, uint64_t routine, const char *kind);
/* About to be waited for: not while it is held, not against the order seen so far. Any IRQL. */
void verifier_lock_wait(const struct verifier_lock *lock);
/* It was had without waiting; to be pushed, too. */
void verifier_lock_note(const struct verifier_lock *lock);
/* It has been acquired, at lock->since or, second form, just now. */
void verifier_lock_push(const struct verifier_lock *lock);
void verifier_lock_acquired(struct verifier_lock *lock);
/* About to be released by a routine for locks of this kind; `handle` as when it was acquired. */
void verifier_lock_release(const void *handle, enum verifier_lock_kind kind, uint64_t caller);
/* The kind it is held in by this CPU, or false. */
bool verifier_lock_is_held(const void *lock, enum verifier_lock_kind *kind);
/* One that lies in memory which a driver gives away; NULL: none that this CPU holds. */
const struct verifier_lock *verifier_lock_held_in(uint64_t base, uint64_t size);
/* The one cancel spin lock, held or about to be, by whom. */
struct verifier_lock verifier_cancel_lock(uint64_t caller);

/* ---- order.c: in which order locks are acquired ---------------------------------------------- */

struct verifier_order {
    const void *lock;
    bool is_global; /* the cancel spin lock, which is in no driver's memory */
    irql_t irql;
    uint64_t caller;
};

void verifier_order_init(void);
/* A lock is to be acquired by somebody who holds `count` others. Any IRQL. */
void verifier_order_wait(const struct verifier_order *wanted, const struct verifier_order *held,
                         uint32_t count);
/* It was acquired without waiting. Any IRQL. */
void verifier_order_note(const struct verifier_order *taken);
/* Memory is given away: locks in it are no more. Any IRQL. */
void verifier_order_forget(const void *base, size_t size);

/* mutexes.c: the current thread is about to end. PASSIVE_LEVEL. */
void verifier_mutexes_ended(PKTHREAD thread);
/* A mutex that somebody holds in that memory, or NULL; by whom. <= DISPATCH_LEVEL. */
const void *verifier_mutex_held_in(uint64_t base, uint64_t size, PKTHREAD *owner);

/* isr.c: see ke/verifier.h. PASSIVE_LEVEL. */
PKMESSAGE_SERVICE_ROUTINE verifier_service(PKMESSAGE_SERVICE_ROUTINE routine, PKSPIN_LOCK lock);
void verifier_disconnected(PKSPIN_LOCK lock);

/* isr.c: the driver's own routine of a DPC. Any IRQL. */
uint64_t verifier_dpc_routine(PKDPC dpc);

/*
 * objects.c: what is still in use in memory that a driver gives away, or calls into it. `where` is
 * named in the finding. <= DISPATCH_LEVEL.
 */
void verifier_memory_freed(uint64_t base, uint64_t size, uint64_t where);
/* DriverUnload has returned; DPCs may still be queued. PASSIVE_LEVEL. */
void verifier_objects_unloading(uint64_t base, uint64_t size);

/* ---- live.c: what drivers have made and not undone. Any IRQL. -------------------------------- */

struct verifier_live_kind {
    const char *name, *rule;
    uint32_t again, unknown, freed; /* parameter 1 of bug check 0xC4; 0: no finding */
    uint32_t left;                  /* bug check of a driver that leaves one at unload, or 0 */
};

struct verifier_live {
    uint64_t object;
    const struct verifier_live_kind *kind;
    uint64_t caller;  /* who made it */
    uint64_t routine; /* of the driver, that it has called; or 0 */
};

void verifier_live_add(const struct verifier_live_kind *kind, uint64_t object, uint64_t caller,
                       uint64_t routine);
void verifier_live_remove(const struct verifier_live_kind *kind, uint64_t object, uint64_t caller);
bool verifier_live_is_known(const struct verifier_live_kind *kind, uint64_t object);
/* One with a finding, in memory that is given away, or made by a driver that goes. */
bool verifier_live_in_memory(uint64_t base, uint64_t size, struct verifier_live *found);
bool verifier_live_of_driver(uint64_t base, uint64_t size, struct verifier_live *found);
/* remove_locks.c: memory is free, or its driver unloaded. Any IRQL. */
void verifier_remove_locks_forget(uint64_t base, uint64_t size);
/* A block of the pool is about to be free, or a driver's image: what was in it is no more. */
void verifier_memory_forget(const void *base, size_t size);

/* registrations.c: PASSIVE_LEVEL; a device that is being deleted: <= APC_LEVEL. */
void verifier_registrations_unloading(uint64_t base, uint64_t size);
void verifier_wmi_device_deleted(PDEVICE_OBJECT device, uint64_t caller);

/* dispatch.c: in place of a driver's dispatch, completion or cancel routine. */
NTSTATUS verifier_dispatch(PDRIVER_DISPATCH routine, PDEVICE_OBJECT device, PIRP irp);
NTSTATUS verifier_completion(PIO_COMPLETION_ROUTINE routine, PDEVICE_OBJECT device, PIRP irp,
                             PVOID context);
void verifier_cancel(PDRIVER_CANCEL routine, PDEVICE_OBJECT device, PIRP irp);

/* irps.c: a block that a driver frees as one of the pool, which none of IoAllocateIrp is. */
void verifier_irp_freed_as_pool(const void *block, uint64_t where);

/* pool.c: what a driver that is being unloaded has not freed. PASSIVE_LEVEL. */
void verifier_pool_unloaded(const char *driver, uint64_t base, uint64_t size);
