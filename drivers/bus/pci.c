/*
 * PCI enumeration: from configuration space to the list of functions.
 *
 * Buses are walked depth first. A bridge that firmware numbered is entered as it stands; one that
 * it left without a bus is noted and numbered after everything else is known, from the numbers its
 * own bridge passes down, so that nothing firmware set is renumbered. Windows come from the MCFG;
 * the first bus of each is a root; further roots of a segment are told by ACPI.
 *
 * Owns: the list, bus numbers, the command register. Owns not: BARs, windows, routes, PDOs.
 */
#include <hal/pci_config.h>
#include <lib/log.h>

#include "acpi/acpi.h"
#include "io/bus_data.h"
#include "memory.h"
#include "pci.h"

enum { BUSES = 256, DEPTH_MAX = 32 };

/* One root bus while it is walked. */
struct pci_root {
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
    uint64_t used[BUSES / 64]; /* bus numbers taken */
};

static struct pci_function *function_first;
static struct pci_function **function_tail = &function_first;

struct pci_function *pci_function_after(const struct pci_function *previous)
{
    struct pci_function *function = previous == NULL ? function_first : previous->next;

    while (function != NULL && function->is_gone)
        function = function->next;
    return function;
}

struct pci_function *pci_function_next(const struct pci_function *previous)
{
    struct pci_function *function = pci_function_after(previous);

    if (function != NULL)
        pci_function_prepare(function);
    return function;
}

struct pci_function *pci_function_find(uint16_t segment, uint8_t bus, uint8_t devfn)
{
    struct pci_function *function = NULL;

    while ((function = pci_function_after(function)) != NULL) {
        if (function->where.segment == segment && function->where.bus == bus &&
            function->where.devfn == devfn)
            return function;
    }
    return NULL;
}

void pci_command_change(struct pci_function *function, uint16_t set, uint16_t clear)
{
    raw_lock_state_t state = raw_lock_acquire(&function->command_lock);
    uint32_t command = pci_read(function, PCI_COMMAND, 2);
    uint32_t wanted = (command & ~(uint32_t)clear) | set;

    if (wanted != command)
        pci_write(function, PCI_COMMAND, 2, wanted);
    raw_lock_release(&function->command_lock, state);
}

uint16_t pci_command_decode(const struct pci_function *function)
{
    uint16_t bits = 0;

    for (uint32_t i = 0; i < PCI_BAR_COUNT; i++) {
        if (function->bars[i].kind == PCI_BAR_IO)
            bits |= PCI_COMMAND_IO;
        else if (pci_bar_is_memory(&function->bars[i]))
            bits |= PCI_COMMAND_MEMORY;
    }
    return bits;
}

