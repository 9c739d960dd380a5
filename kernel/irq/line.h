/*
 * irq/line.h - one interrupt source: its chip, its vector, its handlers.
 *
 * A line is an IOAPIC pin or one message. A bus driver creates it with the chip that drives it;
 * PnP has a vector assigned when it translates resources, not at connect time, since
 * CONNECT_FULLY_SPECIFIED is told the vector beforehand; connecting links handlers into it.
 *
 *   create (bus) -> assign (pnp) -> connect ... disconnect (io) -> release (pnp) -> destroy (bus)
 *
 * Field legend: (c) constant after creation, (a) written while no handler is linked, (m) by the
 * holder of irq_lines_lock(), (l) line lock, (d) read by dispatch without a lock: see
 * irq/dispatch.c for the order.
 */
#pragma once

#include <hal/irq_chip.h>
#include <hal/pcr.h>
#include <nt/ntdef.h>

struct _KINTERRUPT;

/* How dispatch treats the line; chosen at connect, so that the common case is one compare. */
enum irq_flow {
    IRQ_FLOW_LATCHED_SINGLE, /* EOI, then the only handler */
    IRQ_FLOW_GENERAL,        /* everything else: level, chains, passive, checked, stray */
};

/* What a device asks of the vectors it gets. */
struct irq_policy {
    uint64_t affinity; /* CPUs of the group that may be targeted; 0: any */
    uint16_t group;
    bool spread;     /* different CPUs for different messages */
    irql_t irql_low; /* lowest and highest class to choose from, 3..11 */
    irql_t irql_high;
};

struct irq_line {
    struct _KINTERRUPT *first;   /* (d) chain in order of connection */
    uint32_t flow;               /* (d) enum irq_flow */
    uint32_t handler_count;      /* (l) */
    uint32_t active_count;       /* (l) handlers that are not soft-disconnected */
    const struct irq_chip *chip; /* (c) NULL only for the stray line */
    struct irq_source source;    /* (c) */
    struct irq_route route;      /* (l) what the chip was last told */
    uint32_t cpu;                /* (l) CPU the route's destination is */
    vector_t home_vector;        /* (a) as first assigned: what drivers were told, and keep */
    uint32_t home_cpu;           /* (a) */
    uint64_t *earlier;           /* (m) interrupts taken before the last move, by CPU; or NULL */
    uint32_t assign_count;       /* (m) devices that hold this line's vector */
    struct irq_policy policy;    /* (m) CPUs it may go to */
    bool shared;                 /* (l) all present handlers allow sharing */
    bool masked;                 /* (l) what the chip was last told */
    uint32_t mask_depth;         /* (l) reasons to keep it masked: storm, passive handler */
    ULONG_PTR lock;              /* KSPIN_LOCK, taken with interrupts off */
    uint64_t unclaimed;          /* (d) passes in which every handler returned FALSE */
    uint32_t storms;             /* (d) times it was masked because it would not be quiet */
    struct irq_storm *storm;     /* (c) level lines: how it is tried again */
    struct irq_line *next_line;  /* (irq list lock) all lines, for the console */
    char name[40];               /* (c) "ioapic0 pin 17", "msix 00:03.0 entry 2" */
};

extern const struct irq_policy irq_policy_default;

/*
 * Create a line, masked, without a vector. PASSIVE_LEVEL.
 * STATUS_INSUFFICIENT_RESOURCES where there is no memory.
 */
NTSTATUS irq_line_create(const struct irq_chip *chip, struct irq_source source,
                         enum irq_trigger trigger, enum irq_polarity polarity, const char *name,
                         struct irq_line **line);
/* The line must be released by all and have no handler. PASSIVE_LEVEL. */
void irq_line_destroy(struct irq_line *line);

/*
 * Give each of `count` lines a vector on a CPU the policy allows and program its chip, masked.
 * `block`: contiguous, aligned vectors on one CPU (MSI); count is then a power of two, at most 16.
 * All lines of a call share one IRQL class where that is possible. A line that is already assigned
 * (a shared pin) keeps its vector and counts one holder more. All or nothing.
 * STATUS_INSUFFICIENT_RESOURCES: not enough vectors. PASSIVE_LEVEL.
 */
NTSTATUS irq_line_assign(struct irq_line *const *lines, uint32_t count, bool block,
                         const struct irq_policy *policy);
/* Undo one assignment; the last holder frees the vector. PASSIVE_LEVEL. */
void irq_line_release(struct irq_line *line);

/*
 * Who assigns, releases, moves or destroys lines is alone with it. Lines stay where they are, and
 * exist, while this is held. Recursion is not allowed. PASSIVE_LEVEL.
 */
void irq_lines_lock(void);
void irq_lines_unlock(void);

/* Keep the line masked while the reasons outnumber their ends. Any IRQL. */
void irq_line_mask(struct irq_line *line);
void irq_line_unmask(struct irq_line *line);
/*
 * Line lock held: have the chip hold what mask_depth and the handlers ask for. A level line is
 * masked while all its handlers are inactive. A latched one is not, as a masked MSI-X entry would
 * keep a message and send it afterwards: dispatch skips the handlers, and what came is dropped
 * (ACT-12).
 */
void irq_line_update_mask(struct irq_line *line);

/* Visit all lines; for console and tests. The callback must not block. PASSIVE_LEVEL. */
void irq_line_for_each(void (*visit)(struct irq_line *line, void *context), void *context);

/* The line after this one, NULL the first. irq_lines_lock() is held. */
struct irq_line *irq_line_next(const struct irq_line *line);

/* The line that was first assigned this vector on a CPU of the mask; NULL: none. PASSIVE_LEVEL. */
struct irq_line *irq_line_find(vector_t vector, uint16_t group, uint64_t affinity);

/* Interrupts it took on each CPU since it was assigned; counts has room for hal_cpu_count(). */
void irq_line_counts(const struct irq_line *line, uint64_t *counts);

/* KAFFINITY bit and group of the CPU the line targets. */
static inline uint64_t irq_line_affinity(const struct irq_line *line)
{
    return 1ull << (line->cpu % 64);
}

static inline uint16_t irq_line_group(const struct irq_line *line)
{
    return (uint16_t)(line->cpu / 64);
}

/* Is this the line a driver means that was told of a vector and a processor set at its start? */
static inline bool irq_line_is_home(const struct irq_line *line, uint32_t vector, uint16_t group,
                                    uint64_t affinity)
{
    return line->home_vector.value == vector && line->home_cpu / 64 == group &&
           affinity >> (line->home_cpu % 64) & 1;
}

static inline irql_t irq_line_irql(const struct irq_line *line)
{
    return vector_irql(line->route.vector);
}

/* Before the first interrupt: stray line, vector maps of the boot CPU. */
void irq_init(void);
/* Before a CPU takes its first interrupt. */
void irq_cpu_init(struct pcr *pcr);
