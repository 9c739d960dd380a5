/*
 * hal/vtd_entry.h - from a route to a VT-d remapping entry and back, and what names the entry.
 *
 * Pure, so that a host can test it against values from the manual.
 */
#pragma once

#include <hal/irq_chip.h>
#include <hal/remap.h>
#include <hw/ioapic.h>
#include <hw/msi.h>
#include <hw/vtd.h>

static inline uint64_t vtd_irte_low(const struct irq_route *route, bool is_extended)
{
    uint64_t destination = is_extended
                               ? FIELD_PREP(VTD_IRTE_DESTINATION, route->destination.value)
                               : FIELD_PREP(VTD_IRTE_XAPIC_DESTINATION, route->destination.value);

    return VTD_IRTE_PRESENT | (route->trigger == IRQ_TRIGGER_LEVEL ? VTD_IRTE_LEVEL : 0) |
           FIELD_PREP(VTD_IRTE_VECTOR, route->vector.value) | destination;
}

static inline uint64_t vtd_irte_high(uint16_t source, enum hal_remap_check check)
{
    enum vtd_check how = check == HAL_REMAP_BY_BUS ? VTD_CHECK_BUS : VTD_CHECK_ID;
    enum vtd_qualifier what =
        check == HAL_REMAP_BY_DEVICE ? VTD_QUALIFIER_DEVICE : VTD_QUALIFIER_ALL;

    return FIELD_PREP(VTD_IRTE_SOURCE, source) | FIELD_PREP(VTD_IRTE_QUALIFIER, what) |
           FIELD_PREP(VTD_IRTE_CHECK, how);
}

static inline void vtd_irte_decode(uint64_t low, bool is_extended, struct irq_route *route)
{
    route->vector.value = (uint8_t)FIELD_GET(VTD_IRTE_VECTOR, low);
    route->destination.value = (uint32_t)(is_extended ? FIELD_GET(VTD_IRTE_DESTINATION, low)
                                                      : FIELD_GET(VTD_IRTE_XAPIC_DESTINATION, low));
    route->trigger = low & VTD_IRTE_LEVEL ? IRQ_TRIGGER_LEVEL : IRQ_TRIGGER_LATCHED;
}

/*
 * Message `number` of the block that begins at entry `first`: a device with MSI varies the low bits
 * of the data, which are added to the handle.
 */
static inline struct msi_message vtd_message_build(uint32_t first, uint32_t number)
{
    struct msi_message message = {
        .address = MSI_ADDRESS_BASE | VTD_ADDRESS_REMAPPABLE | VTD_ADDRESS_SUBHANDLE |
                   FIELD_PREP(VTD_ADDRESS_HANDLE, first) |
                   FIELD_PREP(VTD_ADDRESS_HANDLE_15, first >> 15),
        .data = number,
    };

    return message;
}

/* The vector must be the entry's, since the local APIC's end of interrupt names it. */
static inline uint64_t vtd_rte_build(uint32_t index, const struct irq_route *route)
{
    return FIELD_PREP(VTD_RTE_HANDLE, index) | VTD_RTE_REMAPPABLE |
           FIELD_PREP(VTD_RTE_HANDLE_15, index >> 15) |
           FIELD_PREP(IOAPIC_RTE_VECTOR, route->vector.value);
}
