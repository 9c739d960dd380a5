/*
 * lapic.c - the local APIC of each CPU, in xAPIC or x2APIC mode behind one set of calls.
 *
 * x2APIC mode is used where the CPU has it and firmware does not ask to leave it (DMAR), or has
 * turned it on itself; apic=xapic and apic=x2apic on the command line come before both. Every CPU
 * is put into the boot CPU's mode. A message names one CPU by its physical id, some by logical ids
 * (ipi_plan.h chooses), or all others by the shorthand. End of interrupt and the self-IPI are
 * inline in hal/hal.h.
 *
 * Owns: APIC base, spurious and error vectors, local inputs, IPIs, freezing CPUs. Owns not: the
 * timer (clock.c), starting CPUs (smp.c), what an error means (kernel/irq).
 */
#include "arch.h"
#include "frame.h"
#include "ipi_plan.h"

#include <hw/acpi_tables.h>
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/log.h>
#include <lib/string.h>

#include "parse/cmdline.h"
#include "parse/dmar.h"
#include "parse/madt.h"

enum {
    LAPIC_BUSY_POLLS = 100000, /* xAPIC: a message leaves within a few bus cycles */
    LAPIC_FREEZE_POLLS = 10000000,
    LAPIC_STALE_EOIS = 256, /* more than in-service bits can be set */
};

extern void *const lapic_eoi_places[], *const lapic_eoi_places_end[]; /* linker.ld */

bool lapic_x2_mode;
bool lapic_is_on;
static uint64_t lapic_physical;
static bool lapic_lacks_logical; /* x2APIC: an LDR is not what it should be */

/* The local input that NMIs come in by, from the MADT's first word on it; LINT1 if it has none. */
static struct {
    uint32_t reg;
    uint32_t flags;
} lapic_nmi_input = {LAPIC_LVT_LINT1, 0};

static volatile uint32_t lapic_freezing; /* number of the CPU that freezes the others, plus 1 */
static volatile uint32_t lapic_frozen;   /* CPUs that stand */

uint32_t hal_apic_read(uint32_t reg)
{
    if (lapic_x2_mode)
        return (uint32_t)x86_msr_read(LAPIC_X2_MSR(reg));
    return *(volatile uint32_t *)(HAL_LAPIC_VIRTUAL + reg);
}

void lapic_write(uint32_t reg, uint32_t value)
{
    if (lapic_x2_mode)
        x86_msr_write(LAPIC_X2_MSR(reg), value);
    else
        *(volatile uint32_t *)(HAL_LAPIC_VIRTUAL + reg) = value;
}

apic_id_t lapic_id(void)
{
    uint32_t id = hal_apic_read(LAPIC_ID);

    return (apic_id_t){lapic_x2_mode ? id : id >> LAPIC_ID_XAPIC_SHIFT};
}

/* ---- set-up ------------------------------------------------------------------------------ */

/* SDM 3A "x2APIC State Transitions" 11.12.5: from x2APIC back only by way of off. */
static void lapic_mode_set(void)
{
    uint64_t base = x86_msr_read(X86_MSR_APIC_BASE);

    if ((base & LAPIC_BASE_X2) && !lapic_x2_mode) {
        base &= ~(LAPIC_BASE_X2 | LAPIC_BASE_ENABLE);
        x86_msr_write(X86_MSR_APIC_BASE, base);
    }
    base = (base & ~LAPIC_BASE_ADDRESS) | lapic_physical | LAPIC_BASE_ENABLE;
    x86_msr_write(X86_MSR_APIC_BASE, base);
    if (lapic_x2_mode && !(base & LAPIC_BASE_X2))
        x86_msr_write(X86_MSR_APIC_BASE, base | LAPIC_BASE_X2);
}

static void lapic_nmi_input_read(void)
{
    const struct acpi_header_layout *table = hal_acpi_table("APIC", 0);
    struct madt madt;
    struct madt_entry entry;

    if (table == NULL || !madt_open(&madt, table, table->length, NULL))
        return;
    while (madt_next(&madt, &entry, NULL) == PARSE_ITEM) {
        if (entry.kind != MADT_LOCAL_APIC_NMI && entry.kind != MADT_LOCAL_X2APIC_NMI)
            continue;
        lapic_nmi_input.reg = entry.local_input == 0 ? LAPIC_LVT_LINT0 : LAPIC_LVT_LINT1;
        lapic_nmi_input.flags = entry.polarity == MADT_POLARITY_LOW ? LAPIC_LVT_ACTIVE_LOW : 0;
        return;
    }
}

