/*
 * hal/amd_iommu_entry.h - from a route to an AMD-Vi remapping entry and back, and what names it.
 *
 * Pure, so that a host can test it against values from the manual.
 */
#pragma once

#include <hal/irq_chip.h>
#include <hw/amd_iommu.h>
#include <hw/ioapic.h>
#include <hw/msi.h>

/*
 * Memory is reached as if there were no unit; interrupts go by the table, and INIT, ExtINT and NMI
 * messages of a device are blocked (AMD-Vi 2.2.2.1).
 */
static inline struct amd_device_entry amd_device_entry_build(uint64_t table, uint32_t entries)
{
    return (struct amd_device_entry){
        .word = {
            [0] = AMD_DTE_VALID | AMD_DTE_TRANSLATION | AMD_DTE_READ | AMD_DTE_WRITE,
            [2] = AMD_DTE_INTERRUPTS | FIELD_PREP(AMD_DTE_TABLE_ORDER, bits_log2_ceil(entries)) |
                  (table & AMD_DTE_TABLE_ROOT) | FIELD_PREP(AMD_DTE_CONTROL, AMD_DTE_REMAP),
        }};
}

static inline uint32_t amd_irte_build(const struct irq_route *route)
{
    return (uint32_t)(AMD_IRTE_ON | FIELD_PREP(AMD_IRTE_DESTINATION, route->destination.value) |
                      FIELD_PREP(AMD_IRTE_VECTOR, route->vector.value));
}

static inline void amd_irte_decode(uint32_t entry, struct irq_route *route)
{
    route->vector.value = (uint8_t)FIELD_GET(AMD_IRTE_VECTOR, entry);
    route->destination.value = (uint32_t)FIELD_GET(AMD_IRTE_DESTINATION, entry);
}

static inline struct amd_wide_irte amd_wide_irte_build(const struct irq_route *route)
{
    return (struct amd_wide_irte){
        .low = AMD_IRTE_ON | FIELD_PREP(AMD_WIDE_IRTE_DESTINATION, route->destination.value),
        .high = FIELD_PREP(AMD_WIDE_IRTE_VECTOR, route->vector.value) |
                FIELD_PREP(AMD_WIDE_IRTE_DESTINATION_HIGH, route->destination.value >> 24),
    };
}

static inline void amd_wide_irte_decode(const struct amd_wide_irte *entry, struct irq_route *route)
{
    route->vector.value = (uint8_t)FIELD_GET(AMD_WIDE_IRTE_VECTOR, entry->high);
    route->destination.value =
        (uint32_t)(FIELD_GET(AMD_WIDE_IRTE_DESTINATION, entry->low) |
                   FIELD_GET(AMD_WIDE_IRTE_DESTINATION_HIGH, entry->high) << 24);
}

/*
 * Data 8:0 is the index, of a message and of what an IOAPIC makes of vector and delivery mode; data
 * 10:0 where the unit has so many entries and the address asks for it, by the bit that otherwise
 * means a logical destination.
 */
static inline struct msi_message amd_message_build(uint32_t index, uint32_t entries)
{
    return (struct msi_message){
        .address = MSI_ADDRESS_BASE | (entries > AMD_TABLE_ENTRIES ? MSI_ADDRESS_LOGICAL : 0),
        .data = index,
    };
}

static inline uint64_t amd_rte_build(uint32_t index)
{
    return FIELD_PREP(IOAPIC_RTE_VECTOR, index) | FIELD_PREP(IOAPIC_RTE_DELIVERY_MODE, index >> 8);
}
