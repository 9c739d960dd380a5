/*
 * smp.c - starting the other CPUs, all at once.
 *
 * Each CPU that the MADT calls enabled gets a slot: APIC id, stack, block. INIT goes out to all of
 * them, then the start-up message, then once more to those that have not shown up (MP Specification
 * 1.4 B.4, without waits where the processor needs none). A CPU that arrives sets itself up,
 * reports, and sleeps until every slot has reported or the wait was given up. Only then are CPU
 * numbers given, in MADT order and without gaps, and all are woken by one message. One that comes
 * later than that stays asleep.
 *
 * Owns: slots, trampoline, CPU numbers. Owns not: what a CPU runs (ke_cpu_main), its tables
 * (cpu.c), its local APIC (lapic.c).
 */
#include "arch.h"
#include "ap_boot.h"

#include <hw/acpi_tables.h>
#include <hw/x86_paging.h>
#include <lib/assert.h>
#include <lib/log.h>
#include <lib/string.h>

#include "parse/madt.h"

enum {
    SMP_NUMBER_NONE = 0xFFFFFFFF,
    SMP_XAPIC_ID_MAX = 254, /* 255 is everybody: SDM 3A 11.6.2.1 */
    SMP_INIT_DELAY_US = 10000,
    SMP_STARTUP_DELAY_US = 200,
    SMP_SILENCE_US = 1000000, /* no CPU arrived for so long: give up */
    SMP_POLL_US = 20,
};

struct smp_slot {
    struct cpu_block *block;
    volatile bool has_arrived;
};

extern const char smp_trampoline[], smp_trampoline_end[]; /* ap_boot.S */
extern const uint32_t smp_trampoline_32_offset, smp_trampoline_64_offset;
void smp_ap_entry(void);
_Noreturn void smp_ap_start(uint32_t slot);

uint32_t smp_cpu_count = 1;
struct cpu_block *smp_blocks[CPU_MAX] = {&cpu_boot_block};

/* Read by ap_boot.S. */
extern uint32_t smp_slot_count, smp_slot_ids[CPU_MAX];
extern uint64_t smp_slot_stacks[CPU_MAX];
uint32_t smp_slot_count;
uint32_t smp_slot_ids[CPU_MAX];
uint64_t smp_slot_stacks[CPU_MAX];

static struct smp_slot smp_slots[CPU_MAX];
static volatile uint32_t smp_arrived; /* CPUs that sleep in smp_ap_start() or have left it */
static volatile bool smp_is_open;     /* numbers are given: go */

/* Tables for the way up: the trampoline page at its physical address, the kernel as it is. */
static uint64_t smp_pml4[PAGING_ENTRIES] __attribute__((aligned(4096)));
static uint64_t smp_pdpt[PAGING_ENTRIES] __attribute__((aligned(4096)));
static uint64_t smp_directory[PAGING_ENTRIES] __attribute__((aligned(4096)));

/* ---- slots ------------------------------------------------------------------------------- */

static struct cpu_block *smp_block_alloc(apic_id_t id, uint32_t acpi_uid)
{
    struct cpu_block *block = hal_upcall_pages_alloc(sizeof(*block));
    void *ist[X86_IST_COUNT];

    if (block == NULL)
        return NULL;
    for (unsigned i = 0; i < X86_IST_COUNT; i++) {
        ist[i] = hal_upcall_stack_alloc(ARCH_IST_STACK_SIZE);
        if (ist[i] == NULL)
            return NULL;
    }
    block->stack_top = hal_upcall_stack_alloc(ARCH_STACK_SIZE);
    if (block->stack_top == NULL)
        return NULL;
    block->stack_base = (uint8_t *)block->stack_top - ARCH_STACK_SIZE;
    block->acpi_uid = acpi_uid;
    cpu_block_init(block, SMP_NUMBER_NONE, id, ist);
    irq_cpu_init(&block->pcr);
    return block;
}

static bool smp_slot_add(apic_id_t id, uint32_t acpi_uid)
{
    struct cpu_block *block = smp_block_alloc(id, acpi_uid);

    if (block == NULL) {
        log_warn("smp: no memory for more than %u CPUs", smp_slot_count + 1);
        return false;
    }
    smp_slots[smp_slot_count].block = block;
    smp_slot_ids[smp_slot_count] = id.value;
    smp_slot_stacks[smp_slot_count] = (uint64_t)block->stack_top;
    smp_slot_count++;
    return true;
}

