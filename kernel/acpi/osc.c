/*
 * _OSC of PCI root bridges: who drives the slots, firmware or the system.
 *
 * A root's _OSC is asked first what it would grant, then for just that (PCI Firmware 3.3 4.5.1). A
 * root without one keeps its slots to itself (4.5.2.4), and so does one that fails.
 */
#include <lib/bits.h>
#include <lib/log.h>
#include <lib/string.h>

#include "acpi/eval.h"

/* PCI Firmware 3.3 4.5: the UUID in ACPI's byte order (ACPI 6.5 19.6.140), revision, the dwords. */
static const uint8_t osc_uuid[] = {0x5B, 0x4D, 0xDB, 0x33, 0xF7, 0x1F, 0x1C, 0x40,
                                   0x96, 0x57, 0x74, 0x41, 0xC0, 0x3D, 0xD7, 0x66};
enum {
    OSC_REVISION = 1,
    OSC_STATUS = 0, /* in: flags; out: what went wrong */
    OSC_SUPPORT = 1,
    OSC_CONTROL = 2,
    OSC_COUNT = 3,
};
#define OSC_QUERY BIT(0)
#define OSC_ERRORS BITS(3, 1) /* failure, unknown UUID, unknown revision */
#define OSC_SUPPORTS_CONFIG BIT(0)
#define OSC_SUPPORTS_MSI BIT(4)
#define OSC_CONTROL_HOT_PLUG BIT(0)
#define OSC_CONTROL_CAPABILITY BIT(4) /* the PCI Express capability structure */
#define OSC_WANTED (OSC_CONTROL_HOT_PLUG | OSC_CONTROL_CAPABILITY)

/* The control that is granted, 0 for an error. */
static uint32_t osc_ask(acpi_handle handle, uint32_t flags, uint32_t control)
{
    uint32_t words[OSC_COUNT] = {flags, OSC_SUPPORTS_CONFIG | OSC_SUPPORTS_MSI, control};
    union acpi_object arguments[] = {
        {.buffer = {ACPI_TYPE_BUFFER, sizeof(osc_uuid), (uint8_t *)osc_uuid}},
        {.integer = {ACPI_TYPE_INTEGER, OSC_REVISION}},
        {.integer = {ACPI_TYPE_INTEGER, OSC_COUNT}},
        {.buffer = {ACPI_TYPE_BUFFER, sizeof(words), (uint8_t *)words}},
    };
    struct acpi_object_list list = {ARRAY_COUNT(arguments), arguments};
    struct acpi_buffer buffer = {ACPI_ALLOCATE_BUFFER, NULL};
    const union acpi_object *answer;
    uint32_t granted = 0;

    if (ACPI_FAILURE(acpi_evaluate_object(handle, "_OSC", &list, &buffer)))
        return 0;
    answer = buffer.pointer;
    if (answer != NULL && answer->type == ACPI_TYPE_BUFFER &&
        answer->buffer.length >= sizeof(words)) {
        memcpy(words, answer->buffer.pointer, sizeof(words));
        if ((words[OSC_STATUS] & OSC_ERRORS) == 0)
            granted = words[OSC_CONTROL] & control;
    }
    acpi_eval_free(buffer.pointer);
    return granted;
}

static bool osc_take(acpi_handle handle)
{
    return osc_ask(handle, OSC_QUERY, OSC_WANTED) == OSC_WANTED &&
           osc_ask(handle, 0, OSC_WANTED) == OSC_WANTED;
}

bool acpi_pci_take_slots(uint16_t segment, uint8_t bus)
{
    const struct acpi_pci_root *root = NULL;

    while ((root = acpi_pci_root_next(root)) != NULL) {
        if (root->is_present && root->segment == segment && root->bus == bus)
            return osc_take(root->handle);
    }
    return false;
}
