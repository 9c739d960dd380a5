/*
 * irq/injection.c - the service routine that stands before a driver's.
 *
 *   delay   stall, at the routine's own level, its lock held: what a slow neighbour does
 *   share   after each interrupt the routine claimed, and at connect, one more call, as for the
 *           interrupt of a neighbour on a shared line; what it returns is not looked at, since its
 *           device may have interrupted again meanwhile
 *   late    swallow one call; a timer then has the line interrupt again: a level line, masked
 *           meanwhile, is unmasked; for an edge its vector is sent anew, as the message would have
 */
#include <lib/bits.h>
#include <lib/log.h>

#include "irq/injection.h"
#include "irq/interrupt.h"
#include "ke/lock.h"
#include "parse/pci_location.h"

enum { DEVICES_MAX = 16, UNITS_PER_MS = 10000 /* 100 ns */ };

/* Field legend: (c) constant once used, (x) atomic, (h) by who sets `held`. */
struct irq_injection {
    uint32_t location;     /* (c) */
    uint32_t delay_us;     /* (x) 0: off */
    uint32_t late_ms;      /* (x) armed; 0: off, or done */
    uint32_t share;        /* (x) */
    uint64_t delays;       /* (x) how often each was done */
    uint64_t shares;       /* (x) */
    uint64_t lates;        /* (x) */
    struct irq_line *held; /* (x) line that is late, NULL: none */
    uint32_t held_ms;      /* (h) */
    KTIMER timer;
    KDPC begin; /* queued at the line's level, sets the timer */
    KDPC end;   /* the timer's */
};

static struct irq_injection devices[DEVICES_MAX];
static uint32_t device_count;

static uint32_t read_setting(const uint32_t *setting)
{
    return __atomic_load_n(setting, __ATOMIC_RELAXED);
}

static void count(uint64_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* ---- late ----------------------------------------------------------------------------------- */

static VOID NTAPI late_begin(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                             PVOID SystemArgument2)
{
    struct irq_injection *device = DeferredContext;
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)device->held_ms * UNITS_PER_MS};

    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    KeSetTimer(&device->timer, due, &device->end);
}

/* The line may have moved meanwhile: where it is now, it interrupts. */
static void send_again(struct irq_line *line)
{
    uint64_t flags = ke_lock_acquire_irqoff(&line->lock);

    if (line->first)
        hal_ipi_send(line->cpu, line->route.vector);
    ke_lock_release_irqoff(&line->lock, flags);
}

static void let_go(struct irq_injection *device)
{
    struct irq_line *line = __atomic_exchange_n(&device->held, NULL, __ATOMIC_ACQ_REL);

    if (!line)
        return;
    if (line->route.trigger == IRQ_TRIGGER_LEVEL)
        irq_line_unmask(line);
    else
        send_again(line);
}

static VOID NTAPI late_end(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                           PVOID SystemArgument2)
{
    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    let_go(DeferredContext);
}

