/*
 * hw/msi.h - the interrupt message: what a device writes, and where to, to raise a vector.
 *
 * SDM 3A "Message Signalled Interrupts" 11.11. How a route becomes a message is hal/msi_message.h.
 */
#pragma once

#include <lib/bits.h>

/* SDM 3A 11.11.1, message address. Bits 63:32 are 0 without interrupt remapping. */
#define MSI_ADDRESS_BASE 0xFEE00000ull
#define MSI_ADDRESS_BASE_FIELD BITS(31, 20)
#define MSI_ADDRESS_DESTINATION BITS(19, 12)
#define MSI_ADDRESS_REDIRECT BIT(3)
#define MSI_ADDRESS_LOGICAL BIT(2)

/* SDM 3A 11.11.2, message data. */
#define MSI_DATA_VECTOR BITS(7, 0)
#define MSI_DATA_DELIVERY_MODE BITS(10, 8)
#define MSI_DATA_LEVEL_ASSERT BIT(14)
#define MSI_DATA_TRIGGER_LEVEL BIT(15)

enum { MSI_DELIVERY_FIXED = 0, MSI_DESTINATION_MAX = 0xFE };

struct msi_message {
    uint64_t address;
    uint32_t data;
};
