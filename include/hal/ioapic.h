/*
 * hal/ioapic.h - IOAPIC pins and the numbers that lead to them. arch/x86_64/ioapic.c
 *
 * Three number spaces: an ISA IRQ (0..15) means a GSI, by the MADT's overrides or by itself; a GSI
 * is a pin of one IOAPIC, by that IOAPIC's base; an MP table names an IOAPIC by id and a pin. Ids
 * are only compared, never written: on many machines they collide with local APIC ids.
 */
#pragma once

#include <hal/irq_chip.h>

/* The chip that drives a pin, by how its interrupts are ended; NULL: the source is no pin. */
const struct irq_chip *hal_ioapic_chip(const struct irq_source *source);

/* How a source signals. */
struct hal_gsi_mode {
    enum irq_trigger trigger;
    enum irq_polarity polarity;
};

/*
 * Find the IOAPICs and overrides of the MADT, map the chips, mask every pin. Needs
 * hal_acpi_table(). Calling it again does nothing. Before interrupts are enabled.
 */
void hal_ioapic_init(void);

uint32_t hal_ioapic_count(void);
/* The source of a pin, for irq_line_create(); false where no IOAPIC has it. */
bool hal_ioapic_source(gsi_t gsi, struct irq_source *source);
/* Number of the IOAPIC in the order of the MADT, and pin: for names. */
void hal_ioapic_where(const struct irq_source *source, uint32_t *ioapic, uint32_t *pin);
/* By IOAPIC id and pin, as the MP table has it. */
bool hal_ioapic_gsi(uint8_t ioapic_id, uint32_t pin, gsi_t *gsi);

/* One chip, in the order of the MADT, as it was found. */
struct hal_ioapic_info {
    phys_addr_t address;
    uint8_t id; /* as the MADT has it */
    uint32_t version;
    uint32_t gsi_base;
    uint32_t pin_count;
};
void hal_ioapic_info(uint32_t ioapic, struct hal_ioapic_info *info);
/* A redirection entry as it was written last and as the chip has it, read together. Any IRQL. */
void hal_ioapic_entry(uint32_t ioapic, uint32_t pin, uint64_t *written, uint64_t *held);

/* The GSI of an ISA IRQ and how it signals there: edge, active high unless overridden. */
bool hal_isa_gsi(uint32_t isa_irq, gsi_t *gsi, struct hal_gsi_mode *mode);
/* True if an override of the MADT says how this GSI signals. */
bool hal_gsi_override(gsi_t gsi, struct hal_gsi_mode *mode);
