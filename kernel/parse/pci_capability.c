/*
 * Capability lists, MSI and MSI-X capabilities. Base address registers are pci_bar.c's.
 *
 * Each list keeps a bit for every dword of configuration space: a second visit ends the walk, which
 * covers loops of any length, and devices that read as ones everywhere.
 */
#include "parse/pci_capability.h"

#include <hw/pci.h>
#include <lib/bits.h>

#define PCI_CAPABILITY_LEAST 0x40u     /* PCI 6.7: the list lies in the device dependent region */
#define PCI_CAPABILITY_ADDRESS 0xFCu   /* PCI 6.7: the low two bits of a pointer are reserved */
#define PCI_CARDBUS_CAPABILITIES 0x14u /* PC Card 8.0 volume 7: the pointer of header type 2 */
#define PCI_CAPABILITY_HEAD_SIZE 2u    /* PCI 6.7: id, next */
#define PCI_EXTENDED_HEAD_SIZE 4u      /* PCIe 7.6.3 */
#define PCI_EXTENDED_ID BITS(15, 0)    /* PCIe 7.6.3, Extended Capability Header */
#define PCI_EXTENDED_VERSION BITS(19, 16)
#define PCI_EXTENDED_NEXT BITS(31, 20)
#define PCI_EXTENDED_ADDRESS 0xFFCu /* PCIe 7.6.3: the low two bits are reserved */

/* PCI 6.8.1, offsets from the capability that do not depend on the layout, and steps between. */
#define PCI_MSI_ADDRESS 0x04u
#define PCI_MSI_ADDRESS_HIGH 0x08u /* 64-bit layouts: everything behind moves up by 4 */
#define PCI_MSI_DATA_32 0x08u
#define PCI_MSI_DATA_64 0x0Cu
#define PCI_MSI_MASK_FROM_DATA 4u
#define PCI_MSI_PENDING_FROM_DATA 8u
#define PCI_MSI_CAPABLE_MAX 5u /* log2 of 32; 6 and 7 are reserved */

#define PCI_MSIX_CAPABILITY_SIZE 12u
#define PCI_MSIX_PENDING_WORD_BITS 64u

/* Mark a dword; false if it was marked before. */
static bool visit(struct pci_capability_iterator *iterator, uint16_t offset)
{
    uint64_t *word = &iterator->visited[offset / 4 / 64];
    uint64_t bit = BIT(offset / 4 % 64);

    if (*word & bit)
        return false;
    *word |= bit;
    return true;
}

bool pci_capability_begin(struct pci_capability_iterator *iterator, const void *config, size_t size,
                          struct parse_error *error)
{
    const uint8_t *bytes = config;
    uint64_t pointer = PCI_CAPABILITY_POINTER;

    *iterator = (struct pci_capability_iterator){.config = {config, size}};
    if (size < PCI_CAPABILITY_LEAST)
        return parse_fail_value(error, "configuration space", 0, "cut off, bytes", size);
    if (iterator->config.size > PCI_CONFIG_SIZE)
        iterator->config.size = PCI_CONFIG_SIZE;
    if (!(parse_u16(bytes + PCI_STATUS) & PCI_STATUS_CAPABILITIES))
        return true; /* an empty list */
    if (FIELD_GET(PCI_HEADER_LAYOUT, bytes[PCI_HEADER_TYPE]) == PCI_HEADER_CARDBUS)
        pointer = PCI_CARDBUS_CAPABILITIES;
    iterator->next = bytes[pointer] & PCI_CAPABILITY_ADDRESS;
    return true;
}

enum parse_step pci_capability_next(struct pci_capability_iterator *iterator,
                                    struct pci_capability *capability, struct parse_error *error)
{
    uint16_t at = iterator->next;

    if (at == 0)
        return PARSE_END;
    if (at < PCI_CAPABILITY_LEAST ||
        !parse_range_ok(iterator->config.size, at, PCI_CAPABILITY_HEAD_SIZE))
        return parse_bad(error, "capability pointer", at, "outside 0x40 to 0xff", at);
    if (!visit(iterator, at))
        return parse_bad(error, "capability pointer", at, "the list runs in a circle", at);
    const uint8_t *head = iterator->config.data + at;
    if (head[0] == 0xFF)
        return parse_bad(error, "capability id", at, "no device answers", head[0]);
    capability->id = head[0];
    capability->version = 0;
    capability->offset = at;
    iterator->next = head[1] & PCI_CAPABILITY_ADDRESS;
    return PARSE_ITEM;
}

