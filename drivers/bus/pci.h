/*
 * drivers/bus/pci.h - the PCI functions of the machine, one struct each.
 *
 * Enumeration (pci.c) makes the list, fills in what firmware left empty (pci_assign.c), asks for
 * the route of the interrupt pin (routing.c) and reports a PDO for each function (pci_pdo.c). A
 * function is never freed; its order in the list is that of discovery: a bridge stands before what
 * lies behind it. One that was unplugged (pci_hotplug.c) is passed over until something stands in
 * its place again.
 *
 * BARs are sized (pci_bar.c) when somebody asks for the function, since that switches its decoding
 * off and on, which is slow in a virtual machine and useless for a device nobody drives. Those that
 * firmware left without decoding are sized at once: they may lack addresses.
 *
 * Legend: (c) constant after enumeration, (e) written when sized or assigned an address,
 * (f) the function's lock, (p) at PASSIVE_LEVEL by the PnP manager's requests, one at a time.
 */
#pragma once

#include <hal/boot_info.h>
#include <hal/hal.h>
#include <hal/ioapic.h>
#include <hw/pci.h>
#include <lib/rawlock.h>
#include <nt/wdm.h>

#include "parse/pci_capability.h"

struct pci_messages;

/* Where a function is. */
struct pci_location {
    uint16_t segment;
    uint8_t bus;
    uint8_t devfn;
};

/* What a bridge passes down: [base, limit], both included. */
struct pci_window {
    uint64_t base;
    uint64_t limit;
    bool is_open;
};

/* A bridge's half of struct pci_function. */
struct pci_bridge {
    uint8_t secondary; /* (e) 0: no bus behind it */
    uint8_t subordinate;
    struct pci_window io;
    struct pci_window memory;
    struct pci_window prefetch;
    bool io_is_32bit;
    bool prefetch_is_64bit;
};

/* How the interrupt pin reaches a CPU. */
struct pci_line_route {
    bool is_valid;
    gsi_t gsi;
    struct hal_gsi_mode mode;
    const char *source; /* "MP table", "interrupt line register" */
};

enum { PCI_SAVED_HEADER_MAX = 5, PCI_SAVED_EXPRESS_MAX = 4 };

/* What a function may forget in D3, kept by pci_power.c from the way down to the way up. */
struct pci_saved {
    bool is_valid; /* it sleeps */
    uint32_t header[PCI_SAVED_HEADER_MAX];
    uint16_t express[PCI_SAVED_EXPRESS_MAX];
    uint32_t express_count;
};

struct pci_function {
    struct pci_function *next;
    struct pci_function *parent; /* (c) the bridge above, NULL on a root bus */
    struct pci_location where;   /* (c) */
    uint16_t vendor_id;          /* (c) */
    uint16_t device_id;
    uint16_t subsystem_vendor_id;
    uint16_t subsystem_id;
    uint32_t class_code; /* (c) 24 bits: base class, subclass, interface */
    uint8_t revision;
    uint8_t layout;         /* (c) header type without the multifunction bit */
    uint8_t interrupt_pin;  /* (c) 0 none, 1..4 */
    uint8_t interrupt_line; /* (c) as firmware left it */

    struct pci_bar bars[PCI_BAR_COUNT]; /* (e) the upper half of a 64-bit BAR is ABSENT */
    bool bar_unassigned[PCI_BAR_COUNT]; /* (e) no address could be found */
    struct pci_bridge bridge;           /* (e) layout PCI_HEADER_BRIDGE */

    uint16_t power_offset;           /* (c) capabilities, 0: none */
    uint16_t express_offset;         /* (c) */
    struct pci_msi_capability msi;   /* (c) offset 0: none */
    struct pci_msix_capability msix; /* (c) offset 0: none */

    struct pci_line_route line; /* (c) */
    PDEVICE_OBJECT pdo;         /* (c) */
    bool is_gone;               /* (p) unplugged */
    bool is_sized;              /* (e) bars and the place of the MSI-X table are known */
    bool is_started;            /* (p) */
    POWER_SEQUENCE sleeps;      /* (p) times it went to D1, D2, D3, or below */
    struct pci_saved saved;     /* (p) */

    struct raw_lock command_lock;  /* read-modify-write of the command register */
    struct raw_lock lock;          /* messages; taken up to HIGH_LEVEL */
    struct pci_messages *messages; /* (f) while the device has message lines */
};

/* ---- The list ------------------------------------------------------------------------------ */

/* The function after `previous`, the first for NULL; NULL at the end. Prepared. PASSIVE_LEVEL. */
struct pci_function *pci_function_next(const struct pci_function *previous);
/* The same without preparing it. Any IRQL. */
struct pci_function *pci_function_after(const struct pci_function *previous);
/* Size the BARs and give them addresses, unless done. PASSIVE_LEVEL, one caller at a time. */
void pci_function_prepare(struct pci_function *function);
struct pci_function *pci_function_find(uint16_t segment, uint8_t bus, uint8_t devfn);
/* "Ethernet controller": by base class and subclass, else by base class. */
const char *pci_class_name(uint32_t class_code);

/* ---- Configuration space ------------------------------------------------------------------- */

static inline uint32_t pci_read(const struct pci_function *function, uint32_t offset, int width)
{
    return hal_pci_read(function->where.segment, function->where.bus, function->where.devfn, offset,
                        width);
}

static inline void pci_write(const struct pci_function *function, uint32_t offset, int width,
                             uint32_t value)
{
    hal_pci_write(function->where.segment, function->where.bus, function->where.devfn, offset,
                  width, value);
}

/* Set and clear bits of the command register; they can be changed from any IRQL. */
void pci_command_change(struct pci_function *function, uint16_t set, uint16_t clear);
/* Bits that the function's BARs need: I/O decode, memory decode. */
uint16_t pci_command_decode(const struct pci_function *function);

static inline bool pci_is_bridge(const struct pci_function *function)
{
    return function->layout == PCI_HEADER_BRIDGE;
}

static inline bool pci_bar_is_memory(const struct pci_bar *bar)
{
    return bar->kind == PCI_BAR_MEMORY32 || bar->kind == PCI_BAR_MEMORY64;
}

/* ---- Between the files of this folder ------------------------------------------------------ */

/* pci.c: every window and bus; functions are in the list afterwards. PASSIVE_LEVEL, once. */
void pci_enumerate(void);
/* pci.c: functions that came since go to the list; the bridges' buses are known. PASSIVE_LEVEL. */
void pci_enumerate_new(void);
/* pci.c: does the function still answer, and as what it was? */
bool pci_function_answers(const struct pci_function *function);
/* pci.c: size the BARs, check that the MSI-X table lies inside. */
void pci_function_size(struct pci_function *function);
/* pci_bar.c: size the BARs, decoding off meanwhile. */
void pci_bars_read(struct pci_function *function);
/* pci_assign.c: the first physical address that the CPU does not have. */
uint64_t pci_physical_end(void);
/* Write a BAR's address to the function. */
void pci_bar_write(struct pci_function *function, uint32_t index);
/* pci_bridge.c: windows from registers to struct and back. */
void pci_bridge_read(struct pci_function *bridge);
void pci_bridge_window_write(struct pci_function *bridge);
/* pci_assign.c: learn what addresses are free; then, any time: addresses for what has none. */
void pci_assign_init(const struct boot_info *boot);
void pci_assign(void);
