/*
 * verifier/isr.c - what stands before a verified driver's service routines and DPC routines.
 *
 * After each: IRQL, floating point control, spin locks and the APC disable count must be as before
 * (DV-15, DV-16, SpinLockDpc), and it should not have taken longer than the guideline.
 */
#include "verifier/internal.h"

#include <nt/bugcodes.h>

#include "irq/interrupt.h"
#include "ke/dispatcher.h"
#include "ke/lock.h"
#include "ke/thread.h"

enum {
    ISR_CHANGED_STATE = 0x110,
    ISR_CHANGED_IRQL = 0x111,
    DPC_CHANGED_APC_COUNT = 4, /* of bug check 0xC7, BC-C7-1 */
    MXCSR_FLAGS = 0x3F,        /* SDM 1 "MXCSR" 10.2.3: exceptions seen, not control */
};

/* ---- service routines ------------------------------------------------------------------------ */

static uint32_t read_mxcsr(void)
{
    uint32_t value;

    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value & ~(uint32_t)MXCSR_FLAGS;
}

static void isr_compare(PKINTERRUPT interrupt, uint32_t code, uint64_t before, uint64_t after,
                        const char *what)
{
    uint64_t routine = (uint64_t)interrupt->routine;
    struct verifier_finding finding = {.parameters = {code, routine, before, after},
                                       .rule = "service routine"};

    if (before != after)
        verifier_stop(&finding, routine,
                      "(a service routine) came with %s 0x%llx, left with 0x%llx", what,
                      (unsigned long long)before, (unsigned long long)after);
}

static BOOLEAN NTAPI service_checked(PKINTERRUPT Interrupt, PVOID ServiceContext, ULONG MessageId)
{
    uint64_t routine = (uint64_t)Interrupt->routine;
    irql_t irql = hal_irql_read();
    bool raised = irql >= DISPATCH_LEVEL; /* else a passive routine: it may take its time */
    uint32_t mxcsr = read_mxcsr();
    struct verifier_lock lock = {
        Interrupt->lock, Interrupt->lock, LOCK_INTERRUPT, irql, routine, 0};
    uint32_t locks = 0;
    uint64_t begin;
    BOOLEAN claimed;

    if (raised) { /* it comes with the interrupt spin lock, which has been waited for */
        verifier_lock_wait(&lock);
        verifier_lock_push(&lock);
        locks = verifier_locks_held();
    }
    begin = hal_tsc_read();
    claimed = Interrupt->routine(Interrupt, ServiceContext, MessageId);
    isr_compare(Interrupt, ISR_CHANGED_IRQL, irql, hal_irql_read(), "IRQL");
    isr_compare(Interrupt, ISR_CHANGED_STATE, mxcsr, read_mxcsr(), "MXCSR");
    if (raised) {
        verifier_locks_compare(locks, routine, "service routine");
        verifier_time_add(VERIFIER_ISR, routine, begin);
        verifier_lock_release(lock.handle, LOCK_INTERRUPT, routine);
    }
    return claimed;
}

/* Its lock may have been another thing before, and be one later, at other levels. */
void verifier_disconnected(PKSPIN_LOCK lock)
{
    verifier_order_forget(lock, sizeof *lock);
}

PKMESSAGE_SERVICE_ROUTINE verifier_service(PKMESSAGE_SERVICE_ROUTINE routine, PKSPIN_LOCK lock)
{
    verifier_disconnected(lock);
    return verifier_covers((const void *)(uintptr_t)routine) ? service_checked : routine;
}

/* ---- DPC routines ---------------------------------------------------------------------------- */

/*
 * A KDPC has no room for two routines, so the driver's is kept here, by the DPC's address. Rows are
 * never given back: memory that holds another DPC later has the row of the first.
 */
enum { DPC_ROWS = 2048 };

static struct dpc_row {
    PKDPC dpc;
    PKDEFERRED_ROUTINE routine;
} dpc_rows[DPC_ROWS];
static ke_lock_t dpc_rows_lock; /* for writers */

static struct dpc_row *dpc_row_of(PKDPC dpc)
{
    uint32_t start = (uint32_t)((uint64_t)dpc * 0x9E3779B97F4A7C15ull >> 53); /* 11 bits */

    for (uint32_t i = 0; i < DPC_ROWS; i++) {
        struct dpc_row *row = &dpc_rows[(start + i) % DPC_ROWS];
        PKDPC seen = __atomic_load_n(&row->dpc, __ATOMIC_ACQUIRE);

        if (seen == dpc || !seen)
            return row;
    }
    return NULL;
}

/* False: no room, and the DPC runs unchecked. */
static bool dpc_remember(PKDPC dpc, PKDEFERRED_ROUTINE routine)
{
    uint64_t flags = ke_lock_acquire_irqoff(&dpc_rows_lock);
    struct dpc_row *row = dpc_row_of(dpc);

    if (row) {
        row->routine = routine;
        __atomic_store_n(&row->dpc, dpc, __ATOMIC_RELEASE);
    }
    ke_lock_release_irqoff(&dpc_rows_lock, flags);
    return row != NULL;
}

/* The driver may free the DPC in its routine: nothing of it is read afterwards. */
static VOID NTAPI dpc_checked(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                              PVOID SystemArgument2)
{
    PKDEFERRED_ROUTINE routine = dpc_row_of(Dpc)->routine;
    bool raised = hal_irql_read() >= DISPATCH_LEVEL; /* else threaded */
    int32_t apcs = ke_thread_current()->kernel_apc_disable;
    uint32_t locks = raised ? verifier_locks_held() : 0;
    uint64_t begin = hal_tsc_read();
    struct verifier_finding finding = {.bugcheck = TIMER_OR_DPC_INVALID,
                                       .rule = "APC disable count"};
    int32_t after;

    routine(Dpc, DeferredContext, SystemArgument1, SystemArgument2);
    after = ke_thread_current()->kernel_apc_disable;
    if (apcs != after) {
        finding.parameters[0] = DPC_CHANGED_APC_COUNT;
        finding.parameters[1] = (uint64_t)routine;
        finding.parameters[2] = (uint64_t)(int64_t)apcs;
        finding.parameters[3] = (uint64_t)(int64_t)after;
        verifier_stop(&finding, (uint64_t)routine, "(a DPC) changed the APC disable count");
    }
    if (raised) {
        verifier_locks_compare(locks, (uint64_t)routine, "DPC");
        verifier_time_add(VERIFIER_DPC, (uint64_t)routine, begin);
    }
}

uint64_t verifier_dpc_routine(PKDPC dpc)
{
    const struct dpc_row *row = dpc->DeferredRoutine == dpc_checked ? dpc_row_of(dpc) : NULL;

    return (uint64_t)(row ? row->routine : dpc->DeferredRoutine);
}

static VOID NTAPI initialize_dpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine,
                                 PVOID DeferredContext)
{
    KeInitializeDpc(Dpc, dpc_remember(Dpc, DeferredRoutine) ? dpc_checked : DeferredRoutine,
                    DeferredContext);
}

static VOID NTAPI initialize_threaded_dpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine,
                                          PVOID DeferredContext)
{
    KeInitializeThreadedDpc(Dpc, dpc_remember(Dpc, DeferredRoutine) ? dpc_checked : DeferredRoutine,
                            DeferredContext);
}

const struct verifier_special verifier_dpc_specials[] = {
    {"KeInitializeDpc", NULL, initialize_dpc},
    {"KeInitializeThreadedDpc", NULL, initialize_threaded_dpc},
    {0},
};
