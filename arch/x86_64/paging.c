/*
 * paging.c - page tables of the kernel's one address space, and the paging features of each CPU.
 *
 * 4-level tables, reached through the direct map. All mappings are supervisor mappings, W^X, with
 * the largest page that alignment and the CPU allow; a large page is split when a part of it gets
 * other rights. Tables are never given back: the address allocator reuses low addresses first. The
 * global bit is not used: CR3 never changes once set, so it would only make flushing dearer.
 *
 * Flushing other CPUs' TLBs is one shared generation number: a CPU that takes VECTOR_IPI and sees
 * that it moved flushes everything and publishes what it saw. A CPU that waits answers others in
 * the meantime, so that two shootdowns do not wait for each other, even with interrupts off.
 *
 * Owns: tables, PAT, CR0/CR4/EFER paging bits, shootdown. Owns not: page frames and the choice of
 * addresses (mm), the first tables (boot.S), the order of bring-up (mm_init, smp.c).
 */
#include <hal/hal.h>
#include <hw/x86_cpu.h>
#include <hw/x86_paging.h>
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/rawlock.h>
#include <lib/string.h>

extern const char kernel_text_start[], kernel_text_end[];     /* linker.ld */
extern const char kernel_rodata_start[], kernel_rodata_end[]; /* linker.ld */
extern const char kernel_data_start[], kernel_image_end[];    /* linker.ld */

enum {
    PAGING_UNMAP = 1 << 30,      /* beside the HAL_PAGE_ flags */
    PAGING_FLUSH_PAGES_MAX = 32, /* above, reloading CR3 is cheaper than invalidating pages */
    PAGING_IRQL = 2,             /* DISPATCH_LEVEL: a shootdown must not change CPU half way */
};

#define PAGING_TABLE_ENTRY (PTE_PRESENT | PTE_WRITABLE | PTE_ACCESSED)

static struct {
    struct raw_lock lock; /* all writes to tables */
    phys_addr_t root;     /* (c) */
    bool page_1g;         /* (c) */
    phys_addr_t (*table_alloc)(void);
} paging;

static struct {
    volatile uint64_t generation;    /* shootdowns begun */
    volatile uint64_t seen[CPU_MAX]; /* generation up to which each CPU has flushed */
} tlb;

/* ---- Entries ------------------------------------------------------------------------------- */

static uint64_t *paging_table_at(phys_addr_t table)
{
    return hal_direct_map(table);
}

static uint64_t paging_entry_bits(uint32_t flags, unsigned int level)
{
    uint64_t bits = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | (level > 1 ? PTE_LARGE : 0);

    ASSERT((flags & (HAL_PAGE_WRITE | HAL_PAGE_EXECUTE)) != (HAL_PAGE_WRITE | HAL_PAGE_EXECUTE));
    if (flags & HAL_PAGE_WRITE) {
        bits |= PTE_WRITABLE;
    }
    if (!(flags & HAL_PAGE_EXECUTE)) {
        bits |= PTE_NO_EXECUTE;
    }
    if (flags & HAL_PAGE_UNCACHED) {
        bits |= PTE_PCD | PTE_PWT; /* PAT entry 3 */
    } else if (flags & HAL_PAGE_WRITE_COMBINED) {
        bits |= paging_pat_bit(level); /* PAT entry 4 */
    } else if (flags & HAL_PAGE_WRITE_THROUGH) {
        bits |= PTE_PWT; /* PAT entry 1 */
    }
    return bits;
}

static uint32_t paging_entry_flags(uint64_t entry, unsigned int level)
{
    uint32_t flags = HAL_PAGE_READ;

    flags |= entry & PTE_WRITABLE ? HAL_PAGE_WRITE : 0;
    flags |= entry & PTE_NO_EXECUTE ? 0 : HAL_PAGE_EXECUTE;
    if (entry & paging_pat_bit(level)) {
        flags |= HAL_PAGE_WRITE_COMBINED;
    } else if (entry & PTE_PCD) {
        flags |= HAL_PAGE_UNCACHED;
    } else if (entry & PTE_PWT) {
        flags |= HAL_PAGE_WRITE_THROUGH;
    }
    return flags;
}

static phys_addr_t paging_table_new(void)
{
    phys_addr_t table = paging.table_alloc();

    if (table != 0) {
        memset(paging_table_at(table), 0, HAL_PAGE_SIZE);
    }
    return table;
}

