/*
 * clock.c - how fast the TSC and the local APIC timer run, one-shot alarms, short waits.
 *
 * Both rates are measured in one go, against the HPET, else the ACPI PM timer, else channel 2 of
 * the 8254, within CLOCK_MEASURE_HZ^-1 seconds. Each reading is bracketed by two TSC reads, and
 * the tightest of a few is taken, so that an interruption by a hypervisor does no harm. Where the
 * CPU or the hypervisor states the TSC rate, and the measurement does not contradict, the
 * statement counts. An alarm uses the TSC deadline where the CPU has it.
 *
 * Owns not: the wall clock (rtc.c), the meaning of time (kernel/ke).
 */
#include "arch.h"

#include <hw/acpi_tables.h>
#include <hw/hpet.h>
#include <hw/pit.h>
#include <lib/bits.h>
#include <lib/log.h>

#include "parse/fadt.h"
#include "parse/hpet.h"

enum {
    CLOCK_MEASURE_HZ = 500, /* measure for 2 ms */
    CLOCK_SAMPLES = 4,
    CLOCK_FALLBACK_HZ = 1000000000,
    CLOCK_FALLBACK_LOOPS = 1000000,
};

/* A counter that runs up at a known rate and wraps at mask. */
struct clock_reference {
    const char *name;
    uint64_t frequency;
    uint64_t mask;
    uint64_t (*read)(void);
};

struct clock_sample {
    uint64_t tsc;
    uint64_t reference;
    uint32_t lapic; /* counts down */
};

static uint64_t clock_tsc_hz = CLOCK_FALLBACK_HZ;
static uint64_t clock_lapic_hz = CLOCK_FALLBACK_HZ;
static uint64_t clock_lapic_per_tsc; /* 32.32 fixed point */
static uint16_t clock_pm_port;

/* ---- references -------------------------------------------------------------------------- */

static uint64_t clock_hpet_read(void)
{
    return *(volatile uint32_t *)(ARCH_HPET_VIRTUAL + HPET_COUNTER);
}

static uint64_t clock_pm_read(void)
{
    return hal_port_read32(clock_pm_port);
}

static uint64_t clock_pit_read(void)
{
    uint32_t count;

    hal_port_write8(PIT_COMMAND, PIT_COMMAND_CHANNEL_2_LATCH);
    count = hal_port_read8(PIT_CHANNEL_2);
    count |= (uint32_t)hal_port_read8(PIT_CHANNEL_2) << 8;
    return UINT16_MAX - count; /* it counts down */
}

static bool clock_hpet_open(struct clock_reference *reference)
{
    const struct acpi_header_layout *table = hal_acpi_table("HPET", 0);
    volatile uint64_t *configuration =
        (volatile uint64_t *)(ARCH_HPET_VIRTUAL + HPET_CONFIGURATION);
    struct hpet_table hpet;
    uint64_t period;

    if (table == NULL || !hpet_parse(table, table->length, &hpet, NULL) || hpet.address == 0 ||
        !hal_page_map(ARCH_HPET_VIRTUAL, ALIGN_DOWN(hpet.address, HAL_PAGE_SIZE), HAL_PAGE_SIZE,
                      HAL_PAGE_WRITE | HAL_PAGE_UNCACHED))
        return false;
    period =
        FIELD_GET(HPET_CAP_PERIOD, *(volatile uint64_t *)(ARCH_HPET_VIRTUAL + HPET_CAPABILITIES));
    if (period == 0 || period > HPET_PERIOD_MAX)
        return false;
    *configuration |= HPET_CONFIG_ENABLE;
    *reference =
        (struct clock_reference){"hpet", HPET_FS_PER_SECOND / period, UINT32_MAX, clock_hpet_read};
    return true;
}

static bool clock_pm_open(struct clock_reference *reference)
{
    const struct fadt *fadt = machine_fadt();

    if (fadt == NULL || fadt->pm_timer.address == 0 || fadt->pm_timer.space != FADT_SPACE_IO)
        return false;
    clock_pm_port = (uint16_t)fadt->pm_timer.address;
    *reference =
        (struct clock_reference){"acpi-pm", ACPI_PM_TIMER_FREQUENCY,
                                 fadt->pm_timer_is_32bit ? UINT32_MAX : BITS(23, 0), clock_pm_read};
    return true;
}

static bool clock_pit_open(struct clock_reference *reference)
{
    uint8_t gate = hal_port_read8(PIT_GATE) & (uint8_t)~PIT_GATE_SPEAKER;

    hal_port_write8(PIT_GATE, gate | PIT_GATE_CHANNEL_2);
    hal_port_write8(PIT_COMMAND, PIT_COMMAND_CHANNEL_2_WORD_MODE_0);
    hal_port_write8(PIT_CHANNEL_2, 0xFF);
    hal_port_write8(PIT_CHANNEL_2, 0xFF);
    *reference = (struct clock_reference){"pit", PIT_FREQUENCY, UINT16_MAX, clock_pit_read};
    return true;
}

/* Present in a table is not enough: it must move. */
static bool clock_reference_runs(const struct clock_reference *reference)
{
    uint64_t first = reference->read();

    for (uint32_t i = 0; i < CLOCK_FALLBACK_LOOPS; i++) {
        if (reference->read() != first)
            return true;
    }
    log_warn("clock: %s stands still", reference->name);
    return false;
}

