/*
 * Who sends a function's messages, as what is above it sees them.
 *
 * Below PCI Express ports a request carries its sender's id. A bridge to conventional PCI takes
 * ownership of what comes from behind it: a PCI Express to PCI bridge as device 0 of the bus behind
 * it, or, with PCI-X, by letting the sender's id pass; a conventional one under its own id
 * (PCI Express to PCI/PCI-X Bridge Specification 1.0, 2.3).
 */
#include "messages.h"

static uint16_t id_of(const struct pci_function *function)
{
    return (uint16_t)(function->where.bus << 8 | function->where.devfn);
}

void pci_requester(const struct pci_function *function, struct hal_requester *requester)
{
    *requester = (struct hal_requester){
        .kind = HAL_REQUESTER_FUNCTION,
        .segment = function->where.segment,
        .function = id_of(function),
        .id = id_of(function),
    };
    for (const struct pci_function *bridge = function->parent; bridge != NULL;
         bridge = bridge->parent) {
        uint32_t type =
            bridge->express_offset == 0
                ? (uint32_t)PCI_EXPRESS_FROM_PCI_BRIDGE
                : (uint32_t)FIELD_GET(
                      PCI_EXPRESS_PORT_TYPE,
                      pci_read(bridge, bridge->express_offset + PCI_EXPRESS_CAPABILITIES, 2));

        if (type == PCI_EXPRESS_TO_PCI_BRIDGE) {
            requester->id = (uint16_t)(bridge->bridge.secondary << 8);
            requester->first_bus = bridge->bridge.secondary;
            requester->last_bus = bridge->bridge.subordinate;
        } else if (type == PCI_EXPRESS_FROM_PCI_BRIDGE) {
            requester->id = id_of(bridge);
            requester->first_bus = requester->last_bus = 0;
        }
    }
}
