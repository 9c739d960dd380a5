/*
 * PCI configuration space as bytes: the two capability lists, the MSI and MSI-X capabilities, and
 * the arithmetic of base address registers. The caller reads configuration space (256 or 4,096
 * bytes) into a buffer first; nothing here touches a device.
 *
 * Lists are walked with every offset checked and each dword visited once at most, so that a device
 * that answers with garbage, or with ones after it was pulled, ends the walk with an error.
 * Register names and masks: include/hw/pci.h.
 */
#ifndef PARSE_PCI_CAPABILITY_H
#define PARSE_PCI_CAPABILITY_H

#include "parse/parse.h"

#define PCI_CAPABILITY_CONFIG_SIZE 256u
#define PCI_CAPABILITY_EXTENDED_CONFIG_SIZE 4096u

struct pci_capability {
    uint16_t id;     /* 8 bits in the first list, 16 in the extended one */
    uint8_t version; /* extended list only */
    uint16_t offset; /* in configuration space */
};

struct pci_capability_iterator {
    struct parse_bytes config;
    uint16_t next; /* 0: the end */
    uint64_t visited[PCI_CAPABILITY_EXTENDED_CONFIG_SIZE / 4 / 64];
};

/* PCI 3.0 6.8.1: one of four layouts. Offsets are in configuration space, 0 where not present. */
struct pci_msi_capability {
    uint16_t offset;
    uint16_t control;
    bool is_64bit;
    bool is_maskable;
    uint8_t message_count; /* 1, 2, 4, 8, 16 or 32 */
    uint16_t address_offset;
    uint16_t upper_address_offset;
    uint16_t data_offset;
    uint16_t mask_offset;
    uint16_t pending_offset;
    uint16_t size; /* bytes of the capability */
};

/* PCI 3.0 6.8.2. */
struct pci_msix_capability {
    uint16_t offset;
    uint16_t control;
    uint16_t table_count; /* 1..2048 */
    uint8_t table_bir;    /* BAR index 0..5 */
    uint8_t pending_bir;
    uint32_t table_offset;   /* in that BAR, 8-byte aligned */
    uint32_t pending_offset; /* of the pending bit array */
    uint32_t table_size;     /* 16 bytes an entry */
    uint32_t pending_size;   /* 8 bytes for each 64 entries */
};

enum pci_bar_kind {
    PCI_BAR_ABSENT, /* reads back 0 */
    PCI_BAR_IO,
    PCI_BAR_MEMORY32,
    PCI_BAR_MEMORY64,
};

struct pci_bar {
    enum pci_bar_kind kind;
    bool is_prefetchable;
    bool is_below_1m;  /* memory type 01b of old devices */
    uint8_t registers; /* 2 for MEMORY64, and for MEMORY32 whose upper half holds no bit */
    uint64_t address;
    uint64_t size; /* a power of two */
};

/* The list at the capability pointer; the config buffer holds at least 64 bytes. */
bool pci_capability_begin(struct pci_capability_iterator *iterator, const void *config, size_t size,
                          struct parse_error *error);
enum parse_step pci_capability_next(struct pci_capability_iterator *iterator,
                                    struct pci_capability *capability, struct parse_error *error);

/* The list at 0x100; empty if the buffer is shorter or reads 0 or ones there. */
void pci_extended_capability_begin(struct pci_capability_iterator *iterator, const void *config,
                                   size_t size);
enum parse_step pci_extended_capability_next(struct pci_capability_iterator *iterator,
                                             struct pci_capability *capability,
                                             struct parse_error *error);

/* Offset of the first capability with that id, or 0. A malformed list counts up to its fault. */
uint16_t pci_capability_find(const void *config, size_t size, uint8_t id);
uint16_t pci_extended_capability_find(const void *config, size_t size, uint16_t id);

bool pci_msi_decode(const void *config, size_t size, uint16_t offset,
                    struct pci_msi_capability *msi, struct parse_error *error);
bool pci_msix_decode(const void *config, size_t size, uint16_t offset,
                     struct pci_msix_capability *msix, struct parse_error *error);

/* Does table and pending array lie within the BARs' sizes (six of them, 0: absent), apart? */
bool pci_msix_fits(const struct pci_msix_capability *msix, const uint64_t bar_size[6],
                   struct parse_error *error);

/*
 * Decode one BAR from what it holds and what it reads after all ones were written to it. The upper
 * words are those of the next register (pass 0 where there is none). False for a type or a mask
 * that no device may have; offset only labels the error.
 */
bool pci_bar_decode(const uint32_t original[2], const uint32_t readback[2], bool has_next,
                    uint16_t offset, struct pci_bar *bar, struct parse_error *error);

/* Does it lie below an address, to its last byte? One without an address, or of ports, does. */
bool pci_bar_is_below(const struct pci_bar *bar, uint64_t limit);

/* The expansion ROM register by the same arithmetic: kind MEMORY32 or ABSENT. */
bool pci_rom_decode(uint32_t original, uint32_t readback, uint16_t offset, struct pci_bar *bar,
                    struct parse_error *error);

#endif
