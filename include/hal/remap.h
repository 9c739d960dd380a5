/*
 * hal/remap.h - interrupt remapping: the table entry between a source of interrupts and the CPUs.
 *
 * Where the machine has remapping units (VT-d, AMD-Vi), a message or redirection entry does not
 * name a vector and a CPU but an entry of a table that only the kernel writes, and the unit checks
 * that the request comes from the function the entry belongs to. Moving an interrupt changes that
 * entry and nothing in the device; a message that names no such entry is blocked and reported.
 *
 * A source opens as many entries as it has messages or pins, writes one whenever its route is
 * written (hal_msi_message(), or the IOAPIC's redirection entries), clears it when the route is
 * given up, and closes them. Without units, or for a source that is behind none, everything here
 * succeeds and does nothing. arch/x86_64/remap.c
 */
#pragma once

#include <hal/irq_chip.h>

enum hal_requester_kind { HAL_REQUESTER_FUNCTION, HAL_REQUESTER_IOAPIC, HAL_REQUESTER_HPET };

/* Who raises interrupts, as firmware's tables and the unit's check see him. */
struct hal_requester {
    enum hal_requester_kind kind;
    uint8_t number;    /* IOAPIC: its id; HPET: its number */
    uint16_t segment;  /* function */
    uint16_t function; /* bus << 8 | devfn */
    uint16_t id;       /* what its requests come as: its own, or a bridge's above it */
    uint8_t first_bus; /* where a bridge leaves that open: any id of these buses */
    uint8_t last_bus;  /* 0: not so */
};

/* What of a request's id must be as in the entry. */
enum hal_remap_check {
    HAL_REMAP_BY_ID,
    HAL_REMAP_BY_DEVICE, /* all but the function number */
    HAL_REMAP_BY_BUS,    /* its bus lies in a range: the entry holds first << 8 | last */
};

struct remap_unit;

/* A block of entries. All zero: straight to the CPUs. */
struct hal_remap {
    struct remap_unit *unit; /* NULL: no unit */
    uint32_t first;
    uint32_t count;
    uint16_t source; /* the id that is checked */
    enum hal_remap_check check;
};

enum { HAL_REMAP_TEXT_MAX = 112 };

/*
 * Find the units, take the IOAPICs behind them, switch remapping on, block messages of the old
 * format; all units or none. Not with `ir=off` on the command line. After hal_ioapic_init(), before
 * the first line has a vector. Once.
 */
void hal_remap_init(const char *command_line);
bool hal_remap_is_on(void);

/*
 * `count` entries, all clear. False: none left, or the source is behind no unit while there are
 * CPUs that may be named (hal_destination_max()) and that it cannot reach. PASSIVE_LEVEL, one
 * caller at a time.
 */
bool hal_remap_open(const struct hal_requester *requester, uint32_t count, struct hal_remap *remap);
/* The most entries that one source may ask for. */
uint32_t hal_remap_block_max(void);
/* The entries are cleared. As above. */
void hal_remap_close(struct hal_remap *remap);
/* Block what comes by the entry from now on. Any IRQL. */
void hal_remap_clear(const struct hal_remap *remap, uint32_t index);
/* The route in the entry, trigger mode and polarity left alone; false: blocked. Any IRQL. */
bool hal_remap_read(const struct hal_remap *remap, uint32_t index, struct irq_route *route);
/*
 * "vtd0 entry 27: vector 0x61 to APIC 3, from 00:04.0 only"; empty without a unit, or where remap
 * is NULL. Any IRQL.
 */
void hal_remap_describe(const struct hal_remap *remap, uint32_t index,
                        char text[HAL_REMAP_TEXT_MAX]);

/* The highest APIC id that every source of this machine can name; CPUs above get no interrupts. */
uint32_t hal_destination_max(void);

/* ---- Units, for the console and for their faults -------------------------------------------- */

struct hal_remap_unit_info {
    char name[8];       /* "vtd0", "amd-vi0" */
    uint64_t registers; /* physical */
    uint16_t segment;
    bool is_extended; /* 32-bit destinations */
    uint32_t entries_used;
    uint64_t table; /* physical: VT-d entries, AMD-Vi device table */
    uint64_t log;   /* physical: AMD-Vi event log; 0: none */
};

struct hal_remap_fault {
    uint16_t segment;
    uint16_t source;  /* requester id */
    const char *what; /* "entry belongs to another" */
    uint64_t detail;  /* entry, or address, as the unit gives it */
};

/* A register of a unit: as it was set up and as it is, bits that are not the kernel's left out. */
struct hal_remap_register {
    const char *name;
    uint64_t set, held;
};

/* False: there are no more than that. */
bool hal_remap_register_at(uint32_t unit, uint32_t index, struct hal_remap_register *found);
bool hal_remap_unit_at(uint32_t number, struct hal_remap_unit_info *info);
/* Take one fault out of the unit's log. False: empty. Any IRQL. */
bool hal_remap_fault_take(uint32_t number, struct hal_remap_fault *fault);

/* How a unit says that it has faults: one message, source.index is the unit's number. */
extern const struct irq_chip hal_remap_fault_chip;
