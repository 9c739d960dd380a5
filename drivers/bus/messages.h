/*
 * drivers/bus/messages.h - the message interrupts of one PCI function while it has some.
 *
 * messages.c decides between MSI-X and MSI and owns the life cycle; msi.c and msix.c are the two
 * chips. A function's messages have one line each; the line's source is this struct and the
 * number of the message.
 *
 * Chip operations come with the line's lock held and take the function's lock inside it, since
 * MSI-X entries of several messages share the table, MSI messages one mask register.
 *
 * Legend: (c) constant while it exists, (f) the function's lock.
 */
#pragma once

#include <hal/remap.h>
#include <hw/msi.h>

#include "irq/line.h"
#include "pci.h"

enum { MSI_MESSAGES_MAX = 16, MSIX_NO_ENTRY = 0xFFFF };

struct pci_message_state {
    struct msi_message message; /* (f) what entries that carry it hold */
    struct irq_route route;     /* (f) */
    bool masked;                /* (f) the line's wish */
    uint16_t first_entry;       /* (f) MSI-X: list of the table entries that carry it */
};

struct pci_msix_entry {
    uint32_t control;      /* (c) vector control without its mask bit */
    uint16_t message;      /* (f) number it carries */
    uint16_t next;         /* (f) next entry that carries the same */
    bool masked_by_driver; /* (f) MaskTableEntry; wins over the line */
};

struct pci_messages {
    struct pci_function *function; /* (c) */
    const struct irq_chip *chip;   /* (c) msi_chip or msix_chip */
    uint32_t count;                /* (c) messages granted */
    bool is_enabled;               /* (f) enable bit is on */
    uint32_t msi_mask;             /* (f) mask register of MSI */
    struct hal_remap remap;        /* (c) an entry a message */

    volatile uint8_t *table;        /* (c) MSI-X, mapped uncached */
    volatile uint8_t *pending;      /* (c) or NULL */
    struct pci_msix_entry *entries; /* (c) table_count of them */

    struct irq_line **lines;             /* (c) */
    struct pci_message_state messages[]; /* count */
};

extern const struct irq_chip msi_chip;
extern const struct irq_chip msi_block_chip; /* several messages: they move as one */
extern const struct irq_chip msix_chip;

/* requester.c: who sends this function's messages, as a remapping unit sees it. */
void pci_requester(const struct pci_function *function, struct hal_requester *requester);

/* pnp_bus_ops: see pnp/bus_interface.h. */
NTSTATUS pci_messages_create(PDEVICE_OBJECT pdo, uint32_t count, struct irq_line **lines,
                             bool *block);
NTSTATUS pci_messages_enable(PDEVICE_OBJECT pdo);
void pci_messages_destroy(PDEVICE_OBJECT pdo);

/* The function has forgotten everything: write it again, and enable. PASSIVE_LEVEL. */
void pci_messages_restore(PDEVICE_OBJECT pdo);

/* Once, before anybody asks. PASSIVE_LEVEL. */
void pci_messages_init(void);
/* A table in a BAR that has an address; then MSI is not used (RES-MSI-1). */
bool pci_has_msix(const struct pci_function *function);
/* How many messages the function can have: MSI-X entries, else MSI messages up to 16, else 0. */
uint32_t pci_messages_capable(const struct pci_function *function);

/* The chips' part of the life cycle. Called at PASSIVE_LEVEL. */
void msi_enable(struct pci_messages *messages);
void msi_disable(struct pci_messages *messages);
/* Message or table as they were set, nothing being sent meanwhile; enable comes next. */
void msi_rewrite(struct pci_messages *messages);
void msix_rewrite(struct pci_messages *messages);
NTSTATUS msix_map(struct pci_messages *messages);
void msix_unmap(struct pci_messages *messages);
void msix_enable(struct pci_messages *messages);
void msix_disable(struct pci_messages *messages);

/* A message of MSI or a table entry of MSI-X, as it was set and as the hardware has it. */
struct pci_message_view {
    uint32_t message; /* number that it carries */
    struct msi_message set, held;
    bool is_set_masked, is_held_masked; /* the same where MSI has no mask bits */
    bool is_pending;
};

/* How many there are to look at: table entries, or messages. */
uint32_t pci_messages_views(const struct pci_messages *messages);
/*
 * Read together, under the function's lock. The messages do not go away while the caller has
 * irq_lines_lock(). IRQL <= HIGH_LEVEL.
 */
void pci_messages_view(struct pci_messages *messages, uint32_t index,
                       struct pci_message_view *view);
/* Whether the command register's INTx disable bit is to be set while messages are in use. */
bool pci_messages_disable_intx(const struct pci_function *function);

/* The chips' part of it: lock held. */
void msi_view(const struct pci_messages *messages, uint32_t index, struct pci_message_view *view);
void msix_view(const struct pci_messages *messages, uint32_t entry, struct pci_message_view *view);

/*
 * What a driver asks for by the MSI-X table interface, RES-MSIX-5 to -11. IRQL <= HIGH_LEVEL.
 * STATUS_INVALID_PARAMETER: no MSI-X in use, or an index outside of what was assigned.
 */
NTSTATUS msix_entry_set(struct pci_function *function, uint32_t entry, uint32_t message);
NTSTATUS msix_entry_mask(struct pci_function *function, uint32_t entry, bool mask);
