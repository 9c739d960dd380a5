/*
 * Hot-plug slots of PCI Express, by the registers of the port above them.
 *
 * Where firmware grants it (_OSC), a root or downstream port sends a message: a card has come or
 * gone, or somebody pressed the attention button. One thread serves all slots: a card that came
 * gets power and is looked for, one that is gone is removed by surprise. The button announces what
 * comes after five seconds, unless it is pressed again: the drivers are asked and the power goes
 * off, or on. PCIe 6.7 "PCI Express Native Hot-Plug".
 *
 * A link that goes down under a card that stays is its driver's business (a reset).
 *
 * Owns: slot control and status. Owns not: finding and removing functions (pci_hotplug.c), the
 * right to do all this (acpi/osc.c).
 */
#include "pci_slot.h"

#include <lib/log.h>

#include "acpi/acpi.h"
#include "irq/interrupt.h"
#include "memory.h"
#include "messages.h"
#include "pci_hotplug.h"

enum {
    UNITS_PER_MS = 10000, /* of 100 ns */
    BUTTON_MS = 5000,     /* PCIe 6.7.1.5: time to change one's mind */
    COMMAND_MS = 1000,    /* PCIe 6.7.3.2 */
    LINK_MS = 1000,       /* from power to a link, PCIe 6.6.1 */
    SETTLE_MS = 100,      /* from there to the first request, PCIe 6.6.1 */
    LOOK_MS = 10,
    ROUNDS_MAX = 8, /* events that come while others are taken */
};

#define EVENTS (PCI_EXPRESS_SLOT_BUTTON | PCI_EXPRESS_SLOT_PRESENCE_CHANGED)
#define ENABLES                                                                                    \
    (PCI_EXPRESS_SLOT_BUTTON_ENABLE | PCI_EXPRESS_SLOT_PRESENCE_ENABLE |                           \
     PCI_EXPRESS_SLOT_INTERRUPT_ENABLE)
#define GONE 0xFFFFu /* what a port that is not there any more reads as */

/* Legend: (c) constant once it is listed, (s) start and stop, (i) the ISR sets it, (t) thread. */
struct pci_slot {
    struct pci_slot *next;        /* (c) */
    struct pci_function *port;    /* (c) */
    uint32_t capabilities;        /* (c) */
    bool reports_link;            /* (c) */
    struct _KINTERRUPT interrupt; /* (s) */
    bool is_running;              /* (s) */
    volatile uint32_t events;     /* (i) taken by the thread */
    bool is_on;                   /* (t) what is in it is in use */
    bool is_waiting;              /* (t) the button was pressed */
    ULONG64 deadline;             /* (t) interrupt time at which it counts */
};

static struct pci_slot *slot_first; /* never freed: ports keep their places */
static KEVENT slots_event;
static KDPC slots_dpc;
static bool has_thread;

/* ---- Registers ----------------------------------------------------------------------------- */

static uint32_t slot_read(const struct pci_slot *slot, uint32_t offset)
{
    return pci_read(slot->port, slot->port->express_offset + offset, 2);
}

static void slot_write(const struct pci_slot *slot, uint32_t offset, uint32_t value)
{
    pci_write(slot->port, slot->port->express_offset + offset, 2, value);
}

static bool is_occupied(const struct pci_slot *slot)
{
    uint32_t status = slot_read(slot, PCI_EXPRESS_SLOT_STATUS);

    return status != GONE && (status & PCI_EXPRESS_SLOT_IS_OCCUPIED) != 0;
}

