/*
 * Names of PCI classes, for people. PCI Code and ID Assignment 1.11: base class and subclass; the
 * base class alone where the subclass is not listed.
 */
#include "pci.h"

struct class_name {
    uint16_t class;
    const char *name;
};

static const struct class_name subclass_names[] = {
    {0x0001, "VGA-compatible device"},
    {0x0100, "SCSI controller"},
    {0x0101, "IDE controller"},
    {0x0104, "RAID controller"},
    {0x0106, "SATA controller"},
    {0x0107, "SAS controller"},
    {0x0108, "NVMe controller"},
    {0x0200, "Ethernet controller"},
    {0x0280, "Network controller"},
    {0x0300, "VGA controller"},
    {0x0380, "Display controller"},
    {0x0400, "Video device"},
    {0x0401, "Audio device"},
    {0x0403, "High definition audio"},
    {0x0500, "RAM"},
    {0x0501, "Flash memory"},
    {0x0600, "Host bridge"},
    {0x0601, "ISA bridge"},
    {0x0604, "PCI bridge"},
    {0x0607, "CardBus bridge"},
    {0x0609, "Semi-transparent PCI bridge"},
    {0x0680, "Bridge"},
    {0x0700, "Serial controller"},
    {0x0701, "Parallel controller"},
    {0x0702, "Multiport serial controller"},
    {0x0780, "Communication controller"},
    {0x0800, "Interrupt controller"},
    {0x0801, "DMA controller"},
    {0x0802, "Timer"},
    {0x0803, "Real-time clock"},
    {0x0805, "SD host controller"},
    {0x0806, "IOMMU"},
    {0x0880, "System peripheral"},
    {0x0C00, "FireWire controller"},
    {0x0C03, "USB controller"},
    {0x0C05, "SMBus controller"},
    {0x0C07, "IPMI interface"},
    {0x1000, "Network encryption controller"},
    {0x1080, "Encryption controller"},
    {0x1180, "Signal processing controller"},
    {0x1200, "Processing accelerator"},
};

static const char *const base_names[] = {
    [0x00] = "Device",
    [0x01] = "Storage controller",
    [0x02] = "Network controller",
    [0x03] = "Display controller",
    [0x04] = "Multimedia device",
    [0x05] = "Memory controller",
    [0x06] = "Bridge",
    [0x07] = "Communication controller",
    [0x08] = "System peripheral",
    [0x09] = "Input device",
    [0x0A] = "Docking station",
    [0x0B] = "Processor",
    [0x0C] = "Serial bus controller",
    [0x0D] = "Wireless controller",
    [0x0E] = "Intelligent I/O controller",
    [0x0F] = "Satellite controller",
    [0x10] = "Encryption controller",
    [0x11] = "Signal processing controller",
    [0x12] = "Processing accelerator",
};

const char *pci_class_name(uint32_t class_code)
{
    uint32_t base = (uint32_t)FIELD_GET(PCI_CLASS_BASE, class_code);

    for (uint32_t i = 0; i < ARRAY_COUNT(subclass_names); i++) {
        if (subclass_names[i].class == class_code >> 8)
            return subclass_names[i].name;
    }
    return base < ARRAY_COUNT(base_names) ? base_names[base] : "Device";
}