/*
 * Each end of interrupt becomes a WRMSR, in place of a store of the same length: so neither mode
 * pays for a choice. Text is read only, except to a processor without CR0.WP; no other runs yet.
 */
static void lapic_eoi_patch(void)
{
    static const uint8_t wrmsr[] = {
        0x31, 0xC0,                   /* xor eax, eax */
        0x31, 0xD2,                   /* xor edx, edx */
        0xB9, 0x0B, 0x08, 0x00, 0x00, /* mov ecx, LAPIC_X2_MSR(LAPIC_EOI) */
        0x0F, 0x30,                   /* wrmsr */
    };
    static const uint8_t store[] = {0xC7, 0x04, 0x25}; /* mov dword [disp32], imm32 */
    uint64_t cr0 = x86_cr0_read();

    _Static_assert(LAPIC_X2_MSR(LAPIC_EOI) == X2_MSR_EOI, "the MSR in the bytes above");
    x86_cr0_write(cr0 & ~(uint64_t)X86_CR0_WP);
    for (void *const *place = lapic_eoi_places; place < lapic_eoi_places_end; place++) {
        ASSERT(memcmp(*place, store, sizeof(store)) == 0);
        memcpy(*place, wrmsr, sizeof(wrmsr));
    }
    x86_cr0_write(cr0);
    (void)x86_cpuid(X86_CPUID_VENDOR, 0); /* SDM 3A "Self-Modifying Code" 9.1.3: serialize */
}

/* VT-d 8.1 "DMA Remapping Reporting Structure", flag X2APIC_OPT_OUT */
static bool lapic_x2_is_unwanted(void)
{
    const struct acpi_header_layout *table = hal_acpi_table("DMAR", 0);
    struct dmar dmar;

    return table != NULL && dmar_open(&dmar, table, table->length, NULL) && dmar.x2apic_opt_out;
}

void lapic_boot_init(void)
{
    char mode[CMDLINE_VALUE_MAX] = "";
    uint64_t base = x86_msr_read(X86_MSR_APIC_BASE);

    lapic_physical = base & LAPIC_BASE_ADDRESS;
    lapic_x2_mode = (base & LAPIC_BASE_X2) || (cpu_features.has_x2apic && !lapic_x2_is_unwanted());
    (void)cmdline_get(boot_info.command_line, "apic", mode, sizeof(mode));
    if (strcmp(mode, "xapic") == 0)
        lapic_x2_mode = false;
    else if (strcmp(mode, "x2apic") == 0 && cpu_features.has_x2apic)
        lapic_x2_mode = true;
    else if (strcmp(mode, "x2apic") == 0)
        log_warn("apic: this CPU has no x2APIC mode");
    if (lapic_x2_mode) {
        lapic_eoi_patch();
        idt_fill(cpu_boot_block.idt);
    }
    log_info("apic: %s mode, firmware left %s", lapic_x2_mode ? "x2APIC" : "xAPIC",
             base & LAPIC_BASE_X2 ? "x2APIC" : "xAPIC");
    if (!hal_page_map(HAL_LAPIC_VIRTUAL, lapic_physical, HAL_PAGE_SIZE,
                      HAL_PAGE_WRITE | HAL_PAGE_UNCACHED))
        log_error("apic: no memory to map the local APIC");
    lapic_nmi_input_read();
}

/* Interrupts that firmware took and never ended would hold back all of their class and below. */
static void lapic_end_stale(void)
{
    for (unsigned i = 0; i < LAPIC_STALE_EOIS; i++) {
        uint32_t pending = 0;

        for (unsigned vector = 0; vector < VECTOR_COUNT; vector += LAPIC_VECTORS_PER_REGISTER)
            pending |= hal_apic_read(lapic_vector_register(LAPIC_ISR, (uint8_t)vector));
        if (pending == 0)
            return;
        hal_apic_eoi();
    }
}

/* SDM 3A "Local APIC Version Register" 11.4.8: entries came one by one, in this order. */
static bool lapic_has_lvt(uint32_t reg)
{
    uint32_t last = (uint32_t)FIELD_GET(LAPIC_VERSION_MAX_LVT, hal_apic_read(LAPIC_VERSION));

    return reg == LAPIC_LVT_PERFORMANCE ? last >= 4
           : reg == LAPIC_LVT_THERMAL   ? last >= 5
           : reg == LAPIC_LVT_CMCI      ? last >= 6
                                        : true;
}