static void pause(uint32_t milliseconds)
{
    LARGE_INTEGER time = {.QuadPart = -(LONGLONG)milliseconds * UNITS_PER_MS};

    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

/* A bit of a register becomes 1 within a time? */
static bool comes(const struct pci_slot *slot, uint32_t offset, uint32_t bit, uint32_t milliseconds)
{
    for (uint32_t waited = 0; (slot_read(slot, offset) & bit) == 0; waited += LOOK_MS) {
        if (waited >= milliseconds)
            return false;
        pause(LOOK_MS);
    }
    return true;
}

/* One command at a time: the next may be given when the port says that it has done this one. */
static void slot_command(const struct pci_slot *slot, uint32_t mask, uint32_t value)
{
    uint32_t control = slot_read(slot, PCI_EXPRESS_SLOT_CONTROL);

    slot_write(slot, PCI_EXPRESS_SLOT_STATUS, PCI_EXPRESS_SLOT_COMPLETED);
    slot_write(slot, PCI_EXPRESS_SLOT_CONTROL, (control & ~mask) | value);
    if ((slot->capabilities & PCI_EXPRESS_SLOT_NO_COMPLETION) == 0)
        comes(slot, PCI_EXPRESS_SLOT_STATUS, PCI_EXPRESS_SLOT_COMPLETED, COMMAND_MS);
}

static void indicator_set(const struct pci_slot *slot, uint32_t state)
{
    if (slot->capabilities & PCI_EXPRESS_SLOT_HAS_INDICATOR)
        slot_command(slot, PCI_EXPRESS_SLOT_INDICATOR,
                     (uint32_t)FIELD_PREP(PCI_EXPRESS_SLOT_INDICATOR, state));
}

static void power_set(const struct pci_slot *slot, bool is_on)
{
    if (slot->capabilities & PCI_EXPRESS_SLOT_HAS_POWER)
        slot_command(slot, PCI_EXPRESS_SLOT_POWER_OFF, is_on ? 0 : PCI_EXPRESS_SLOT_POWER_OFF);
}

/* ---- What happens to a slot ---------------------------------------------------------------- */

static void slot_say(const struct pci_slot *slot, const char *what)
{
    log_info("pci: slot %u: %s", (uint32_t)FIELD_GET(PCI_EXPRESS_SLOT_NUMBER, slot->capabilities),
             what);
}

static void slot_turn_on(struct pci_slot *slot)
{
    indicator_set(slot, PCI_EXPRESS_INDICATOR_BLINK);
    power_set(slot, true);
    if (slot->reports_link &&
        !comes(slot, PCI_EXPRESS_LINK_STATUS, PCI_EXPRESS_LINK_IS_ACTIVE, LINK_MS)) {
        slot_say(slot, "occupied, but its link does not come up");
        power_set(slot, false);
        indicator_set(slot, PCI_EXPRESS_INDICATOR_OFF);
        return;
    }
    pause(SETTLE_MS);
    indicator_set(slot, PCI_EXPRESS_INDICATOR_ON);
    slot->is_on = true;
    pci_rescan();
}

static void slot_turn_off(struct pci_slot *slot)
{
    if (is_occupied(slot) && !pci_release_behind(slot->port)) {
        indicator_set(slot, PCI_EXPRESS_INDICATOR_ON);
        return;
    }
    power_set(slot, false);
    indicator_set(slot, PCI_EXPRESS_INDICATOR_OFF);
    slot->is_on = false;
    pci_rescan();
}

/* True: the card came or went, which says more than the button. */
static bool presence_serve(struct pci_slot *slot)
{
    bool occupied = is_occupied(slot);

    if (slot->is_on) { /* gone, or another card: the rescan finds out */
        slot->is_on = occupied;
        pci_rescan();
        if (occupied)
            return false;
        power_set(slot, false);
        indicator_set(slot, PCI_EXPRESS_INDICATOR_OFF);
        return true;
    }
    if (occupied)
        slot_turn_on(slot);
    return occupied;
}

static void button_serve(struct pci_slot *slot)
{
    slot->is_waiting = !slot->is_waiting;
    slot->deadline = KeQueryInterruptTime() + (ULONG64)BUTTON_MS * UNITS_PER_MS;
    slot_say(slot, slot->is_waiting ? "button pressed: five seconds to change one's mind"
                                    : "button pressed again: all stays as it is");
    indicator_set(slot, slot->is_waiting ? PCI_EXPRESS_INDICATOR_BLINK
                        : slot->is_on    ? PCI_EXPRESS_INDICATOR_ON
                                         : PCI_EXPRESS_INDICATOR_OFF);
}

static void slot_serve(struct pci_slot *slot)
{
    uint32_t events = __atomic_exchange_n(&slot->events, 0, __ATOMIC_ACQUIRE);

    if (!slot->is_running)
        return;
    if ((events & PCI_EXPRESS_SLOT_PRESENCE_CHANGED) && presence_serve(slot)) {
        slot->is_waiting = false;
        return;
    }
    if (events & PCI_EXPRESS_SLOT_BUTTON)
        button_serve(slot);
    if (!slot->is_waiting || KeQueryInterruptTime() < slot->deadline)
        return;
    slot->is_waiting = false;
    if (slot->is_on)
        slot_turn_off(slot);
    else if (is_occupied(slot))
        slot_turn_on(slot);
    else
        indicator_set(slot, PCI_EXPRESS_INDICATOR_OFF);
}

/* The earliest of the deadlines; false: none. */
static bool next_deadline(LARGE_INTEGER *pause_until)
{
    ULONG64 earliest = UINT64_MAX, now = KeQueryInterruptTime();

    for (struct pci_slot *slot = slot_first; slot != NULL; slot = slot->next) {
        if (slot->is_waiting && slot->deadline < earliest)
            earliest = slot->deadline;
    }
    pause_until->QuadPart = earliest > now ? -(LONGLONG)(earliest - now) : 0;
    return earliest != UINT64_MAX;
}

static VOID NTAPI slots_thread(PVOID context)
{
    LARGE_INTEGER until;

    (void)context;
    for (;;) {
        KeWaitForSingleObject(&slots_event, Executive, KernelMode, FALSE,
                              next_deadline(&until) ? &until : NULL);
        for (struct pci_slot *slot = slot_first; slot != NULL; slot = slot->next)
            slot_serve(slot);
    }
}

/* ---- The interrupt ------------------------------------------------------------------------- */

/* A message is sent only when the first event comes: take all, else no other would be. */
static BOOLEAN NTAPI slot_service(PKINTERRUPT interrupt, PVOID context, ULONG message)
{
    struct pci_slot *slot = CONTAINING_RECORD(interrupt, struct pci_slot, interrupt);
    uint32_t taken = 0, status;

    (void)context, (void)message;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        status = slot_read(slot, PCI_EXPRESS_SLOT_STATUS);
        if (status == GONE || (status & EVENTS) == 0)
            break;
        slot_write(slot, PCI_EXPRESS_SLOT_STATUS, status & EVENTS);
        taken |= status & EVENTS;
    }
    if (taken == 0)
        return FALSE;
    __atomic_or_fetch(&slot->events, taken, __ATOMIC_RELEASE);
    KeInsertQueueDpc(&slots_dpc, NULL, NULL);
    return TRUE;
}

