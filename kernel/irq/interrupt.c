/*
 * irq/interrupt.c - linking handlers into lines, and the routines that take their locks.
 *
 * The chain is read by dispatch without a lock, so a handler is linked by one store, after it is
 * complete; and unlinked by one store, after which a rendezvous of all CPUs proves that none is
 * still inside it (DIS-10). The line is masked while its last handler leaves, so a device that
 * still asserts it does no harm (conformance 56).
 */
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>

#include "irq/injection.h"
#include "irq/interrupt.h"
#include "irq/passive.h"
#include "ke/ke.h"
#include "ke/lock.h"
#include "ke/verifier.h"
#include "parse/pci_location.h"

static void flow_update(struct irq_line *line)
{
    PKINTERRUPT only = line->handler_count == 1 ? line->first : NULL;

    line->flow =
        only && only->active && !only->passive && line->route.trigger == IRQ_TRIGGER_LATCHED
            ? IRQ_FLOW_LATCHED_SINGLE
            : IRQ_FLOW_GENERAL;
}

NTSTATUS irq_interrupt_connect(PKINTERRUPT interrupt)
{
    struct irq_line *line = interrupt->line;
    PKINTERRUPT *link = &line->first;
    uint64_t flags;

    ASSERT_IRQL(PASSIVE_LEVEL);
    interrupt->next = NULL;
    interrupt->active = TRUE;
    interrupt->checked = ke_verifier ? ke_verifier->service(interrupt->routine, interrupt->lock)
                                     : interrupt->routine;
    interrupt->service_routine = interrupt->checked;
    flags = ke_lock_acquire_irqoff(&line->lock);
    irq_injection_attach(interrupt);
    if (line->first && (!interrupt->share || !line->shared)) {
        ke_lock_release_irqoff(&line->lock, flags);
        return STATUS_INVALID_PARAMETER;
    }
    while (*link)
        link = &(*link)->next;
    __atomic_store_n(link, interrupt, __ATOMIC_RELEASE);
    interrupt->signature = IRQ_INTERRUPT_SIGNATURE;
    line->shared = interrupt->share;
    line->handler_count++;
    line->active_count++;
    flow_update(line);
    irq_line_update_mask(line);
    ke_lock_release_irqoff(&line->lock, flags);
    irq_injection_connected(interrupt);
    return STATUS_SUCCESS;
}

NTSTATUS irq_kernel_connect(PKINTERRUPT interrupt, struct irq_line *line,
                            PKMESSAGE_SERVICE_ROUTINE routine, bool share,
                            const struct irq_policy *policy)
{
    NTSTATUS status = irq_line_assign(&line, 1, false, policy);

    if (!NT_SUCCESS(status))
        return status;
    interrupt->line = line;
    interrupt->lock = &interrupt->own_lock;
    interrupt->routine = routine;
    interrupt->irql = irq_line_irql(line);
    interrupt->synchronize_irql = interrupt->irql;
    interrupt->share = share;
    interrupt->location = PCI_LOCATION_NONE;
    status = irq_interrupt_connect(interrupt);
    if (!NT_SUCCESS(status))
        irq_line_release(line);
    return status;
}

void irq_interrupt_disconnect(PKINTERRUPT interrupt)
{
    struct irq_line *line = interrupt->line;
    PKINTERRUPT *link = &line->first;
    uint64_t flags;

    ASSERT_IRQL(PASSIVE_LEVEL);
    ASSERT(interrupt->signature == IRQ_INTERRUPT_SIGNATURE);
    flags = ke_lock_acquire_irqoff(&line->lock);
    while (*link != interrupt)
        link = &(*link)->next;
    line->flow = IRQ_FLOW_GENERAL;
    __atomic_store_n(link, interrupt->next, __ATOMIC_RELEASE);
    line->handler_count--;
    if (interrupt->active)
        line->active_count--;
    interrupt->active = FALSE;
    irq_line_update_mask(line);
    ke_lock_release_irqoff(&line->lock, flags);

    ke_interrupt_rendezvous();
    if (ke_verifier)
        ke_verifier->disconnected(interrupt->lock);
    irq_injection_detach(interrupt);
    if (interrupt->passive)
        irq_passive_destroy(interrupt);

    flags = ke_lock_acquire_irqoff(&line->lock);
    flow_update(line);
    ke_lock_release_irqoff(&line->lock, flags);
    interrupt->signature = 0;
}

