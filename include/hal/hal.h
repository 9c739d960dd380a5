/*
 * hal/hal.h - what L2 and above ask of the machine. Everything here is implemented in arch/x86_64.
 *
 * Two rooms of calls: those that are one instruction are inline; the rest are prototypes, grouped
 * by the file that owns them. Unless a comment says otherwise a call may be made at any IRQL.
 *
 * Address map (4-level paging, canonical upper half):
 *   FFFF880000000000  direct map of physical memory, see hal_direct_map()
 *   FFFFF78000000000  KUSER_SHARED_DATA, one page, read-only for drivers (spec F.7)
 *   FFFFFA0000000000  dynamic kernel addresses: stacks, MMIO, images, pool
 *   FFFFFFFF80000000  the kernel image, linked here + its physical address
 */
#pragma once

#include <hal/boot_info.h>
#include <hal/pcr.h>
#include <hal/types.h>
#include <hw/lapic.h>

#define HAL_DIRECT_MAP_BASE 0xFFFF880000000000ull
#define HAL_DIRECT_MAP_SIZE (64ull << 40)
#define HAL_SHARED_USER_DATA 0xFFFFF78000000000ull
#define HAL_DYNAMIC_BASE 0xFFFFFA0000000000ull
#define HAL_DYNAMIC_SIZE (1ull << 40)
#define HAL_KERNEL_BASE 0xFFFFFFFF80000000ull
#define HAL_PAGE_SIZE 4096ull

/* ---- IRQL and the interrupt flag --------------------------------------------------------- */

static inline irql_t hal_irql_read(void)
{
    uint64_t cr8;
    __asm__ volatile("mov %%cr8, %0" : "=r"(cr8));
    return (irql_t)cr8;
}

/* Raising or lowering; lowering takes pending interrupts of the levels in between. */
static inline void hal_irql_write(irql_t irql)
{
    __asm__ volatile("mov %0, %%cr8" : : "r"((uint64_t)irql) : "memory");
}

static inline irql_t hal_irql_raise(irql_t irql)
{
    irql_t old = hal_irql_read();
    hal_irql_write(irql);
    return old;
}

#define HAL_RFLAGS_IF (1ull << 9)