static VOID NTAPI slots_wake(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                             PVOID SystemArgument2)
{
    (void)Dpc, (void)DeferredContext, (void)SystemArgument1, (void)SystemArgument2;
    KeSetEvent(&slots_event, IO_NO_INCREMENT, FALSE);
}

/* A port that interrupts has MSI or MSI-X (PCIe 6.1.4); its line is not tried. */
static NTSTATUS slot_connect(struct pci_slot *slot)
{
    PDEVICE_OBJECT pdo = slot->port->pdo;
    struct irq_line *line;
    NTSTATUS status;
    bool block;

    slot->interrupt = (struct _KINTERRUPT){0};
    status = pci_messages_create(pdo, 1, &line, &block);
    if (!NT_SUCCESS(status))
        return status;
    status = irq_kernel_connect(&slot->interrupt, line, slot_service, false, &irq_policy_default);
    if (NT_SUCCESS(status))
        status = pci_messages_enable(pdo);
    else
        pci_messages_destroy(pdo);
    return status;
}

/* ---- Start and stop ------------------------------------------------------------------------ */

static bool has_hotplug_slot(const struct pci_function *port)
{
    uint32_t express, type;

    if (port->express_offset == 0 || port->bridge.secondary == 0)
        return false;
    express = pci_read(port, port->express_offset + PCI_EXPRESS_CAPABILITIES, 2);
    type = (uint32_t)FIELD_GET(PCI_EXPRESS_PORT_TYPE, express);
    return (type == PCI_EXPRESS_ROOT_PORT || type == PCI_EXPRESS_DOWNSTREAM_PORT) &&
           (express & PCI_EXPRESS_SLOT_IMPLEMENTED) != 0 &&
           (pci_read(port, port->express_offset + PCI_EXPRESS_SLOT_CAPABILITIES, 4) &
            PCI_EXPRESS_SLOT_HOT_PLUG) != 0;
}