/* Capabilities the kernel acts upon. A malformed one is left out, and said. */
static void capabilities_read(struct pci_function *function)
{
    uint32_t config[PCI_CONFIG_SIZE / sizeof(uint32_t)];
    struct parse_error error = {.what = ""};
    uint16_t offset;

    if (!(pci_read(function, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES))
        return;
    for (uint32_t i = 0; i < ARRAY_COUNT(config); i++)
        config[i] = pci_read(function, i * sizeof(uint32_t), 4);
    function->power_offset = pci_capability_find(config, sizeof(config), PCI_CAPABILITY_POWER);
    function->express_offset = pci_capability_find(config, sizeof(config), PCI_CAPABILITY_EXPRESS);
    offset = pci_capability_find(config, sizeof(config), PCI_CAPABILITY_MSI);
    if (offset != 0 && !pci_msi_decode(config, sizeof(config), offset, &function->msi, &error)) {
        function->msi.offset = 0;
        log_warn("pci %02x:%02x.%x: MSI ignored: %s: %s", function->where.bus,
                 PCI_DEVFN_DEVICE(function->where.devfn), PCI_DEVFN_FUNCTION(function->where.devfn),
                 error.what, error.detail);
    }
    offset = pci_capability_find(config, sizeof(config), PCI_CAPABILITY_MSIX);
    if (offset != 0 && !pci_msix_decode(config, sizeof(config), offset, &function->msix, &error)) {
        function->msix.offset = 0;
        log_warn("pci %02x:%02x.%x: MSI-X ignored: %s: %s", function->where.bus,
                 PCI_DEVFN_DEVICE(function->where.devfn), PCI_DEVFN_FUNCTION(function->where.devfn),
                 error.what, error.detail);
    }
}

/* The table must lie inside the BARs. */
static void msix_check(struct pci_function *function)
{
    uint64_t sizes[PCI_BAR_COUNT];
    struct parse_error error;

    if (function->msix.offset == 0)
        return;
    for (uint32_t i = 0; i < PCI_BAR_COUNT; i++)
        sizes[i] = pci_bar_is_memory(&function->bars[i]) ? function->bars[i].size : 0;
    if (!pci_msix_fits(&function->msix, sizes, &error)) {
        function->msix.offset = 0;
        log_warn("pci %02x:%02x.%x: MSI-X ignored: %s: %s", function->where.bus,
                 PCI_DEVFN_DEVICE(function->where.devfn), PCI_DEVFN_FUNCTION(function->where.devfn),
                 error.what, error.detail);
    }
}

void pci_function_size(struct pci_function *function)
{
    if (function->is_sized)
        return;
    pci_bars_read(function);
    msix_check(function);
    function->is_sized = true;
}

void pci_function_prepare(struct pci_function *function)
{
    if (function->is_sized)
        return;
    pci_function_size(function);
    pci_assign();
}

/* Firmware may hand over a device with messages on; nobody is there to take them. */
static void messages_off(struct pci_function *function)
{
    uint32_t control;

    if (function->msi.offset != 0) {
        control = pci_read(function, function->msi.offset + PCI_MSI_CONTROL, 2);
        if (control & PCI_MSI_CONTROL_ENABLE)
            pci_write(function, function->msi.offset + PCI_MSI_CONTROL, 2,
                      control & ~(uint32_t)PCI_MSI_CONTROL_ENABLE);
    }
    if (function->msix.offset != 0) {
        control = pci_read(function, function->msix.offset + PCI_MSIX_CONTROL, 2);
        if (control & PCI_MSIX_CONTROL_ENABLE)
            pci_write(function, function->msix.offset + PCI_MSIX_CONTROL, 2,
                      control & ~(uint32_t)PCI_MSIX_CONTROL_ENABLE);
    }
}

/* A struct in the list: that of a function which stood in this place and has gone, or a new one. */
static struct pci_function *function_allocate(struct pci_location where)
{
    struct pci_function *function = function_first;
    struct pci_function *next;

    while (function != NULL &&
           !(function->is_gone && function->where.segment == where.segment &&
             function->where.bus == where.bus && function->where.devfn == where.devfn))
        function = function->next;
    if (function == NULL) {
        function = bus_allocate(sizeof(*function));
        if (function == NULL)
            return NULL;
        *function_tail = function;
        function_tail = &function->next;
        return function;
    }
    next = function->next;
    memset(function, 0, sizeof(*function));
    function->next = next;
    return function;
}

static struct pci_function *function_create(struct pci_location where, struct pci_function *parent)
{
    struct pci_function *function = function_allocate(where);
    uint32_t class_register;

    if (function == NULL)
        return NULL;
    function->where = where;
    function->parent = parent;
    function->vendor_id = (uint16_t)pci_read(function, PCI_VENDOR_ID, 2);
    function->device_id = (uint16_t)pci_read(function, PCI_DEVICE_ID, 2);
    class_register = pci_read(function, PCI_CLASS_CODE, 4);
    function->class_code = (uint32_t)FIELD_GET(PCI_CLASS_FIELD, class_register);
    function->revision = (uint8_t)FIELD_GET(PCI_REVISION_FIELD, class_register);
    function->layout =
        (uint8_t)FIELD_GET(PCI_HEADER_LAYOUT, pci_read(function, PCI_HEADER_TYPE, 1));
    function->interrupt_pin = (uint8_t)pci_read(function, PCI_INTERRUPT_PIN, 1);
    function->interrupt_line = (uint8_t)pci_read(function, PCI_INTERRUPT_LINE, 1);
    if (function->interrupt_pin > 4)
        function->interrupt_pin = 0;
    if (function->layout == PCI_HEADER_DEVICE) {
        function->subsystem_vendor_id = (uint16_t)pci_read(function, PCI_SUBSYSTEM_VENDOR_ID, 2);
        function->subsystem_id = (uint16_t)pci_read(function, PCI_SUBSYSTEM_ID, 2);
    }
    capabilities_read(function);
    messages_off(function);
    if (!(pci_read(function, PCI_COMMAND, 2) & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)))
        pci_function_size(function);
    if (pci_is_bridge(function))
        pci_bridge_read(function);
    return function;
}