/* ---- measuring --------------------------------------------------------------------------- */

static struct clock_sample clock_sample_take(const struct clock_reference *reference)
{
    struct clock_sample best = {0};
    uint64_t best_width = UINT64_MAX;

    for (unsigned i = 0; i < CLOCK_SAMPLES; i++) {
        uint64_t before = hal_tsc_read();
        uint64_t value = reference->read();
        uint32_t lapic = hal_apic_read(LAPIC_TIMER_CURRENT);
        uint64_t width = hal_tsc_read() - before;

        if (width < best_width) {
            best_width = width;
            best = (struct clock_sample){before + width / 2, value, lapic};
        }
    }
    return best;
}

static void clock_measure(const struct clock_reference *reference)
{
    uint64_t span = reference->frequency / CLOCK_MEASURE_HZ;
    struct clock_sample from, to;
    uint64_t ticks;

    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX); /* LVT is masked */
    from = clock_sample_take(reference);
    while (((reference->read() - from.reference) & reference->mask) < span)
        hal_cpu_pause();
    to = clock_sample_take(reference);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    ticks = (to.reference - from.reference) & reference->mask;
    clock_tsc_hz = (to.tsc - from.tsc) * reference->frequency / ticks;
    clock_lapic_hz = (uint64_t)(from.lapic - to.lapic) * reference->frequency / ticks;
}

/* SDM 2A CPUID leaf 15H: crystal * EBX / EAX; leaf 40000010H: kHz, as VMware and KVM say it. */
static uint64_t clock_tsc_stated(void)
{
    struct x86_cpuid leaf;

    if (x86_cpuid(X86_CPUID_VENDOR, 0).eax >= X86_CPUID_TSC) {
        leaf = x86_cpuid(X86_CPUID_TSC, 0);
        if (leaf.eax != 0 && leaf.ebx != 0 && leaf.ecx != 0)
            return (uint64_t)leaf.ecx * leaf.ebx / leaf.eax;
    }
    if (cpu_features.is_virtual && x86_cpuid(X86_CPUID_HYPERVISOR, 0).eax >= X86_CPUID_HV_TIMING)
        return (uint64_t)x86_cpuid(X86_CPUID_HV_TIMING, 0).eax * 1000;
    return 0;
}

void clock_calibrate(void)
{
    static bool (*const open[])(struct clock_reference *) = {clock_hpet_open, clock_pm_open,
                                                             clock_pit_open};
    struct clock_reference reference;
    uint64_t stated = clock_tsc_stated();
    const char *source = "nothing";

    for (unsigned i = 0; i < ARRAY_COUNT(open); i++) {
        if (open[i](&reference) && clock_reference_runs(&reference)) {
            clock_measure(&reference);
            source = reference.name;
            break;
        }
    }
    if (stated != 0 && stated / 100 * 99 < clock_tsc_hz && clock_tsc_hz < stated / 100 * 101)
        clock_tsc_hz = stated;
    if (clock_lapic_hz == 0)
        clock_lapic_hz = CLOCK_FALLBACK_HZ;
    clock_lapic_per_tsc = (clock_lapic_hz << 32) / clock_tsc_hz;
    log_info("clock: tsc %lu kHz, apic timer %lu kHz by %s%s", clock_tsc_hz / 1000,
             clock_lapic_hz / 1000, source, cpu_features.has_tsc_deadline ? ", tsc deadline" : "");
}

/* ---- alarms and waits -------------------------------------------------------------------- */

uint32_t clock_lvt_timer(void)
{
    return VECTOR_CLOCK |
           (cpu_features.has_tsc_deadline ? LAPIC_LVT_TIMER_DEADLINE : LAPIC_LVT_TIMER_ONE_SHOT);
}

void clock_cpu_init(void)
{
    if (cpu_features.has_tsc_deadline) {
        lapic_write(LAPIC_LVT_TIMER, clock_lvt_timer());
        /* SDM 3A 11.5.4.1: the mode must be in force before the deadline is written. */
        __asm__ volatile("mfence" : : : "memory");
        return;
    }
    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_LVT_TIMER, clock_lvt_timer());
}

uint64_t hal_tsc_frequency(void)
{
    return clock_tsc_hz;
}

void hal_clock_arm(uint64_t deadline)
{
    uint64_t now, count;

    if (cpu_features.has_tsc_deadline) {
        x86_msr_write(X86_MSR_TSC_DEADLINE, deadline != 0 ? deadline : 1); /* 0 would disarm */
        return;
    }
    now = hal_tsc_read();
    count = 1;
    if (deadline > now)
        count += (uint64_t)((unsigned __int128)(deadline - now) * clock_lapic_per_tsc >> 32);
    lapic_write(LAPIC_TIMER_INITIAL, count < UINT32_MAX ? (uint32_t)count : UINT32_MAX);
}

void hal_clock_disarm(void)
{
    if (cpu_features.has_tsc_deadline)
        x86_msr_write(X86_MSR_TSC_DEADLINE, 0);
    else
        lapic_write(LAPIC_TIMER_INITIAL, 0);
}

void hal_stall(uint32_t microseconds)
{
    uint64_t start = hal_tsc_read();
    uint64_t ticks = (clock_tsc_hz / 1000 * microseconds) / 1000 + 1;

    while (hal_tsc_read() - start < ticks)
        hal_cpu_pause();
}