bool lapic_setting(uint32_t reg, uint32_t *value)
{
    switch (reg) {
    case LAPIC_SPURIOUS:
        *value = LAPIC_SPURIOUS_ENABLE | VECTOR_SPURIOUS;
        return true;
    case LAPIC_LVT_TIMER:
        *value = clock_lvt_timer();
        return true;
    case LAPIC_LVT_ERROR:
        *value = VECTOR_APIC_ERROR;
        return true;
    case LAPIC_LVT_LINT0:
    case LAPIC_LVT_LINT1:
        *value = LAPIC_LVT_MASKED | (reg == LAPIC_LVT_LINT0 ? LAPIC_DELIVERY_EXTINT : 0);
        if (reg == lapic_nmi_input.reg)
            *value = LAPIC_DELIVERY_NMI | lapic_nmi_input.flags;
        return true;
    case LAPIC_LVT_PERFORMANCE:
    case LAPIC_LVT_THERMAL:
    case LAPIC_LVT_CMCI:
        *value = LAPIC_LVT_MASKED;
        return lapic_has_lvt(reg);
    default:
        return false;
    }
}

uint64_t lapic_base_setting(uint64_t held)
{
    return (held & ~(LAPIC_BASE_ADDRESS | LAPIC_BASE_X2)) | lapic_physical | LAPIC_BASE_ENABLE |
           (lapic_x2_mode ? LAPIC_BASE_X2 : 0);
}

static void lapic_set(uint32_t reg)
{
    uint32_t value;

    if (lapic_setting(reg, &value))
        lapic_write(reg, value);
}

static enum ipi_addressing lapic_addressing(void)
{
    return lapic_lacks_logical ? IPI_ADDRESSING_PHYSICAL
                               : ipi_addressing(lapic_x2_mode, smp_cpu_count);
}

uint32_t lapic_logical_setting(uint32_t cpu)
{
    return ipi_logical_id(lapic_addressing(), cpu, hal_pcr(cpu)->apic_id);
}

/*
 * SDM 3A 11.6.2.2: all DFRs alike. In x2APIC mode there is none, and the LDR is made from the id by
 * the hardware; Bochs 2.7 leaves it 0, and would let every logical message fall on the floor.
 */
void lapic_logical_init(void)
{
    uint32_t setting = lapic_logical_setting(cpu_current());

    if (!lapic_x2_mode) {
        lapic_write(LAPIC_DFR, LAPIC_DFR_FLAT);
        lapic_write(LAPIC_LDR, setting);
    } else if (hal_apic_read(LAPIC_LDR) != setting &&
               !__atomic_exchange_n(&lapic_lacks_logical, true, __ATOMIC_RELAXED)) {
        log_warn("apic: CPU %u has logical id 0x%x instead of 0x%x; physical ids alone are used",
                 cpu_current(), hal_apic_read(LAPIC_LDR), setting);
    }
}

void lapic_cpu_init(void)
{
    lapic_mode_set();
    lapic_set(LAPIC_SPURIOUS);
    lapic_write(LAPIC_TPR, 0);
    lapic_end_stale();
    lapic_write(LAPIC_LVT_TIMER, LAPIC_LVT_MASKED | VECTOR_CLOCK);
    lapic_set(LAPIC_LVT_LINT0);
    lapic_set(LAPIC_LVT_LINT1);
    lapic_set(LAPIC_LVT_PERFORMANCE);
    lapic_set(LAPIC_LVT_THERMAL);
    lapic_set(LAPIC_LVT_CMCI);
    (void)hal_apic_error_read();
    lapic_set(LAPIC_LVT_ERROR);
    pcr_self()->apic_id = lapic_id();
    lapic_is_on = true;
}

/* ---- asking ------------------------------------------------------------------------------ */

bool hal_apic_is_x2(void)
{
    return lapic_x2_mode;
}

bool hal_apic_in_service(vector_t vector)
{
    return lapic_is_on && hal_apic_read(lapic_vector_register(LAPIC_ISR, vector.value)) &
                              lapic_vector_bit(vector.value);
}

bool hal_apic_requested(vector_t vector)
{
    return hal_apic_read(lapic_vector_register(LAPIC_IRR, vector.value)) &
           lapic_vector_bit(vector.value);
}