static bool smp_slot_is_known(uint32_t id)
{
    for (uint32_t i = 0; i < smp_slot_count; i++) {
        if (smp_slot_ids[i] == id)
            return true;
    }
    return id == cpu_boot_block.pcr.apic_id.value;
}

static bool smp_entry_is_usable(const struct madt_entry *entry)
{
    if (entry->kind != MADT_LOCAL_APIC && entry->kind != MADT_LOCAL_X2APIC)
        return false;
    return entry->is_enabled && (lapic_x2_mode || entry->apic_id <= SMP_XAPIC_ID_MAX);
}

static void smp_slots_collect(uint32_t limit)
{
    const struct acpi_header_layout *table = hal_acpi_table("APIC", 0);
    struct madt madt;
    struct madt_entry entry;
    struct parse_error error;

    if (table == NULL || !madt_open(&madt, table, table->length, &error))
        return;
    while (madt_next(&madt, &entry, &error) == PARSE_ITEM) {
        if (!smp_entry_is_usable(&entry))
            continue;
        if (entry.apic_id == cpu_boot_block.pcr.apic_id.value)
            cpu_boot_block.acpi_uid = entry.processor_uid;
        if (smp_slot_is_known(entry.apic_id))
            continue;
        if (smp_slot_count + 1 >= limit) {
            log_info("smp: no more than %u CPUs are started", limit);
            return;
        }
        if (!smp_slot_add((apic_id_t){entry.apic_id}, entry.processor_uid))
            return;
    }
}

/* ---- the trampoline ---------------------------------------------------------------------- */

static void smp_tables_fill(void)
{
    const uint64_t *kernel = hal_direct_map(hal_paging_root());

    memcpy(&smp_pml4[PAGING_ENTRIES / 2], &kernel[PAGING_ENTRIES / 2],
           PAGING_ENTRIES / 2 * sizeof(uint64_t));
    smp_pml4[0] = arch_image_physical(smp_pdpt) | PTE_PRESENT | PTE_WRITABLE;
    smp_pdpt[0] = arch_image_physical(smp_directory) | PTE_PRESENT | PTE_WRITABLE;
    smp_directory[0] = PTE_PRESENT | PTE_WRITABLE | PTE_LARGE; /* the first 2 MiB */
}

static void smp_put32(uint8_t *page, uint32_t offset, uint32_t value)
{
    memcpy(page + offset, &value, sizeof(value));
}

static void smp_put64(uint8_t *page, uint32_t offset, uint64_t value)
{
    memcpy(page + offset, &value, sizeof(value));
}

static void smp_trampoline_fill(void)
{
    uint32_t base = (uint32_t)boot_trampoline_page;
    uint8_t *page = hal_direct_map_reach(base, HAL_PAGE_SIZE);
    size_t size = (uintptr_t)smp_trampoline_end - (uintptr_t)smp_trampoline;

    ASSERT(page != NULL && size <= TRAMPOLINE_GDT);
    memcpy(page, smp_trampoline, size);
    smp_put64(page, TRAMPOLINE_GDT, 0);
    smp_put64(page, TRAMPOLINE_GDT + TRAMPOLINE_SELECTOR_CODE32, X86_DESCRIPTOR_CODE32);
    smp_put64(page, TRAMPOLINE_GDT + X86_SELECTOR_CODE, X86_DESCRIPTOR_CODE64);
    smp_put64(page, TRAMPOLINE_GDT + X86_SELECTOR_DATA, X86_DESCRIPTOR_DATA);
    smp_put32(page, TRAMPOLINE_GDT_POINTER, TRAMPOLINE_GDT_BYTES - 1);
    smp_put32(page, TRAMPOLINE_GDT_POINTER + 2, base + TRAMPOLINE_GDT);
    smp_put32(page, TRAMPOLINE_FAR_32, base + smp_trampoline_32_offset);
    smp_put32(page, TRAMPOLINE_FAR_32 + 4, TRAMPOLINE_SELECTOR_CODE32);
    smp_put32(page, TRAMPOLINE_FAR_64, base + smp_trampoline_64_offset);
    smp_put32(page, TRAMPOLINE_FAR_64 + 4, X86_SELECTOR_CODE);
    smp_put64(page, TRAMPOLINE_CR3, arch_image_physical(smp_pml4));
    smp_put64(page, TRAMPOLINE_ENTRY, (uint64_t)smp_ap_entry);
}

/* ---- the boot CPU's side ----------------------------------------------------------------- */

static void smp_send_all(uint32_t icr)
{
    for (uint32_t i = 0; i < smp_slot_count; i++) {
        if (!smp_slots[i].has_arrived)
            lapic_icr_send((apic_id_t){smp_slot_ids[i]}, icr | LAPIC_ICR_ASSERT);
    }
}

