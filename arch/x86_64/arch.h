/*
 * arch.h - what the files of this folder ask of each other. Nothing above L1 includes it.
 */
#pragma once

#include <hal/boot_info.h>
#include <hal/hal.h>
#include <hal/ipi.h>
#include <hal/pcr.h>
#include <hal/upcall.h>
#include <hw/x86_cpu.h>
#include <hw/x86_gdt.h>

/* Addresses in the fixed range at HAL_LAPIC_VIRTUAL, one page each. */
#define ARCH_HPET_VIRTUAL (HAL_LAPIC_VIRTUAL + 0x1000)
#define ARCH_RESET_VIRTUAL (HAL_LAPIC_VIRTUAL + 0x2000)

enum {
    ARCH_STACK_SIZE = 32 * 1024,    /* of a CPU: idle thread, DPCs and interrupts on top of it */
    ARCH_IST_STACK_SIZE = 8 * 1024, /* NMI, double fault, machine check: a report fits in */
};

/* Delivered to CPUs that wait in smp.c for their number, and to nothing else. Class 14. */
#define VECTOR_WAKE 0xEF
/* The 8259s, class 12, all masked: what arrives there is spurious. */
#define VECTOR_I8259_MASTER 0xC0
#define VECTOR_I8259_SLAVE 0xC8

/* linker.ld, boot.S */
extern char kernel_image_end[];
extern char boot_stack_guard[], boot_stack_bottom[], boot_stack_top[];

static inline phys_addr_t arch_image_physical(const void *address)
{
    return (uint64_t)address - HAL_KERNEL_BASE;
}

/* What one CPU owns: its PCR and the tables the processor itself reads. Page aligned. */
struct cpu_block {
    struct pcr pcr;
    uint64_t gdt[X86_GDT_BYTES / 8];
    struct x86_tss tss;
    void *stack_base, *stack_top;
    uint32_t acpi_uid;
    struct hal_ipi_counts ipi_counts; /* (atomic) what this CPU has sent */
    struct x86_gate idt[VECTOR_COUNT] __attribute__((aligned(16)));
};

/* start.c */
_Noreturn void arch_start(uint32_t magic, uint32_t info_physical);

/* boot_info.c */
void boot_info_read(uint32_t magic, uint32_t info_physical);
extern struct boot_info boot_info;

/* cpu.c */
struct cpu_features {
    bool has_x2apic;
    bool has_tsc_deadline;
    bool has_invariant_tsc;
    bool is_virtual;       /* a hypervisor says so */
    bool needs_init_delay; /* INIT must be followed by 10 ms of silence: smp.c */
};
extern struct cpu_features cpu_features;
extern struct cpu_block cpu_boot_block;
/* The boot CPU: PCR, GDT, IDT, TSS, control registers. First call of C. */
void cpu_boot_init(void);
/* Fill a block for a CPU that is yet to start: ist[] are the tops of its stacks. */
void cpu_block_init(struct cpu_block *block, uint32_t number, apic_id_t apic_id,
                    void *const ist[X86_IST_COUNT]);
/* Load a filled block into this CPU. */
void cpu_block_load(struct cpu_block *block);
void cpu_control_init(void);
/* Unmap the pages under the boot CPU's interrupt stacks. */
void cpu_boot_guard_stacks(void);

/* idt.c: the gate that every CPU has for a vector, and all of them */
struct x86_gate idt_gate(unsigned vector);
void idt_fill(struct x86_gate idt[VECTOR_COUNT]);

/* lapic.c */
extern bool lapic_is_on;
/* Boot CPU: mode and mapping; then what each CPU does. */
void lapic_boot_init(void);
void lapic_cpu_init(void);
void lapic_write(uint32_t reg, uint32_t value);
/* ICR by physical id, low word as in hw/lapic.h. Waits, bounded, until it is sent. */
void lapic_icr_send(apic_id_t destination, uint32_t low);
apic_id_t lapic_id(void);
/* What a register is set to hold; false: it is not set, or this local APIC does not have it. */
bool lapic_setting(uint32_t reg, uint32_t *value);
/* This CPU's logical id; once CPU numbers are given. */
void lapic_logical_init(void);
/* What the LDR of a CPU holds, if it is as it was set. */
uint32_t lapic_logical_setting(uint32_t cpu);
uint64_t lapic_base_setting(uint64_t held);

/* clock.c */
void clock_calibrate(void);
void clock_cpu_init(void);
uint32_t clock_lvt_timer(void);

/* i8259.c */
void i8259_init(void);

/* boot_info.c: a free page below 640 KiB, taken out of the memory map; 0: there is none */
extern uint64_t boot_trampoline_page;

/* smp.c: the number of CPUs that are up, and their blocks. */
extern uint32_t smp_cpu_count;
extern struct cpu_block *smp_blocks[CPU_MAX];

/* console.c */
void console_init(void);
/* Wait, bounded, until what was written has left the wire. */
void console_drain(void);

/* machine.c */
void machine_firmware_init(void);
struct fadt;
/* NULL where there is no sound FADT. */
const struct fadt *machine_fadt(void);