static bool is_left_to_us(const struct pci_function *port)
{
    while (port->parent != NULL)
        port = port->parent;
    return acpi_is_up() && acpi_pci_take_slots(port->where.segment, port->where.bus);
}

static struct pci_slot *slot_find(const struct pci_function *port)
{
    struct pci_slot *slot = slot_first;

    while (slot != NULL && slot->port != port)
        slot = slot->next;
    return slot;
}

static bool thread_start(void)
{
    HANDLE handle;

    if (has_thread)
        return true;
    KeInitializeEvent(&slots_event, SynchronizationEvent, FALSE);
    KeInitializeDpc(&slots_dpc, slots_wake, NULL);
    has_thread = NT_SUCCESS(PsCreateSystemThread(&handle, 0, NULL, NULL, NULL, slots_thread, NULL));
    if (has_thread)
        ZwClose(handle);
    return has_thread;
}

static struct pci_slot *slot_create(struct pci_function *port)
{
    struct pci_slot *slot = thread_start() ? bus_allocate(sizeof(*slot)) : NULL;

    if (slot == NULL)
        return NULL;
    slot->port = port;
    slot->capabilities = pci_read(port, port->express_offset + PCI_EXPRESS_SLOT_CAPABILITIES, 4);
    slot->reports_link = (pci_read(port, port->express_offset + PCI_EXPRESS_LINK_CAPABILITIES, 4) &
                          PCI_EXPRESS_LINK_REPORTS_ACTIVE) != 0;
    slot->next = slot_first;
    slot_first = slot;
    return slot;
}

void pci_slot_start(struct pci_function *port)
{
    struct pci_slot *slot;
    NTSTATUS status;

    if (!has_hotplug_slot(port) || port->messages != NULL || !is_left_to_us(port))
        return;
    slot = slot_find(port);
    if (slot == NULL)
        slot = slot_create(port);
    status = slot == NULL ? STATUS_INSUFFICIENT_RESOURCES : slot_connect(slot);
    if (!NT_SUCCESS(status)) {
        log_warn("pci %02x:%02x.%x: its slot cannot interrupt: 0x%08x", port->where.bus,
                 PCI_DEVFN_DEVICE(port->where.devfn), PCI_DEVFN_FUNCTION(port->where.devfn),
                 (unsigned int)status);
        return;
    }
    slot->is_on = is_occupied(slot) &&
                  ((slot->capabilities & PCI_EXPRESS_SLOT_HAS_POWER) == 0 ||
                   (slot_read(slot, PCI_EXPRESS_SLOT_CONTROL) & PCI_EXPRESS_SLOT_POWER_OFF) == 0);
    slot->is_waiting = false;
    slot->is_running = true;
    slot_write(slot, PCI_EXPRESS_SLOT_STATUS, EVENTS);
    slot_command(slot, ENABLES, ENABLES);
    /* What came while nobody listened. */
    if (is_occupied(slot) != slot->is_on) {
        __atomic_or_fetch(&slot->events, PCI_EXPRESS_SLOT_PRESENCE_CHANGED, __ATOMIC_RELEASE);
        KeSetEvent(&slots_event, IO_NO_INCREMENT, FALSE);
    }
    slot_say(slot, "hot-plug by its port");
}

void pci_slot_stop(struct pci_function *port)
{
    struct pci_slot *slot = slot_find(port);

    if (slot == NULL || !slot->is_running)
        return;
    slot->is_running = false;
    slot_command(slot, ENABLES, 0);
    irq_interrupt_disconnect(&slot->interrupt);
    irq_line_release(slot->interrupt.line);
    pci_messages_destroy(port->pdo);
}