/* A large page becomes a table of the next smaller ones that says the same. */
static bool paging_split(uint64_t *entry, unsigned int level)
{
    phys_addr_t table = paging_table_new();
    phys_addr_t address = paging_entry_address(*entry, level);
    uint64_t bits = paging_entry_bits(paging_entry_flags(*entry, level), level - 1);

    if (table == 0) {
        return false;
    }
    for (unsigned int i = 0; i < PAGING_ENTRIES; i++) {
        paging_table_at(table)[i] = (address + i * paging_level_size(level - 1)) | bits;
    }
    *(volatile uint64_t *)entry = table | PAGING_TABLE_ENTRY;
    return true;
}

/* The entry for an address in its table of the level, making and splitting what lies above. */
static uint64_t *paging_entry_make(uint64_t address, unsigned int level)
{
    phys_addr_t table = paging.root;

    for (unsigned int at = PAGING_LEVELS; at > level; at--) {
        uint64_t *entry = &paging_table_at(table)[paging_index(address, at)];

        if (!(*entry & PTE_PRESENT)) {
            phys_addr_t lower = paging_table_new();

            if (lower == 0) {
                return NULL;
            }
            *(volatile uint64_t *)entry = lower | PAGING_TABLE_ENTRY;
        } else if (!paging_entry_is_table(*entry, at) && !paging_split(entry, at)) {
            return NULL;
        }
        table = *entry & PTE_ADDRESS;
    }
    return &paging_table_at(table)[paging_index(address, level)];
}

/* The entry that decides about an address, a page or nothing, and its level. No lock needed. */
static uint64_t *paging_entry_find(uint64_t address, unsigned int *level)
{
    phys_addr_t table = paging.root;

    for (unsigned int at = PAGING_LEVELS;; at--) {
        uint64_t *entry = &paging_table_at(table)[paging_index(address, at)];
        uint64_t value = *(volatile uint64_t *)entry;

        if (!paging_entry_is_table(value, at)) {
            *level = at;
            return entry;
        }
        table = value & PTE_ADDRESS;
    }
}

/* ---- Ranges, under the lock ---------------------------------------------------------------- */

static unsigned int paging_level_for(uint64_t address, phys_addr_t physical, uint64_t size)
{
    for (unsigned int level = paging.page_1g ? 3 : 2; level > 1; level--) {
        uint64_t page = paging_level_size(level);

        if (IS_ALIGNED(address | physical, page) && size >= page) {
            return level;
        }
    }
    return 1;
}

/* Returns how many bytes were mapped. */
static uint64_t paging_map(uint64_t address, phys_addr_t physical, uint64_t size, uint32_t flags,
                           bool keep_present)
{
    uint64_t done = 0;

    while (done < size) {
        unsigned int level = paging_level_for(address + done, physical + done, size - done);
        uint64_t *entry = paging_entry_make(address + done, level);

        while (entry != NULL && paging_entry_is_table(*entry, level)) {
            entry = paging_entry_make(address + done, --level);
        }
        if (entry == NULL) {
            break;
        }
        if (!(*entry & PTE_PRESENT)) {
            *(volatile uint64_t *)entry = (physical + done) | paging_entry_bits(flags, level);
        } else {
            ASSERT(keep_present);
        }
        done += paging_level_size(level);
    }
    return done;
}

/* Gives each present page of the range new flags, or unmaps it. */
static void paging_change(uint64_t address, uint64_t size, uint32_t flags)
{
    uint64_t end = address + size;

    while (address != 0 && address < end) { /* 0: a step past the last address */
        unsigned int level;
        uint64_t *entry = paging_entry_find(address, &level);
        uint64_t page = paging_level_size(level);
        uint64_t value = 0;

        if (!(*entry & PTE_PRESENT)) {
            address = ALIGN_DOWN(address, page) + page;
            continue;
        }
        if (!IS_ALIGNED(address, page) || end - address < page) {
            bool split = paging_split(entry, level);

            ASSERT(split);
            continue;
        }
        if (!(flags & PAGING_UNMAP)) {
            value = paging_entry_address(*entry, level) | paging_entry_bits(flags, level);
        }
        *(volatile uint64_t *)entry = value;
        address += page;
    }
}

/* ---- TLB ----------------------------------------------------------------------------------- */

