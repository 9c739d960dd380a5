/*
 * What remapping units blocked: taken out of their logs, named, counted.
 *
 * A unit interrupts when its log is no longer empty; the log is read in a DPC, since writing to the
 * console takes long. Each kind of fault of each requester is logged once and counted from then on:
 * a device that goes on forging must not fill the console, nor keep a CPU: past a number of faults
 * at a time the rest waits. What comes when the list is full is counted in its last row.
 */
#include "remap_faults.h"

#include <lib/bits.h>
#include <lib/format.h>
#include <lib/log.h>
#include <nt/wdm.h>

#include "irq/interrupt.h"
#include "pci.h"

enum {
    UNITS_MAX = 16,
    FAULTS_MAX = 32,
    FAULT_IRQL = 11,
    TAKEN_MAX = 64,       /* faults of a unit at a time */
    PAUSE_UNITS = 100000, /* 10 ms */
};

static struct _KINTERRUPT unit_interrupts[UNITS_MAX];
static KDPC collect_dpc;
static KTIMER collect_timer; /* when there were more */
static KSPIN_LOCK faults_lock;
static struct remap_fault_count faults[FAULTS_MAX];
static uint32_t fault_count;

void remap_fault_name(const struct hal_remap_fault *fault, char name[REMAP_FAULT_NAME_MAX])
{
    uint8_t bus = (uint8_t)(fault->source >> 8), devfn = (uint8_t)fault->source;
    const struct pci_function *function = pci_function_find(fault->segment, bus, devfn);

    lib_snprintf(name, REMAP_FAULT_NAME_MAX, "%02x:%02x.%x %s", bus, PCI_DEVFN_DEVICE(devfn),
                 PCI_DEVFN_FUNCTION(devfn),
                 function != NULL ? pci_class_name(function->class_code) : "no PCI function");
}

/* The row of such faults, a new one if need be; lock held. */
static struct remap_fault_count *row_of(const struct hal_remap_fault *fault)
{
    for (uint32_t i = 0; i < fault_count; i++) {
        const struct hal_remap_fault *known = &faults[i].fault;

        if (known->segment == fault->segment && known->source == fault->source &&
            known->what == fault->what)
            return &faults[i];
    }
    if (fault_count == FAULTS_MAX) {
        faults[FAULTS_MAX - 1].fault.what = "more kinds of faults than can be listed";
        return &faults[FAULTS_MAX - 1];
    }
    faults[fault_count].fault = *fault;
    return &faults[fault_count++];
}

static void report(const struct hal_remap_fault *fault)
{
    char name[REMAP_FAULT_NAME_MAX];

    remap_fault_name(fault, name);
    log_warn("remap: interrupt of %s blocked: %s (0x%llx)", name, fault->what,
             (unsigned long long)fault->detail);
}

/* False: there may be more. */
static bool collect(uint32_t unit)
{
    struct hal_remap_fault fault;
    uint32_t taken = 0;

    for (; taken < TAKEN_MAX && hal_remap_fault_take(unit, &fault); taken++) {
        struct remap_fault_count *row = row_of(&fault);

        row->fault.detail = fault.detail;
        if (row->count++ == 0)
            report(&fault);
    }
    return taken < TAKEN_MAX;
}

void remap_faults_collect(void)
{
    LARGE_INTEGER pause = {.QuadPart = -PAUSE_UNITS};
    struct hal_remap_unit_info info;
    bool is_done = true;
    KIRQL irql;

    KeAcquireSpinLock(&faults_lock, &irql);
    for (uint32_t unit = 0; hal_remap_unit_at(unit, &info); unit++)
        is_done &= collect(unit);
    KeReleaseSpinLock(&faults_lock, irql);
    if (!is_done)
        KeSetTimer(&collect_timer, pause, &collect_dpc);
}

bool remap_fault_at(uint32_t number, struct remap_fault_count *count)
{
    bool found;
    KIRQL irql;

    KeAcquireSpinLock(&faults_lock, &irql);
    found = number < fault_count;
    if (found)
        *count = faults[number];
    KeReleaseSpinLock(&faults_lock, irql);
    return found;
}

static VOID NTAPI collect_later(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                                PVOID SystemArgument2)
{
    (void)Dpc, (void)DeferredContext, (void)SystemArgument1, (void)SystemArgument2;
    remap_faults_collect();
}

static BOOLEAN NTAPI unit_service(PKINTERRUPT interrupt, PVOID context, ULONG message)
{
    (void)interrupt, (void)context, (void)message;
    KeInsertQueueDpc(&collect_dpc, NULL, NULL);
    return TRUE;
}

/* The message can name CPUs below 255 only; the boot CPU never goes away. */
static NTSTATUS unit_connect(uint32_t unit, const char *unit_name)
{
    const struct irq_policy policy = {
        .affinity = 1, .irql_low = FAULT_IRQL, .irql_high = FAULT_IRQL};
    const struct irq_source source = {.index = unit};
    struct irq_line *line;
    char name[sizeof(line->name)];
    NTSTATUS status;

    lib_snprintf(name, sizeof(name), "%s faults", unit_name);
    status = irq_line_create(&hal_remap_fault_chip, source, IRQ_TRIGGER_LATCHED, IRQ_ACTIVE_HIGH,
                             name, &line);
    if (!NT_SUCCESS(status))
        return status;
    status = irq_kernel_connect(&unit_interrupts[unit], line, unit_service, false, &policy);
    if (!NT_SUCCESS(status))
        irq_line_destroy(line);
    return status;
}

void remap_faults_init(void)
{
    struct hal_remap_unit_info info;
    NTSTATUS status;

    KeInitializeDpc(&collect_dpc, collect_later, NULL);
    KeInitializeTimer(&collect_timer);
    for (uint32_t unit = 0; unit < UNITS_MAX && hal_remap_unit_at(unit, &info); unit++) {
        status = unit_connect(unit, info.name);
        if (!NT_SUCCESS(status))
            log_warn("remap: %s cannot say that it has blocked something: 0x%08x", info.name,
                     (unsigned int)status);
    }
}