static bool bus_is_used(const struct pci_root *root, uint8_t bus)
{
    return (root->used[bus / 64] & BIT(bus % 64)) != 0;
}

/* The highest number taken in [first, last], or first where none is. */
static uint8_t bus_highest(const struct pci_root *root, uint8_t first, uint8_t last)
{
    uint8_t bus = last;

    while (bus > first && !bus_is_used(root, bus))
        bus--;
    return bus;
}

static void bus_walk(struct pci_root *root, uint8_t bus, struct pci_function *parent, int depth);

/* Enter a bridge whose numbers make sense; others stay closed until bridge_number(). */
static void bridge_walk(struct pci_root *root, struct pci_function *bridge, int depth)
{
    uint8_t secondary = bridge->bridge.secondary;

    if (secondary <= bridge->where.bus || secondary > root->last_bus ||
        bridge->bridge.subordinate < secondary || bus_is_used(root, secondary) ||
        depth >= DEPTH_MAX) {
        bridge->bridge.secondary = 0;
        bridge->bridge.subordinate = 0;
        return;
    }
    bus_walk(root, secondary, bridge, depth + 1);
}

/* PCIe 7.3.1: only device 0 is behind a root port or a downstream port. */
static uint8_t device_count(const struct pci_function *parent)
{
    uint32_t type;

    if (parent == NULL || parent->express_offset == 0)
        return PCI_DEVICES_PER_BUS;
    type =
        (uint32_t)FIELD_GET(PCI_EXPRESS_PORT_TYPE,
                            pci_read(parent, parent->express_offset + PCI_EXPRESS_CAPABILITIES, 2));
    return type == PCI_EXPRESS_ROOT_PORT || type == PCI_EXPRESS_DOWNSTREAM_PORT
               ? 1
               : PCI_DEVICES_PER_BUS;
}

static void bus_walk(struct pci_root *root, uint8_t bus, struct pci_function *parent, int depth)
{
    uint8_t devices = device_count(parent);
    struct pci_location where = {.segment = root->segment, .bus = bus};

    root->used[bus / 64] |= BIT(bus % 64);
    hal_pci_bus_map(root->segment, bus);
    io_bus_data_add(root->segment, bus);
    for (uint8_t device = 0; device < devices; device++) {
        bool is_multifunction = false;

        for (uint32_t number = 0; number < PCI_FUNCTIONS_PER_DEVICE; number++) {
            struct pci_function *function;

            if (number > 0 && !is_multifunction)
                break;
            where.devfn = PCI_DEVFN(device, number);
            if (hal_pci_read(where.segment, bus, where.devfn, PCI_VENDOR_ID, 2) == PCI_VENDOR_NONE)
                continue;
            if (number == 0)
                is_multifunction =
                    (hal_pci_read(where.segment, bus, where.devfn, PCI_HEADER_TYPE, 1) &
                     PCI_HEADER_MULTIFUNCTION) != 0;
            if (pci_function_find(where.segment, bus, where.devfn) != NULL)
                continue; /* walked before */
            function = function_create(where, parent);
            if (function != NULL && pci_is_bridge(function))
                bridge_walk(root, function, depth);
        }
    }
}

static void bridge_numbers_write(struct pci_function *bridge, uint8_t secondary,
                                 uint8_t subordinate)
{
    bridge->bridge.secondary = secondary;
    bridge->bridge.subordinate = subordinate;
    pci_write(bridge, PCI_BRIDGE_PRIMARY_BUS, 1, bridge->where.bus);
    pci_write(bridge, PCI_BRIDGE_SECONDARY_BUS, 1, secondary);
    pci_write(bridge, PCI_BRIDGE_SUBORDINATE_BUS, 1, subordinate);
}

/*
 * Give a bridge the first number above all those in use in [first, last], walk the bus behind it
 * with all the rest open, then close it behind the last number used.
 */