/* Take this interrupt for the late one, if there is one to come. */
static bool hold(struct irq_injection *device, struct irq_line *line)
{
    uint32_t late = __atomic_exchange_n(&device->late_ms, 0, __ATOMIC_ACQ_REL);
    struct irq_line *none = NULL;

    if (!late)
        return false;
    device->held_ms = late;
    if (!__atomic_compare_exchange_n(&device->held, &none, line, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return false;
    if (line->route.trigger == IRQ_TRIGGER_LEVEL)
        irq_line_mask(line);
    count(&device->lates);
    KeInsertQueueDpc(&device->begin, NULL, NULL);
    return true;
}

/* ---- the routine ---------------------------------------------------------------------------- */

static BOOLEAN call_routine(PKINTERRUPT interrupt)
{
    return interrupt->checked(interrupt, interrupt->service_context, interrupt->message_id);
}

/* As if a neighbour had interrupted. */
static BOOLEAN call_for_neighbour(PKINTERRUPT interrupt)
{
    count(&interrupt->injection->shares);
    return call_routine(interrupt);
}

static BOOLEAN NTAPI service_with_faults(PKINTERRUPT Interrupt, PVOID ServiceContext,
                                         ULONG MessageId)
{
    struct irq_injection *device = Interrupt->injection;
    uint32_t delay = read_setting(&device->delay_us);
    BOOLEAN claimed;

    (void)ServiceContext, (void)MessageId;
    if (read_setting(&device->late_ms) && hold(device, Interrupt->line))
        return TRUE;
    if (delay) {
        hal_stall(delay);
        count(&device->delays);
    }
    claimed = call_routine(Interrupt);
    if (claimed && read_setting(&device->share))
        call_for_neighbour(Interrupt);
    return claimed;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static struct irq_injection *device_find(uint32_t location)
{
    uint32_t in_use = __atomic_load_n(&device_count, __ATOMIC_ACQUIRE);

    for (uint32_t i = 0; i < in_use; i++)
        if (devices[i].location == location)
            return &devices[i];
    return NULL;
}

static struct irq_injection *device_make(uint32_t location)
{
    struct irq_injection *device = device_find(location);

    if (device || device_count == DEVICES_MAX)
        return device;
    device = &devices[device_count];
    device->location = location;
    KeInitializeTimer(&device->timer);
    KeInitializeDpc(&device->begin, late_begin, device);
    KeInitializeDpc(&device->end, late_end, device);
    __atomic_store_n(&device_count, device_count + 1, __ATOMIC_RELEASE);
    return device;
}

static bool is_in_force(const struct irq_injection *device)
{
    return read_setting(&device->delay_us) || read_setting(&device->late_ms) ||
           read_setting(&device->share) || __atomic_load_n(&device->held, __ATOMIC_RELAXED);
}

void irq_injection_attach(PKINTERRUPT interrupt)
{
    struct irq_injection *device = device_find(interrupt->location);

    if (!device || interrupt->location == PCI_LOCATION_NONE)
        return;
    interrupt->injection = device;
    __atomic_store_n(&interrupt->service_routine,
                     is_in_force(device) ? service_with_faults : interrupt->checked,
                     __ATOMIC_RELEASE);
}

void irq_injection_connected(PKINTERRUPT interrupt)
{
    irql_t old;

    if (!interrupt->injection || interrupt->passive || !read_setting(&interrupt->injection->share))
        return;
    old = hal_irql_raise(interrupt->synchronize_irql);
    ke_lock_acquire(interrupt->lock);
    call_for_neighbour(interrupt);
    ke_lock_release(interrupt->lock);
    hal_irql_write(old);
}

void irq_injection_detach(PKINTERRUPT interrupt)
{
    struct irq_injection *device = interrupt->injection;

    if (!device || __atomic_load_n(&device->held, __ATOMIC_ACQUIRE) != interrupt->line)
        return;
    KeFlushQueuedDpcs(); /* late_begin has set the timer */
    KeCancelTimer(&device->timer);
    KeFlushQueuedDpcs();
    let_go(device);
}

static void attach_again(struct irq_line *line, void *context)
{
    uint64_t flags = ke_lock_acquire_irqoff(&line->lock);
    const uint32_t *location = context;

    for (PKINTERRUPT i = line->first; i; i = i->next)
        if (i->location == *location)
            irq_injection_attach(i);
    ke_lock_release_irqoff(&line->lock, flags);
}

NTSTATUS irq_injection_set(const struct injection *injection)
{
    struct irq_injection *device = device_make(injection->location);
    uint32_t location = injection->location;
    uint32_t value = injection->is_off ? 0 : injection->value;

    if (!device)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (injection->kind == INJECTION_DELAY)
        __atomic_store_n(&device->delay_us, value, __ATOMIC_RELEASE);
    else if (injection->kind == INJECTION_LATE)
        __atomic_store_n(&device->late_ms, value, __ATOMIC_RELEASE);
    else
        __atomic_store_n(&device->share, !injection->is_off, __ATOMIC_RELEASE);
    irq_line_for_each(attach_again, &location);
    return STATUS_SUCCESS;
}

uint64_t irq_injection_hits(const struct injection *injection)
{
    const struct irq_injection *device = device_find(injection->location);

    if (!device)
        return 0;
    return injection->kind == INJECTION_DELAY  ? device->delays
           : injection->kind == INJECTION_LATE ? device->lates
                                               : device->shares;
}