void irq_interrupt_set_active(PKINTERRUPT interrupt, bool active)
{
    struct irq_line *line = interrupt->line;
    uint64_t flags;

    ASSERT_IRQL(DISPATCH_LEVEL);
    flags = ke_lock_acquire_irqoff(&line->lock);
    if (interrupt->active != active) {
        interrupt->active = active;
        line->active_count += active ? 1u : -1u;
        flow_update(line);
        irq_line_update_mask(line);
    }
    ke_lock_release_irqoff(&line->lock, flags);
    if (!active && !interrupt->passive) {
        /* ACT-11: no ISR is running any more once its lock could be had. */
        irql_t old = hal_irql_raise(interrupt->synchronize_irql);
        ke_lock_acquire(interrupt->lock);
        ke_lock_release(interrupt->lock);
        hal_irql_write(old);
    }
}

/* ---- the interrupt spin lock, as drivers take it ------------------------------------------- */

/* KSE-9, and the passive rule ISL-4. Returns the level to go back to. */
static irql_t synchronize_enter(PKINTERRUPT interrupt, void *caller)
{
    irql_t old = hal_irql_read();

    if (old > interrupt->synchronize_irql)
        lib_bugcheck(IRQL_NOT_GREATER_OR_EQUAL, (uint64_t)interrupt, old,
                     interrupt->synchronize_irql, (uint64_t)caller, NULL);
    hal_irql_write(interrupt->synchronize_irql);
    ke_lock_acquire(interrupt->lock);
    return old;
}

static void synchronize_leave(PKINTERRUPT interrupt, irql_t old)
{
    ke_lock_release(interrupt->lock);
    hal_irql_write(old);
}

static void refuse_passive(PKINTERRUPT interrupt)
{
    if (interrupt->passive) /* BC-13B-1 */
        lib_bugcheck(PASSIVE_INTERRUPT_ERROR, 1, (uint64_t)interrupt, 0, 0, NULL);
}

/* WDK surface */

BOOLEAN NTAPI KeSynchronizeExecution(PKINTERRUPT Interrupt,
                                     PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                                     PVOID SynchronizeContext)
{
    BOOLEAN result;
    irql_t old;

    if (Interrupt->passive) {
        irq_passive_lock(Interrupt);
        result = SynchronizeRoutine(SynchronizeContext);
        irq_passive_unlock(Interrupt);
        return result;
    }
    old = synchronize_enter(Interrupt, __builtin_return_address(0));
    result = SynchronizeRoutine(SynchronizeContext);
    if (hal_irql_read() != Interrupt->synchronize_irql) /* KSE-13 */
        lib_bugcheck(IRQL_UNEXPECTED_VALUE,
                     (uint64_t)hal_irql_read() << 16 | (uint64_t)Interrupt->synchronize_irql << 8 |
                         3,
                     (uint64_t)SynchronizeRoutine, (uint64_t)Interrupt, 0, NULL);
    synchronize_leave(Interrupt, old);
    return result;
}
LDR_EXPORT(KeSynchronizeExecution);

KIRQL NTAPI KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt)
{
    refuse_passive(Interrupt);
    return synchronize_enter(Interrupt, __builtin_return_address(0));
}
LDR_EXPORT(KeAcquireInterruptSpinLock);

VOID NTAPI KeReleaseInterruptSpinLock(PKINTERRUPT Interrupt, KIRQL OldIrql)
{
    refuse_passive(Interrupt);
    synchronize_leave(Interrupt, OldIrql);
}
LDR_EXPORT(KeReleaseInterruptSpinLock);