void pci_extended_capability_begin(struct pci_capability_iterator *iterator, const void *config,
                                   size_t size)
{
    *iterator = (struct pci_capability_iterator){.config = {config, size}};
    if (iterator->config.size > PCI_EXPRESS_CONFIG_SIZE)
        iterator->config.size = PCI_EXPRESS_CONFIG_SIZE;
    if (!parse_range_ok(iterator->config.size, PCI_CONFIG_SIZE, PCI_EXTENDED_HEAD_SIZE))
        return;
    uint32_t head = parse_u32(iterator->config.data + PCI_CONFIG_SIZE);
    if (head != 0 && head != UINT32_MAX)
        iterator->next = PCI_CONFIG_SIZE;
}

enum parse_step pci_extended_capability_next(struct pci_capability_iterator *iterator,
                                             struct pci_capability *capability,
                                             struct parse_error *error)
{
    uint16_t at = iterator->next;

    if (at == 0)
        return PARSE_END;
    if (at < PCI_CONFIG_SIZE || !parse_range_ok(iterator->config.size, at, PCI_EXTENDED_HEAD_SIZE))
        return parse_bad(error, "extended capability offset", at, "outside 0x100 to 0xfff", at);
    if (!visit(iterator, at))
        return parse_bad(error, "extended capability offset", at, "the list runs in a circle", at);
    uint32_t head = parse_u32(iterator->config.data + at);
    if (head == UINT32_MAX)
        return parse_bad(error, "extended capability id", at, "no device answers", head);
    capability->id = (uint16_t)FIELD_GET(PCI_EXTENDED_ID, head);
    capability->version = (uint8_t)FIELD_GET(PCI_EXTENDED_VERSION, head);
    capability->offset = at;
    iterator->next = (uint16_t)(FIELD_GET(PCI_EXTENDED_NEXT, head) & PCI_EXTENDED_ADDRESS);
    return PARSE_ITEM;
}

uint16_t pci_capability_find(const void *config, size_t size, uint8_t id)
{
    struct pci_capability_iterator iterator;
    struct pci_capability capability;

    if (!pci_capability_begin(&iterator, config, size, NULL))
        return 0;
    while (pci_capability_next(&iterator, &capability, NULL) == PARSE_ITEM) {
        if (capability.id == id)
            return capability.offset;
    }
    return 0;
}

uint16_t pci_extended_capability_find(const void *config, size_t size, uint16_t id)
{
    struct pci_capability_iterator iterator;
    struct pci_capability capability;

    pci_extended_capability_begin(&iterator, config, size);
    while (pci_extended_capability_next(&iterator, &capability, NULL) == PARSE_ITEM) {
        if (capability.id == id)
            return capability.offset;
    }
    return 0;
}

bool pci_msi_decode(const void *config, size_t size, uint16_t offset,
                    struct pci_msi_capability *msi, struct parse_error *error)
{
    const uint8_t *at = (const uint8_t *)config + offset;

    if (!parse_range_ok(size, offset, PCI_MSI_CONTROL + sizeof(uint16_t)) ||
        at[0] != PCI_CAPABILITY_MSI)
        return parse_fail(error, "MSI capability", offset, "there is none");
    uint16_t control = parse_u16(at + PCI_MSI_CONTROL);
    uint64_t capable = FIELD_GET(PCI_MSI_CONTROL_CAPABLE, control);
    if (capable > PCI_MSI_CAPABLE_MAX)
        return parse_fail_value(error, "MSI Multiple Message Capable", offset + PCI_MSI_CONTROL,
                                "reserved", capable);

