/*
 * remap.h - what remap.c and the two kinds of remapping unit agree on.
 *
 * Legend: (c) constant once started, (l) the unit's lock.
 */
#pragma once

#include <hal/hal.h>
#include <hal/remap.h>
#include <hw/msi.h>
#include <lib/bits.h>
#include <lib/rawlock.h>

#include "parse/dmar.h"
#include "parse/ivrs.h"

enum {
    REMAP_UNITS_MAX = 16,
    REMAP_BLOCK_ALIGN_MAX = 32, /* an MSI block varies that many data values */
};

struct remap_driver;

struct remap_unit {
    const struct remap_driver *driver; /* (c) */
    volatile uint8_t *registers;       /* (c) */
    uint64_t physical;                 /* (c) of the registers */
    uint16_t segment;                  /* (c) */
    bool is_extended;                  /* (c) 32-bit destinations */
    uint32_t block_max;                /* (c) entries that one source can have */
    bool is_coherent;                  /* (c) VT-d: it reads entries through the caches */
    union {
        struct dmar_unit dmar;
        struct ivrs_unit ivrs;
    } scope;    /* (c) what firmware says it is responsible for */
    bool is_on; /* (l) it takes commands */
    struct raw_lock lock;
    uint8_t *table;               /* (c) VT-d: entries; AMD-Vi: device table */
    uint32_t table_count;         /* (c) */
    uint64_t *used;               /* (l) VT-d: a bit an entry */
    uint8_t *queue;               /* (l) one page of commands, 128 bits each */
    uint32_t queue_tail;          /* (l) byte offset */
    volatile uint64_t *done;      /* the unit writes the sequence number of what it has finished */
    uint64_t sequence;            /* (l) */
    uint8_t *log;                 /* (c) AMD-Vi: one page of events */
    uint32_t log_head;            /* (l) byte offset */
    uint8_t *blank;               /* (c) AMD-Vi: the table, all clear, of ids that have none */
    uint32_t entries_used;        /* (l) */
    struct irq_route fault_route; /* (l) its own message */
    bool fault_is_masked;         /* (l) */
};

struct remap_driver {
    const char *name;
    /* Units of firmware's table, as it left them. 0: none that can be used; why is logged. */
    uint32_t (*find)(struct remap_unit *units);
    /* Tables, all clear; false: no memory. */
    bool (*allocate)(struct remap_unit *unit);
    bool (*start)(struct remap_unit *unit); /* false: it does not answer */
    void (*stop)(struct remap_unit *unit);  /* also one that firmware has left on */
    /* The unit responsible, NULL: none; and what its requests are checked for. */
    struct remap_unit *(*unit_of)(const struct hal_requester *requester, struct hal_remap *remap);
    /* remap has all but `first`. Lock held. */
    bool (*block_open)(struct hal_remap *remap);
    void (*block_close)(const struct hal_remap *remap);
    /* route NULL: clear. Returns when no old copy of it is in use. Lock held. */
    void (*entry_write)(const struct hal_remap *remap, uint32_t index,
                        const struct irq_route *route);
    /* False: clear. Lock held. */
    bool (*entry_read)(const struct hal_remap *remap, uint32_t index, struct irq_route *route);
    /* What names the entry: pure. */
    struct msi_message (*message)(const struct hal_remap *remap, uint32_t index);
    uint64_t (*rte)(const struct hal_remap *remap, uint32_t index, const struct irq_route *route);
    /* False: there are no more than that. Lock held. */
    bool (*register_at)(struct remap_unit *unit, uint32_t index, struct hal_remap_register *found);
    /* Lock held. */
    bool (*fault_take)(struct remap_unit *unit, struct hal_remap_fault *fault);
    void (*fault_program)(struct remap_unit *unit, const struct msi_message *message);
    void (*fault_mask)(struct remap_unit *unit, bool mask);
    bool needs_directed_eoi; /* the vector in a redirection entry is not the one that is ended */
};

extern const struct remap_driver remap_vtd, remap_amd;

/* remap.c */
extern struct remap_unit remap_units[REMAP_UNITS_MAX];
extern uint32_t remap_unit_count;
/* For find(): switch the first `count` off, which firmware may have left on. Returns 0. */
uint32_t remap_units_give_up(struct remap_unit *units, uint32_t count);
/* Map a unit's registers; false: no memory. */
bool remap_registers_map(struct remap_unit *unit, uint32_t size);
/* Append one 128-bit command behind the tail, in memory only. Lock held. */
void remap_queue_put(struct remap_unit *unit, uint64_t low, uint64_t high);
/* Wait, bounded, until the unit has written unit->sequence. Lock held. */
bool remap_queue_wait(struct remap_unit *unit);

/* ---- Blocks of entries: a set bit is a used one ---------------------------------------------- */

static inline bool remap_bit_is_set(const uint64_t *bits, uint32_t number)
{
    return (bits[number / 64] & BIT(number % 64)) != 0;
}

static inline void remap_bits_give(uint64_t *bits, uint32_t first, uint32_t count)
{
    for (uint32_t n = first; n < first + count; n++)
        bits[n / 64] &= ~BIT(n % 64);
}

/*
 * `count` clear bits in a row, set afterwards; UINT32_MAX: there are none. Blocks begin where a
 * multiple of their size does, for a device that varies the low bits of its data.
 */
static inline uint32_t remap_bits_take(uint64_t *bits, uint32_t total, uint32_t count)
{
    uint32_t align = (uint32_t)1 << bits_log2_ceil(count);

    if (align > REMAP_BLOCK_ALIGN_MAX)
        align = REMAP_BLOCK_ALIGN_MAX;
    for (uint32_t first = 0; first + count <= total; first += align) {
        uint32_t n = 0;

        while (n < count && !remap_bit_is_set(bits, first + n))
            n++;
        if (n < count)
            continue;
        for (n = 0; n < count; n++)
            bits[(first + n) / 64] |= BIT((first + n) % 64);
        return first;
    }
    return UINT32_MAX;
}

/* ---- Registers, and tables in memory --------------------------------------------------------- */

static inline uint32_t remap_read32(const struct remap_unit *unit, uint32_t offset)
{
    return *(volatile uint32_t *)(unit->registers + offset);
}

static inline void remap_write32(const struct remap_unit *unit, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(unit->registers + offset) = value;
}

static inline uint64_t remap_read64(const struct remap_unit *unit, uint32_t offset)
{
    return *(volatile uint64_t *)(unit->registers + offset);
}

static inline void remap_write64(const struct remap_unit *unit, uint32_t offset, uint64_t value)
{
    *(volatile uint64_t *)(unit->registers + offset) = value;
}

static inline phys_addr_t remap_physical(const void *direct)
{
    return (uint64_t)direct - HAL_DIRECT_MAP_BASE;
}

/* For ioapic.c: the bits of a redirection entry that name its remapping entry, which is written. */
uint64_t remap_rte(const struct hal_remap *remap, uint32_t pin, const struct irq_route *route);

/* ioapic.c: open entries for every chip; false: one of them is behind no unit. */
bool ioapic_remap_open(void);
/* ioapic.c: remapping stays off after all. */
void ioapic_remap_forget(void);