static void smp_wait_arrived(void)
{
    uint32_t last = smp_arrived;
    uint32_t silence = 0;

    while (smp_arrived < smp_slot_count && silence < SMP_SILENCE_US) {
        hal_stall(SMP_POLL_US);
        silence += SMP_POLL_US;
        if (smp_arrived != last) {
            last = smp_arrived;
            silence = 0;
        }
    }
}

static void smp_number_all(void)
{
    for (uint32_t i = 0; i < smp_slot_count; i++) {
        struct cpu_block *block = smp_slots[i].block;

        if (!smp_slots[i].has_arrived) {
            log_warn("smp: CPU with APIC id %u does not start", smp_slot_ids[i]);
            continue;
        }
        block->pcr.number = smp_cpu_count;
        block->pcr.legacy_number = smp_cpu_count % 64;
        smp_blocks[smp_cpu_count] = block;
        __atomic_store_n(&smp_cpu_count, smp_cpu_count + 1, __ATOMIC_RELEASE);
    }
}

/* kernel/ke sets online when a CPU can take whatever the others send it. */
static void smp_wait_online(void)
{
    for (uint32_t cpu = 1; cpu < smp_cpu_count; cpu++) {
        while (__atomic_load_n(&smp_blocks[cpu]->pcr.online, __ATOMIC_ACQUIRE) == 0)
            hal_cpu_pause();
    }
}

void hal_cpus_start(uint32_t limit)
{
    uint32_t startup = LAPIC_DELIVERY_STARTUP | (uint32_t)(boot_trampoline_page / HAL_PAGE_SIZE);

    if (boot_trampoline_page == 0)
        return;
    smp_slots_collect(limit < CPU_MAX ? limit : CPU_MAX);
    if (smp_slot_count == 0)
        return;
    smp_tables_fill();
    smp_trampoline_fill();
    smp_send_all(LAPIC_DELIVERY_INIT);
    if (cpu_features.needs_init_delay)
        hal_stall(SMP_INIT_DELAY_US);
    smp_send_all(startup);
    hal_stall(SMP_STARTUP_DELAY_US);
    smp_send_all(startup);
    smp_wait_arrived();
    smp_number_all();
    lapic_logical_init(); /* once more: by the number of CPUs */
    __atomic_store_n(&smp_is_open, true, __ATOMIC_SEQ_CST);
    hal_ipi_send_others((vector_t){VECTOR_WAKE});
    smp_wait_online();
    log_info("smp: %u CPUs", smp_cpu_count);
}

uint32_t hal_cpu_count(void)
{
    return smp_cpu_count;
}

struct pcr *hal_pcr(uint32_t cpu)
{
    return smp_blocks[cpu] != NULL ? &smp_blocks[cpu]->pcr : NULL;
}

void hal_cpu_stack(uint32_t cpu, void **base, void **top)
{
    *base = smp_blocks[cpu]->stack_base;
    *top = smp_blocks[cpu]->stack_top;
}

/* ---- the started CPU's side -------------------------------------------------------------- */

struct smp_wake_frame;

/* VECTOR_WAKE while a CPU sleeps below; the gate goes back to entry.S afterwards. */
__attribute__((interrupt)) static void smp_wake(struct smp_wake_frame *frame)
{
    (void)frame;
    hal_apic_eoi();
}

static void smp_sleep_until_open(void)
{
    while (hal_interrupts_off(), !__atomic_load_n(&smp_is_open, __ATOMIC_SEQ_CST))
        hal_cpu_wait();
}

void smp_ap_start(uint32_t slot)
{
    struct cpu_block *block = smp_slots[slot].block;
    struct x86_gate gate = block->idt[VECTOR_WAKE];

    block->idt[VECTOR_WAKE] = x86_gate_make((uint64_t)smp_wake, X86_SELECTOR_CODE, 0);
    cpu_block_load(block);
    cpu_control_init();
    hal_paging_cpu_init();
    lapic_cpu_init();
    smp_slots[slot].has_arrived = true;
    __atomic_add_fetch(&smp_arrived, 1, __ATOMIC_SEQ_CST);
    smp_sleep_until_open();
    if (block->pcr.number == SMP_NUMBER_NONE)
        hal_machine_halt();
    block->idt[VECTOR_WAKE] = gate;
    lapic_logical_init();
    clock_cpu_init();
    ke_cpu_main(block->pcr.number);
}