    *msi = (struct pci_msi_capability){.offset = offset, .control = control};
    msi->message_count = (uint8_t)(1u << capable);
    msi->is_64bit = control & PCI_MSI_CONTROL_64BIT;
    msi->is_maskable = control & PCI_MSI_CONTROL_MASKABLE;
    msi->address_offset = (uint16_t)(offset + PCI_MSI_ADDRESS);
    if (msi->is_64bit)
        msi->upper_address_offset = (uint16_t)(offset + PCI_MSI_ADDRESS_HIGH);
    msi->data_offset = (uint16_t)(offset + (msi->is_64bit ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32));
    uint16_t end = (uint16_t)(msi->data_offset + sizeof(uint16_t));
    if (msi->is_maskable) {
        msi->mask_offset = (uint16_t)(msi->data_offset + PCI_MSI_MASK_FROM_DATA);
        msi->pending_offset = (uint16_t)(msi->data_offset + PCI_MSI_PENDING_FROM_DATA);
        end = (uint16_t)(msi->pending_offset + sizeof(uint32_t));
    }
    msi->size = (uint16_t)(end - offset);
    if (!parse_range_ok(size < PCI_CONFIG_SIZE ? size : PCI_CONFIG_SIZE, offset, msi->size))
        return parse_fail_value(error, "MSI capability", offset,
                                "leaves configuration space, bytes", msi->size);
    return true;
}

bool pci_msix_decode(const void *config, size_t size, uint16_t offset,
                     struct pci_msix_capability *msix, struct parse_error *error)
{
    const uint8_t *at = (const uint8_t *)config + offset;

    if (!parse_range_ok(size < PCI_CONFIG_SIZE ? size : PCI_CONFIG_SIZE, offset,
                        PCI_MSIX_CAPABILITY_SIZE) ||
        at[0] != PCI_CAPABILITY_MSIX)
        return parse_fail(error, "MSI-X capability", offset, "there is none");
    uint16_t control = parse_u16(at + PCI_MSIX_CONTROL);
    uint32_t table = parse_u32(at + PCI_MSIX_TABLE);
    uint32_t pending = parse_u32(at + PCI_MSIX_PENDING);

    *msix = (struct pci_msix_capability){.offset = offset, .control = control};
    msix->table_count = (uint16_t)(FIELD_GET(PCI_MSIX_CONTROL_TABLE_SIZE, control) + 1);
    msix->table_bir = (uint8_t)FIELD_GET(PCI_MSIX_BIR, table);
    msix->table_offset = (uint32_t)(table & PCI_MSIX_OFFSET);
    msix->pending_bir = (uint8_t)FIELD_GET(PCI_MSIX_BIR, pending);
    msix->pending_offset = (uint32_t)(pending & PCI_MSIX_OFFSET);
    msix->table_size = msix->table_count * (uint32_t)PCI_MSIX_ENTRY_SIZE;
    msix->pending_size = (msix->table_count + PCI_MSIX_PENDING_WORD_BITS - 1) /
                         PCI_MSIX_PENDING_WORD_BITS * (uint32_t)sizeof(uint64_t);
    if (msix->table_bir >= PCI_BAR_COUNT)
        return parse_fail_value(error, "MSI-X Table BIR", offset + PCI_MSIX_TABLE, "reserved",
                                msix->table_bir);
    if (msix->pending_bir >= PCI_BAR_COUNT)
        return parse_fail_value(error, "MSI-X PBA BIR", offset + PCI_MSIX_PENDING, "reserved",
                                msix->pending_bir);
    return true;
}

bool pci_msix_fits(const struct pci_msix_capability *msix, const uint64_t bar_size[6],
                   struct parse_error *error)
{
    uint64_t table_end = (uint64_t)msix->table_offset + msix->table_size;
    uint64_t pending_end = (uint64_t)msix->pending_offset + msix->pending_size;

    if (table_end > bar_size[msix->table_bir])
        return parse_fail_value(error, "MSI-X Table Offset", msix->offset + PCI_MSIX_TABLE,
                                "the table leaves its BAR", msix->table_offset);
    if (pending_end > bar_size[msix->pending_bir])
        return parse_fail_value(error, "MSI-X PBA Offset", msix->offset + PCI_MSIX_PENDING,
                                "the array leaves its BAR", msix->pending_offset);
    if (msix->table_bir == msix->pending_bir && msix->table_offset < pending_end &&
        msix->pending_offset < table_end)
        return parse_fail_value(error, "MSI-X PBA Offset", msix->offset + PCI_MSIX_PENDING,
                                "overlaps the table", msix->pending_offset);
    return true;
}