static void tlb_flush_own(uint64_t address, uint64_t size)
{
    if (size > PAGING_FLUSH_PAGES_MAX * HAL_PAGE_SIZE) {
        x86_cr3_write(x86_cr3_read());
        return;
    }
    for (uint64_t end = address + size; address < end; address += HAL_PAGE_SIZE) {
        __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
    }
}

/* An interrupt that serves a later generation may come in between: what it has noted stays. */
void hal_tlb_service(void)
{
    uint64_t generation = tlb.generation;
    uint32_t cpu = cpu_current();
    uint64_t seen = tlb.seen[cpu];

    if (seen < generation) {
        x86_cr3_write(x86_cr3_read());
        __atomic_compare_exchange_n(&tlb.seen[cpu], &seen, generation, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED);
    }
}

static bool tlb_cpu_takes_part(uint32_t cpu)
{
    struct pcr *pcr = hal_pcr(cpu);

    return pcr != NULL && __atomic_load_n(&pcr->online, __ATOMIC_ACQUIRE) != 0;
}

static void tlb_flush_others(void)
{
    uint64_t generation = __atomic_add_fetch(&tlb.generation, 1, __ATOMIC_SEQ_CST);
    uint32_t count = hal_cpu_count();
    uint32_t own = cpu_current();

    hal_ipi_send_others((vector_t){VECTOR_IPI});
    for (uint32_t cpu = 0; cpu < count; cpu++) {
        while (cpu != own && tlb.seen[cpu] < generation && tlb_cpu_takes_part(cpu)) {
            if (lib_bugcheck_in_progress()) {
                return; /* the others have been stopped */
            }
            hal_tlb_service();
            hal_cpu_pause();
        }
    }
}

static void tlb_flush(uint64_t address, uint64_t size)
{
    irql_t old;

    if (hal_cpu_count() <= 1) {
        tlb_flush_own(address, size);
        return;
    }
    old = hal_irql_read();
    if (old < PAGING_IRQL) {
        hal_irql_write(PAGING_IRQL);
    }
    tlb_flush_own(address, size);
    tlb_flush_others();
    if (old < PAGING_IRQL) {
        hal_irql_write(old);
    }
}

/* ---- hal.h --------------------------------------------------------------------------------- */

bool hal_page_map(uint64_t virtual_address, phys_addr_t physical, uint64_t size, uint32_t flags)
{
    raw_lock_state_t state;
    uint64_t done;

    ASSERT(IS_ALIGNED(virtual_address | physical | size, HAL_PAGE_SIZE));
    state = raw_lock_acquire(&paging.lock);
    done = paging_map(virtual_address, physical, size, flags, false);
    raw_lock_release(&paging.lock, state);
    if (done < size && done != 0) {
        hal_page_unmap(virtual_address, done);
    }
    return done >= size;
}

static void paging_change_and_flush(uint64_t address, uint64_t size, uint32_t flags)
{
    raw_lock_state_t state;

    ASSERT(IS_ALIGNED(address | size, HAL_PAGE_SIZE));
    state = raw_lock_acquire(&paging.lock);
    paging_change(address, size, flags);
    raw_lock_release(&paging.lock, state);
    tlb_flush(address, size);
}

void hal_page_unmap(uint64_t virtual_address, uint64_t size)
{
    paging_change_and_flush(virtual_address, size, PAGING_UNMAP);
}

void hal_page_protect(uint64_t virtual_address, uint64_t size, uint32_t flags)
{
    paging_change_and_flush(virtual_address, size, flags);
}

/* The entry and its level; 0 for an address that is not canonical or not mapped. */
static uint64_t paging_entry_present(uint64_t address, unsigned int *level)
{
    const uint64_t canonical_gap = ~0ull
                                   << (PAGING_PAGE_SHIFT + PAGING_LEVELS * PAGING_INDEX_BITS - 1);
    uint64_t upper = address & canonical_gap;
    uint64_t entry;

    if (upper != 0 && upper != canonical_gap) {
        return 0;
    }
    entry = *paging_entry_find(address, level);
    return entry & PTE_PRESENT ? entry : 0;
}

uint64_t hal_page_entry(uint64_t virtual_address)
{
    unsigned int level;

    return paging_entry_present(virtual_address, &level);
}