static inline uint64_t hal_interrupts_disable(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void hal_interrupts_restore(uint64_t flags)
{
    if (flags & HAL_RFLAGS_IF)
        __asm__ volatile("sti" : : : "memory");
}

static inline bool hal_interrupts_are_on(void)
{
    uint64_t flags = hal_interrupts_disable();

    hal_interrupts_restore(flags);
    return flags & HAL_RFLAGS_IF;
}

static inline void hal_interrupts_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline void hal_interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void hal_cpu_pause(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/* Atomically enable interrupts and sleep until one has been taken; returns with interrupts on. */
static inline void hal_cpu_wait(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}

/* Address of the last page fault. SDM 3A "Control Registers" 2.5 */
static inline uint64_t hal_fault_address(void)
{
    uint64_t cr2;
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    return cr2;
}

/* Those of the control registers that a report shows. SDM 3A "Control Registers" 2.5 */
static inline void hal_control_registers(uint64_t *cr0, uint64_t *cr3, uint64_t *cr4)
{
    __asm__ volatile("mov %%cr0, %0\n\tmov %%cr3, %1\n\tmov %%cr4, %2"
                     : "=&r"(*cr0), "=&r"(*cr3), "=&r"(*cr4));
}

/* ---- Ports ------------------------------------------------------------------------------- */

static inline uint8_t hal_port_read8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t hal_port_read16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t hal_port_read32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void hal_port_write8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void hal_port_write16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void hal_port_write32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

/* ---- CPUs (smp.c, cpu.c) ------------------------------------------------------------------ */

/* CPUs that are up. CPU_MAX-sized arrays are indexed by the same number. */
uint32_t hal_cpu_count(void);
struct pcr *hal_pcr(uint32_t cpu);

/*
 * Start every CPU the MADT names, in parallel. Each new CPU gets its own PCR, GDT, TSS, IDT, APIC,
 * then calls ke_cpu_main() with interrupts off and CR8 0, which sets its PCR's `online`; returns
 * when all are. PASSIVE_LEVEL on the boot CPU, once. At most `limit` CPUs, the boot CPU counted.
 */
void hal_cpus_start(uint32_t limit);
/* The first machine-check bank of this CPU that holds an error, with its status; false: none. */
bool hal_machine_check_read(uint32_t *bank, uint64_t *status);
/* Lowest address and top of the stack a CPU came up on: what its idle thread runs on. */
void hal_cpu_stack(uint32_t cpu, void **base, void **top);

/* ---- Local APIC (lapic.c) ------------------------------------------------------------------ */

void hal_ipi_send(uint32_t cpu, vector_t vector);
void hal_ipi_send_others(vector_t vector);
/* Stop every other CPU for good (bug check); by NMI, so it works whatever they do. */
void hal_cpus_freeze(void);
/* First call of an NMI's handling: does not return if the NMI was hal_cpus_freeze()'s. */
void hal_cpu_freeze_point(void);
/* Is this vector in service on this CPU? Tells a hardware interrupt from a forged exception. */
bool hal_apic_in_service(vector_t vector);
bool hal_apic_requested(vector_t vector);
/* What the local APIC complained of since the last call: bits of its error status register. */
uint32_t hal_apic_error_read(void);
/* A register of this CPU's local APIC, by its xAPIC offset (hw/lapic.h), in either mode. */
uint32_t hal_apic_read(uint32_t reg);
/* True in x2APIC mode, where ids of 255 and above exist and registers are MSRs. */
bool hal_apic_is_x2(void);

extern bool lapic_x2_mode;
#define HAL_LAPIC_VIRTUAL 0xFFFFFFFFFFFE0000ull /* fixed mapping of the xAPIC page, uncached */

/*
 * End of interrupt for the highest vector in service; inline, the interrupt path calls it. It is
 * xAPIC's store; in x2APIC mode lapic.c has put a WRMSR of the same length in its place, which is
 * why registers are named. Each use notes its place for that.
 */
static inline void hal_apic_eoi(void)
{
    __asm__ volatile("1:\tmovl $0, %c0\n\t"
                     ".pushsection .apic_eoi, \"a\"\n\t"
                     ".quad 1b\n\t"
                     ".popsection"
                     :
                     : "i"(HAL_LAPIC_VIRTUAL + LAPIC_EOI)
                     : "eax", "ecx", "edx", "memory");
}

/* True if `value` is 0, said so that the compiler goes on holding the 0 in its register. */
static inline bool hal_is_zero(uint32_t value)
{
    bool is_zero;

    __asm__("testl %1, %1" : "=@ccz"(is_zero) : "a"(value));
    return is_zero;
}

/*
 * End of interrupt in x2APIC mode, at no more instructions than xAPIC's store with its way in:
 * `zero` has passed hal_is_zero(), and the low half of `arrival` names the MSR (entry.S, x2_stub).
 * WRMSR ignores the high halves of its operands (SDM 2D "WRMSR").
 */
static inline void hal_apic_eoi_x2(uint32_t zero, uint64_t arrival)
{
    __asm__ volatile("cltd\n\twrmsr" : : "a"(zero), "c"(arrival) : "edx", "memory");
}

/* Pending in this CPU's IRR when the call returns; taken as soon as CR8 and IF allow. */
static inline void hal_ipi_self(vector_t vector)
{
    if (__builtin_expect(lapic_x2_mode, 0))
        __asm__ volatile("wrmsr"
                         :
                         : "c"(LAPIC_X2_MSR(LAPIC_X2_SELF_IPI)), "a"((uint32_t)vector.value), "d"(0)
                         : "memory");
    else
        *(volatile uint32_t *)(HAL_LAPIC_VIRTUAL + LAPIC_ICR_LOW) =
            LAPIC_ICR_SHORTHAND_SELF | vector.value;
}

/* ---- Clocks (clock.c) ---------------------------------------------------------------------- */

static inline uint64_t hal_tsc_read(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* TSC ticks a second, calibrated against HPET, PM timer or PIT. */
uint64_t hal_tsc_frequency(void);
/* Arrange one VECTOR_CLOCK interrupt on this CPU when the TSC reaches `deadline`. */
void hal_clock_arm(uint64_t deadline);
void hal_clock_disarm(void);
void hal_stall(uint32_t microseconds);
/* Wall clock at boot from the CMOS RTC, 100 ns units since 1601-01-01 (UTC). */
uint64_t hal_rtc_read(void);

/* ---- Threads (switch.S) -------------------------------------------------------------------- */

struct hal_context {
    uint64_t rsp;
};

/* Make a context that calls entry(argument) on the given stack at the current IRQL; no return. */
void hal_context_init(struct hal_context *context, void *stack_top, void (*entry)(void *),
                      void *argument);
/* Save into `from`, continue `to`. Interrupts off, DISPATCH_LEVEL. Keeps XMM6-15 and MXCSR. */
void hal_context_switch(struct hal_context *from, const struct hal_context *to);
/*
 * When a context that is not running runs again, ke_context_resumed() is called first, as soon as
 * it has its stack: interrupts off, DISPATCH_LEVEL. It goes on where that says. Returns where it
 * would have gone on. Not twice before it has run.
 */
uint64_t hal_context_intercept(struct hal_context *context);

/* ---- Pages (paging.c) ---------------------------------------------------------------------- */

enum hal_page_flags {
    HAL_PAGE_READ = 0,
    HAL_PAGE_WRITE = 1 << 0,
    HAL_PAGE_EXECUTE = 1 << 1,
    HAL_PAGE_UNCACHED = 1 << 2,
    HAL_PAGE_WRITE_COMBINED = 1 << 3,
    HAL_PAGE_WRITE_THROUGH = 1 << 4,
};

static inline void *hal_direct_map(phys_addr_t address)
{
    return (void *)(HAL_DIRECT_MAP_BASE + address);
}

/*
 * Bring-up, called by mm_init() on the boot CPU: new tables with the kernel image mapped section by
 * section (W^X). hal_paging_activate() puts them into force, which drops the boot code's identity
 * map. table_alloc returns a page frame, 0 when there is none; until the activation it must lie
 * below HAL_BOOT_DIRECT_MAP_SIZE, since only so much of the direct map exists by then.
 */
#define HAL_BOOT_DIRECT_MAP_SIZE (4ull << 30)
bool hal_paging_init(phys_addr_t (*table_alloc)(void));
void hal_paging_activate(void);
/* Physical extent of the kernel image, page aligned. */
void hal_kernel_extent(phys_addr_t *base, phys_addr_t *end);
/* Value for CR3; below 4 GiB, so that a CPU that starts can load it in 32-bit mode. */
phys_addr_t hal_paging_root(void);
/*
 * hal_direct_map() with assurance: what the direct map does not hold (firmware tables in reserved
 * memory) is added to it, cached. NULL: no page table.
 */
void *hal_direct_map_reach(phys_addr_t address, uint64_t size);
/* Every VECTOR_IPI calls it: answers a TLB shootdown if one waits for this CPU. */
void hal_tlb_service(void);
/* Map `size` bytes; false if a page table could not be allocated (nothing is mapped then). */
bool hal_page_map(uint64_t virtual_address, phys_addr_t physical, uint64_t size, uint32_t flags);
/*
 * Unmapping and protecting flush the range from every CPU's TLB before they return; not under a raw
 * lock, and not above IPI_LEVEL - 1.
 */
void hal_page_unmap(uint64_t virtual_address, uint64_t size);
void hal_page_protect(uint64_t virtual_address, uint64_t size, uint32_t flags);
/* Physical address and flags behind a virtual one; false where nothing is mapped. */
bool hal_page_query(uint64_t virtual_address, phys_addr_t *physical, uint32_t *flags);

/* Not for C: what compilers call for a frame larger than a page, RAX bytes. stack_probe.S */
void hal_stack_probe(void);
/* The page table entry that decides about an address; 0 where nothing is mapped. */
uint64_t hal_page_entry(uint64_t virtual_address);
/* Control registers and PAT of this CPU: NXE, WP, SMEP, SMAP, UMIP where it has them. */
void hal_paging_cpu_init(void);

/* ---- PCI configuration space (pci_config.c) ------------------------------------------------ */

/* All bits set where no function answers or the offset cannot be reached. width: 1, 2 or 4. */
uint32_t hal_pci_read(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width);
void hal_pci_write(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width,
                   uint32_t value);

/* ---- The machine (machine.c) --------------------------------------------------------------- */

/*
 * The machine beyond its CPU: ACPI tables, 8259s masked, the boot CPU's local APIC, clocks. Once,
 * on the boot CPU, as soon as mm can map pages; before it no call of the local APIC or the clocks.
 */
void hal_machine_init(void);

/* ACPI tables by signature, from RSDT or XSDT; mapped for good, checksum verified. NULL: none. */
const void *hal_acpi_table(const char signature[4], uint32_t instance);

_Noreturn void hal_machine_halt(void);
_Noreturn void hal_machine_reboot(void);
_Noreturn void hal_machine_power_off(void);
/* isa-debug-exit: QEMU ends with status 2 * code + 1; elsewhere powers off. */
_Noreturn void hal_machine_exit(uint8_t code);

/* How to switch the machine off, once ACPI knows it; tried before anything built in. */
void hal_machine_set_power_off(void (*power_off)(void));

/* A 16550 by port or by registers in memory, already mapped. */
struct hal_console_port {
    uint16_t io_port; /* where registers == NULL */
    volatile uint8_t *registers;
    uint8_t register_stride; /* bytes from one register in memory to the next */
    uint32_t clock;          /* Hz; 0: 1.8432 MHz */
    uint32_t baud;           /* 0: 115200 */
};
/* Move the console; false, and nothing moved, if no UART answers there. COM1 at 115200 at first. */
bool hal_console_select(const struct hal_console_port *port);

/* Console UART: polled output and input, usable from the first instruction of C on. */
void hal_console_write(const char *text, size_t length);
int hal_console_read(void); /* a byte, or -1 */