static void bridge_number(struct pci_root *root, struct pci_function *bridge, uint8_t first,
                          uint8_t last, int depth)
{
    uint8_t highest = bus_highest(root, first, last);
    uint8_t secondary = (uint8_t)(highest + 1);

    if (highest >= last || depth >= DEPTH_MAX) {
        log_warn("pci %02x:%02x.%x: no bus number left for what is behind this bridge",
                 bridge->where.bus, PCI_DEVFN_DEVICE(bridge->where.devfn),
                 PCI_DEVFN_FUNCTION(bridge->where.devfn));
        return;
    }
    bridge_numbers_write(bridge, secondary, last);
    bus_walk(root, secondary, bridge, depth + 1);
    for (struct pci_function *child = function_first; child != NULL; child = child->next) {
        if (child->parent == bridge && pci_is_bridge(child) && child->bridge.secondary == 0)
            bridge_number(root, child, secondary, last, depth + 1);
    }
    bridge_numbers_write(bridge, secondary, bus_highest(root, secondary, last));
}

/* Is a root bus of the segment, by ACPI's word? */
static bool bus_is_root(uint16_t segment, uint32_t bus)
{
    const struct acpi_pci_root *root = NULL;

    while (acpi_is_up() && (root = acpi_pci_root_next(root)) != NULL) {
        if (root->is_present && root->segment == segment && root->bus == bus)
            return true;
    }
    return false;
}

/* The last bus that bridges on this root bus may be given: the next root bus is another's. */
static uint8_t root_limit(const struct pci_root *root, uint8_t bus)
{
    while (bus < root->last_bus && !bus_is_root(root->segment, bus + 1u))
        bus++;
    return bus;
}

/* More root buses than the window's first one: expander bridges, sockets. */
static void roots_walk(struct pci_root *root)
{
    bus_walk(root, root->first_bus, NULL, 0);
    for (uint32_t bus = root->first_bus + 1u; bus <= root->last_bus; bus++) {
        if (bus_is_root(root->segment, bus) && !bus_is_used(root, (uint8_t)bus))
            bus_walk(root, (uint8_t)bus, NULL, 0);
    }
}

static void root_walk(uint16_t segment, uint8_t first_bus, uint8_t last_bus)
{
    struct pci_root root = {.segment = segment, .first_bus = first_bus, .last_bus = last_bus};

    roots_walk(&root);
    for (struct pci_function *bridge = function_first; bridge != NULL; bridge = bridge->next) {
        const struct pci_function *parent = bridge->parent;

        if (!pci_is_bridge(bridge) || bridge->bridge.secondary != 0 ||
            bridge->where.segment != segment)
            continue;
        if (parent == NULL)
            bridge_number(&root, bridge, bridge->where.bus, root_limit(&root, bridge->where.bus),
                          0);
        else
            bridge_number(&root, bridge, parent->bridge.secondary, parent->bridge.subordinate, 0);
    }
}

bool pci_function_answers(const struct pci_function *function)
{
    return pci_read(function, PCI_VENDOR_ID, 2) == function->vendor_id &&
           pci_read(function, PCI_DEVICE_ID, 2) == function->device_id;
}

/* A bridge that comes is found, but not entered: nobody has kept bus numbers for it. */
void pci_enumerate_new(void)
{
    struct pci_function *bridge = NULL;
    struct hal_pci_window window;
    struct pci_root root = {.last_bus = 0};

    for (uint32_t i = 0; hal_pci_window_at(i, &window); i++) {
        root.segment = window.segment;
        for (uint32_t bus = window.first_bus; bus <= window.last_bus; bus++) {
            if (bus == window.first_bus || bus_is_root(window.segment, bus))
                bus_walk(&root, (uint8_t)bus, NULL, DEPTH_MAX);
        }
    }
    while ((bridge = pci_function_after(bridge)) != NULL) {
        root.segment = bridge->where.segment;
        if (pci_is_bridge(bridge) && bridge->bridge.secondary != 0)
            bus_walk(&root, bridge->bridge.secondary, bridge, DEPTH_MAX);
    }
}

void pci_enumerate(void)
{
    struct hal_pci_window window;
    uint32_t functions = 0;

    hal_pci_init();
    for (uint32_t i = 0; hal_pci_window_at(i, &window); i++)
        root_walk(window.segment, window.first_bus, window.last_bus);
    for (struct pci_function *function = function_first; function != NULL;
         function = function->next) {
        functions++;
        if (pci_is_bridge(function) && function->bridge.secondary != 0)
            pci_command_change(function,
                               PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER, 0);
    }
    log_info("pci: %u functions, configuration space by %s", functions,
             hal_pci_window_at(0, &window) && window.is_memory ? "memory" : "ports");
}