bool hal_page_query(uint64_t virtual_address, phys_addr_t *physical, uint32_t *flags)
{
    unsigned int level;
    uint64_t entry = paging_entry_present(virtual_address, &level);

    if (entry == 0) {
        return false;
    }
    if (physical != NULL) {
        *physical =
            paging_entry_address(entry, level) | (virtual_address & (paging_level_size(level) - 1));
    }
    if (flags != NULL) {
        *flags = paging_entry_flags(entry, level);
    }
    return true;
}

void *hal_direct_map_reach(phys_addr_t address, uint64_t size)
{
    phys_addr_t first = ALIGN_DOWN(address, HAL_PAGE_SIZE);
    phys_addr_t end = ALIGN_UP(address + size, HAL_PAGE_SIZE);
    raw_lock_state_t state;
    bool reached = true;

    if (end < first || end > HAL_DIRECT_MAP_SIZE) {
        return NULL;
    }
    state = raw_lock_acquire(&paging.lock);
    for (phys_addr_t page = first; page < end && reached; page += HAL_PAGE_SIZE) {
        uint64_t at = HAL_DIRECT_MAP_BASE + page;

        reached = hal_page_query(at, NULL, NULL) ||
                  paging_map(at, page, HAL_PAGE_SIZE, HAL_PAGE_WRITE, true) != 0;
    }
    raw_lock_release(&paging.lock, state);
    return reached ? hal_direct_map(address) : NULL;
}

static phys_addr_t paging_kernel_physical(const char *address)
{
    return (uintptr_t)address - HAL_KERNEL_BASE;
}

static bool paging_map_kernel(const char *start, const char *end, uint32_t flags)
{
    return hal_page_map((uintptr_t)start, paging_kernel_physical(start), (uintptr_t)(end - start),
                        flags);
}

bool hal_paging_init(phys_addr_t (*table_alloc)(void))
{
    paging.table_alloc = table_alloc;
    paging.page_1g = (x86_cpuid(X86_CPUID_EXT_FEATURES, 0).edx & X86_CPUID_E1_EDX_PAGE_1G) != 0;
    paging.root = paging_table_new();
    return paging.root != 0 &&
           paging_map_kernel(kernel_text_start, kernel_text_end, HAL_PAGE_EXECUTE) &&
           paging_map_kernel(kernel_rodata_start, kernel_rodata_end, HAL_PAGE_READ) &&
           paging_map_kernel(kernel_data_start, kernel_image_end, HAL_PAGE_WRITE);
}

void hal_paging_activate(void)
{
    uint64_t text = (uintptr_t)hal_direct_map(paging_kernel_physical(kernel_text_start));

    hal_paging_cpu_init();
    /* The direct map shows the kernel too: what is read-only there must be so here. */
    hal_page_protect(text, (uintptr_t)kernel_rodata_end - (uintptr_t)kernel_text_start,
                     HAL_PAGE_READ);
}

void hal_kernel_extent(phys_addr_t *base, phys_addr_t *end)
{
    *base = paging_kernel_physical(kernel_text_start);
    *end = paging_kernel_physical(kernel_image_end);
}

phys_addr_t hal_paging_root(void)
{
    return paging.root;
}

void hal_paging_cpu_init(void)
{
    const uint64_t cache_off = X86_CR0_CD | X86_CR0_NW;
    struct x86_cpuid structured = {0};
    uint64_t cr4 = x86_cr4_read();

    if (x86_cpuid(0, 0).eax >= X86_CPUID_STRUCTURED) {
        structured = x86_cpuid(X86_CPUID_STRUCTURED, 0);
    }
    cr4 |= structured.ebx & X86_CPUID_7_EBX_SMEP ? X86_CR4_SMEP : 0;
    cr4 |= structured.ebx & X86_CPUID_7_EBX_SMAP ? X86_CR4_SMAP : 0;
    cr4 |= structured.ecx & X86_CPUID_7_ECX_UMIP ? X86_CR4_UMIP : 0;
    x86_msr_write(X86_MSR_EFER, x86_msr_read(X86_MSR_EFER) | X86_EFER_NXE);
    x86_cr0_write((x86_cr0_read() & ~cache_off) | X86_CR0_WP);
    if (x86_cpuid(X86_CPUID_FEATURES, 0).edx & X86_CPUID_1_EDX_PAT) {
        x86_msr_write(X86_MSR_PAT, PAT_VALUE);
    }
    x86_cr3_write(paging.root);
    x86_cr4_write(cr4);
}
