/*
 * hal/pcr.h - the per-CPU block at GS base.
 *
 * The first 0x200 bytes have the layout of the part of the Windows x64 KPCR that compiled drivers
 * read by fixed offset (spec F.7): Self, the processor numbers, the current thread, MXCSR. What
 * follows is ours. The asm side of the offsets is arch/x86_64/frame.h, which asserts them.
 *
 * Field legend: (c) constant after the CPU is up; (p) own CPU only; (i) own CPU with interrupts
 * off; (x) any CPU, by atomic access.
 */
#pragma once

#include <hal/types.h>

struct irq_line;
struct _KTHREAD;
struct ke_cpu;

struct pcr {
    uint64_t reserved_000[3];
    struct pcr *self; /* 018 (c) KPCR.Self */
    uint64_t reserved_020[6];
    uint8_t irql_not_authoritative; /* 050 KPCR.Irql: never written, CR8 is the truth */
    uint8_t reserved_051[0x12F];
    uint32_t mxcsr;                  /* 180 (c) the MXCSR value ISRs and DPCs start with */
    uint32_t legacy_number;          /* 184 (c) processor number within its group */
    struct _KTHREAD *current_thread; /* 188 (p) written with interrupts off */
    struct _KTHREAD *next_thread;    /* 190 (dispatcher lock) chosen to run next, or NULL */
    struct _KTHREAD *idle_thread;    /* 198 (c) */
    uint32_t nesting_level;          /* 1A0 */
    uint32_t number;                 /* 1A4 (c) processor index */
    uint8_t reserved_1a8[0x58];

    uint32_t interrupt_depth;   /* 200 (i) device interrupts being served, nested */
    uint32_t dispatch_requests; /* 204 (i) what to do when IRQL drops: see ke/dispatcher.h */
    uint64_t interrupt_exits;   /* 208 (i) times interrupt_depth returned to 0 */
    apic_id_t apic_id;          /* 210 (c) */
    uint32_t online;            /* 214 (x) takes part in scheduling and interrupts */
    struct ke_cpu *ke;          /* 218 (c) kernel/ke's part of this CPU */
    void *mm;                   /* 220 (c) kernel/mm's part of this CPU (pool lists) */
    void *arch;                 /* 228 (c) arch/x86_64's part (GDT, TSS, stacks) */
    uint32_t dpc_active;        /* 230 (p) DPCs are being run on this CPU */
    uint32_t reserved_234;
    uint64_t idle_rounds; /* 238 (p) times the idle thread woke up */
    uint64_t reserved_240[24];

    /* 300: vector -> line of this CPU; never NULL: unassigned vectors name irq's stray line. */
    struct irq_line *vector_line[VECTOR_COUNT];
    uint64_t vector_count[VECTOR_COUNT]; /* B00 (i) interrupts taken, by vector */
};

_Static_assert(offsetof(struct pcr, self) == 0x18, "KPCR.Self");
_Static_assert(offsetof(struct pcr, mxcsr) == 0x180, "KPRCB.MxCsr");
_Static_assert(offsetof(struct pcr, legacy_number) == 0x184, "KPRCB.LegacyNumber");
_Static_assert(offsetof(struct pcr, current_thread) == 0x188, "KPRCB.CurrentThread");
_Static_assert(offsetof(struct pcr, number) == 0x1A4, "KPRCB.Number");
_Static_assert(offsetof(struct pcr, interrupt_depth) == 0x200, "first field of ours");
_Static_assert(offsetof(struct pcr, vector_line) == 0x300, "vector map");
_Static_assert(offsetof(struct pcr, vector_count) == 0xB00, "entry.S");

/* `__seg_gs` accesses compile to one gs-relative instruction. */
#define PCR ((__seg_gs struct pcr *)0)

static inline struct pcr *pcr_self(void)
{
    return PCR->self;
}

static inline uint32_t cpu_current(void)
{
    return PCR->number;
}