/* SDM 3A "Error Handling" 11.5.3: the write latches what was collected; then it can be read. */
uint32_t hal_apic_error_read(void)
{
    lapic_write(LAPIC_ESR, 0);
    return hal_apic_read(LAPIC_ESR);
}

/* ---- inter-processor interrupts ---------------------------------------------------------- */

static void lapic_wait_sent(void)
{
    for (uint32_t i = 0; i < LAPIC_BUSY_POLLS; i++) {
        if (!(hal_apic_read(LAPIC_ICR_LOW) & LAPIC_ICR_BUSY))
            return;
        hal_cpu_pause();
    }
}

void lapic_icr_send(apic_id_t destination, uint32_t low)
{
    uint64_t flags;

    if (lapic_x2_mode) {
        /* WRMSR of the ICR does not wait for earlier stores: SDM 3A 11.12.3. */
        __asm__ volatile("mfence; lfence" : : : "memory");
        x86_msr_write(LAPIC_X2_MSR(LAPIC_ICR_LOW),
                      (uint64_t)destination.value << LAPIC_ICR_X2_DEST_SHIFT | low);
        return;
    }
    /* The two halves must not be parted by an interrupt that sends too. */
    flags = hal_interrupts_disable();
    lapic_wait_sent();
    lapic_write(LAPIC_ICR_HIGH, destination.value << LAPIC_ICR_XAPIC_DEST_SHIFT);
    lapic_write(LAPIC_ICR_LOW, low);
    hal_interrupts_restore(flags);
}

static void lapic_count(enum hal_ipi_kind kind, uint32_t targets)
{
    struct hal_ipi_counts *counts = &((struct cpu_block *)pcr_self())->ipi_counts;

    __atomic_add_fetch(&counts->messages[kind], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&counts->targets, targets, __ATOMIC_RELAXED);
}

void hal_ipi_send(uint32_t cpu, vector_t vector)
{
    lapic_count(HAL_IPI_PHYSICAL, 1);
    lapic_icr_send(hal_pcr(cpu)->apic_id, LAPIC_DELIVERY_FIXED | LAPIC_ICR_ASSERT | vector.value);
}

void hal_ipi_send_others(vector_t vector)
{
    lapic_count(HAL_IPI_SHORTHAND, smp_cpu_count - 1);
    lapic_icr_send((apic_id_t){0}, LAPIC_ICR_SHORTHAND_OTHERS | LAPIC_DELIVERY_FIXED |
                                       LAPIC_ICR_ASSERT | vector.value);
}

void hal_ipi_send_set(const struct cpu_set *set, vector_t vector)
{
    uint64_t flags = hal_interrupts_disable(); /* stay on this CPU: a shorthand depends on it */
    struct ipi_plan plan;
    struct ipi_message message;

    ipi_plan_begin(&plan, set, lapic_addressing(), smp_cpu_count, cpu_current());
    while (ipi_plan_next(&plan, &message)) {
        lapic_count(message.kind, message.targets);
        lapic_icr_send(message.destination,
                       message.icr | LAPIC_DELIVERY_FIXED | LAPIC_ICR_ASSERT | vector.value);
    }
    hal_interrupts_restore(flags);
}

void hal_ipi_counts_read(uint32_t cpu, struct hal_ipi_counts *counts)
{
    *counts = smp_blocks[cpu]->ipi_counts;
}

void hal_cpus_freeze(void)
{
    uint32_t nobody = 0;

    if (!lapic_is_on || smp_cpu_count < 2)
        return;
    if (!__atomic_compare_exchange_n(&lapic_freezing, &nobody, cpu_current() + 1, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return; /* another CPU does it, and its NMI will reach this one too */
    lapic_icr_send((apic_id_t){0},
                   LAPIC_ICR_SHORTHAND_OTHERS | LAPIC_DELIVERY_NMI | LAPIC_ICR_ASSERT);
    for (uint32_t i = 0; i < LAPIC_FREEZE_POLLS && lapic_frozen < smp_cpu_count - 1; i++)
        hal_cpu_pause();
}

void hal_cpu_freeze_point(void)
{
    uint32_t freezing = lapic_freezing;

    if (freezing == 0 || freezing == cpu_current() + 1)
        return;
    __atomic_add_fetch(&lapic_frozen, 1, __ATOMIC_SEQ_CST);
    hal_machine_halt();
}
