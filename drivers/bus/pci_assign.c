/*
 * Addresses for what firmware left empty: BARs that read 0, and windows of bridges that have none.
 *
 * An address firmware chose is never moved. Room is looked for by stepping over what is taken: the
 * memory map, configuration windows, the interrupt controllers' megabytes, other BARs, and the
 * windows of bridges that do not lead to the function. Bridges are served first, from the root
 * down; BARs then by falling size, so that alignment leaves no gaps. What finds no room keeps the
 * function from starting, and is said.
 *
 * The root's own apertures are deduced from the memory map; where ACPI says what the first root
 * bridge passes on (_CRS), they are held to that.
 */
#include <cpuid.h>
#include <hal/pci_config.h>
#include <lib/log.h>

#include "acpi/acpi.h"
#include "pci.h"

enum {
    FIXED_MAX = BOOT_MEMORY_RANGES_MAX + 16,
    CPUID_ADDRESS_SIZES = 0x80000008, /* SDM 2A CPUID: physical address bits in EAX 7:0 */
    PHYSICAL_BITS_LEAST = 36,
};

#define FOUR_GIB 0x100000000ull
#define LOW_HOLE_LAST 0xFEBFFFFFull /* above: IOAPIC, HPET, local APIC, flash */
#define LOW_HOLE_ALIGN 0x1000000ull
#define HIGH_HOLE_ALIGN 0x40000000ull
#define IO_FIRST 0xC000ull /* below: ISA and chipset registers no table tells of */
#define IO_LAST 0xFFFFull

enum space { SPACE_IO, SPACE_MEMORY };

struct range {
    uint64_t base;
    uint64_t limit;
};

/* What an address is wanted for. */
struct placing {
    const struct pci_function *function; /* the BAR's function, or the bridge whose window it is */
    enum space space;
    uint64_t size;
    uint64_t align;
};

static struct range fixed[FIXED_MAX];
static uint32_t fixed_count;
static struct range low_hole, high_hole;

static void fixed_add(uint64_t base, uint64_t length)
{
    if (length != 0 && fixed_count < FIXED_MAX)
        fixed[fixed_count++] = (struct range){base, base + length - 1};
}

uint64_t pci_physical_end(void)
{
    uint32_t eax = 0, ebx, ecx, edx, bits = PHYSICAL_BITS_LEAST;

    if (__get_cpuid(CPUID_ADDRESS_SIZES, &eax, &ebx, &ecx, &edx))
        bits = eax & 0xFF;
    return 1ull << (bits < PHYSICAL_BITS_LEAST || bits > 52 ? PHYSICAL_BITS_LEAST : bits);
}

/* A root that is said to pass on nothing of a hole is not believed. */
static void hole_narrow(struct range *hole, const struct acpi_window *window)
{
    uint64_t limit = window->base + window->length - 1;

    if (window->length == 0 || limit < hole->base || window->base > hole->limit)
        return;
    if (hole->base < window->base)
        hole->base = window->base;
    if (hole->limit > limit)
        hole->limit = limit;
}

static void holes_narrow(void)
{
    const struct acpi_pci_root *root = NULL;

    while (acpi_is_up() && (root = acpi_pci_root_next(root)) != NULL) {
        if (!root->is_present || root->segment != 0 || root->bus != 0)
            continue;
        hole_narrow(&low_hole, &root->low);
        hole_narrow(&high_hole, &root->high);
        return;
    }
}

void pci_assign_init(const struct boot_info *boot)
{
    uint64_t low = LOW_HOLE_ALIGN, high = FOUR_GIB;
    struct hal_pci_window window;

    fixed_count = 0;
    for (uint32_t i = 0; i < boot->memory_range_count; i++) {
        const struct boot_memory_range *range = &boot->memory_ranges[i];
        uint64_t end = range->base + range->length;

        fixed_add(range->base, range->length);
        if (range->kind == BOOT_MEMORY_RESERVED || range->kind == BOOT_MEMORY_BAD)
            continue;
        if (end <= FOUR_GIB && end > low)
            low = end;
        if (end > high)
            high = end;
    }
    for (uint32_t i = 0; hal_pci_window_at(i, &window); i++) {
        if (window.is_memory)
            fixed_add(window.base + FIELD_PREP(PCI_ECAM_BUS, window.first_bus),
                      (window.last_bus - window.first_bus + 1u) * PCI_ECAM_BUS_SIZE);
    }
    low_hole = (struct range){ALIGN_UP(low, LOW_HOLE_ALIGN), LOW_HOLE_LAST};
    high_hole = (struct range){ALIGN_UP(high, HIGH_HOLE_ALIGN), pci_physical_end() - 1};
    holes_narrow();
}

static bool overlaps(uint64_t base, uint64_t limit, uint64_t other_base, uint64_t other_limit,
                     uint64_t *past)
{
    if (base > other_limit || other_base > limit)
        return false;
    *past = other_limit + 1;
    return true;
}

/* Does the bridge lead to the function, or is it the function? */
static bool leads_to(const struct pci_function *bridge, const struct pci_function *function)
{
    for (; function != NULL; function = function->parent) {
        if (function == bridge)
            return true;
    }
    return false;
}

static bool function_conflict(const struct placing *placing, const struct pci_function *function,
                              struct range at, uint64_t *past)
{
    const struct pci_window *windows[] = {&function->bridge.io, &function->bridge.memory,
                                          &function->bridge.prefetch};

    for (uint32_t i = 0; i < PCI_BAR_COUNT; i++) {
        const struct pci_bar *bar = &function->bars[i];
        bool is_same_space =
            placing->space == SPACE_IO ? bar->kind == PCI_BAR_IO : pci_bar_is_memory(bar);

        if (is_same_space && bar->address != 0 &&
            overlaps(at.base, at.limit, bar->address, bar->address + bar->size - 1, past))
            return true;
    }
    if (!pci_is_bridge(function) || leads_to(function, placing->function))
        return false;
    for (uint32_t i = placing->space == SPACE_IO ? 0 : 1; i < (placing->space == SPACE_IO ? 1 : 3);
         i++) {
        if (windows[i]->is_open &&
            overlaps(at.base, at.limit, windows[i]->base, windows[i]->limit, past))
            return true;
    }
    return false;
}

static bool conflict(const struct placing *placing, struct range at, uint64_t *past)
{
    const struct pci_function *function = NULL;

    for (uint32_t i = 0; placing->space == SPACE_MEMORY && i < fixed_count; i++) {
        if (overlaps(at.base, at.limit, fixed[i].base, fixed[i].limit, past))
            return true;
    }
    while ((function = pci_function_after(function)) != NULL) {
        if (function_conflict(placing, function, at, past))
            return true;
    }
    return false;
}

/* Each step goes past something taken, so it ends. */
static bool place_in(const struct placing *placing, struct range room, uint64_t *base)
{
    uint64_t at = ALIGN_UP(room.base, placing->align);
    uint64_t past = 0;

    while (at >= room.base && at <= room.limit && room.limit - at >= placing->size - 1) {
        if (!conflict(placing, (struct range){at, at + placing->size - 1}, &past)) {
            *base = at;
            return true;
        }
        at = ALIGN_UP(past, placing->align);
    }
    return false;
}

static struct range window_range(const struct pci_window *window)
{
    return (struct range){window->base, window->limit};
}

/* A bridge's memory window, or a BAR: 32 bits wide, or 64. */
static bool place_memory(const struct placing *placing, bool is_64bit, bool is_prefetchable,
                         uint64_t *base)
{
    const struct pci_function *parent = placing->function->parent;
    const struct pci_window *prefetch;

    if (parent == NULL)
        return place_in(placing, low_hole, base) ||
               (is_64bit && place_in(placing, high_hole, base));
    prefetch = &parent->bridge.prefetch;
    if (is_prefetchable && prefetch->is_open && (is_64bit || prefetch->limit < FOUR_GIB) &&
        place_in(placing, window_range(prefetch), base))
        return true;
    return parent->bridge.memory.is_open &&
           place_in(placing, window_range(&parent->bridge.memory), base);
}

static bool place_io(const struct placing *placing, uint64_t *base)
{
    const struct pci_function *parent = placing->function->parent;

    if (parent == NULL)
        return place_in(placing, (struct range){IO_FIRST, IO_LAST}, base);
    return parent->bridge.io.is_open && place_in(placing, window_range(&parent->bridge.io), base);
}

/* Wants an address and was not yet refused one. */
static bool bar_is_empty(const struct pci_function *function, uint32_t index)
{
    const struct pci_bar *bar = &function->bars[index];

    return bar->kind != PCI_BAR_ABSENT && bar->address == 0 && bar->size != 0 &&
           !function->bar_unassigned[index];
}

/* A page at least for memory, so that no two devices share one. */
static uint64_t bar_room(const struct pci_bar *bar)
{
    return bar->kind == PCI_BAR_IO || bar->size > HAL_PAGE_SIZE ? bar->size : HAL_PAGE_SIZE;
}

/* Bytes that empty BARs behind a bridge want of one space, and the largest of them. */
static uint64_t bridge_wants(const struct pci_function *bridge, enum space space, uint64_t granule,
                             uint64_t *largest)
{
    const struct pci_function *child = NULL;
    uint64_t total = 0;

    while ((child = pci_function_after(child)) != NULL) {
        const struct pci_window *window =
            space == SPACE_IO ? &child->bridge.io : &child->bridge.memory;

        if (child->parent != bridge)
            continue;
        for (uint32_t i = 0; i < PCI_BAR_COUNT; i++) {
            const struct pci_bar *bar = &child->bars[i];

            if (!bar_is_empty(child, i) || (bar->kind == PCI_BAR_IO) != (space == SPACE_IO))
                continue;
            total += bar_room(bar);
            *largest = bar_room(bar) > *largest ? bar_room(bar) : *largest;
        }
        if (pci_is_bridge(child) && !window->is_open)
            total += ALIGN_UP(bridge_wants(child, space, granule, largest), granule);
    }
    return total;
}

static void bridge_open(struct pci_function *bridge, enum space space)
{
    struct pci_window *window = space == SPACE_IO ? &bridge->bridge.io : &bridge->bridge.memory;
    uint64_t granule = space == SPACE_IO ? PCI_BRIDGE_IO_GRANULE : PCI_BRIDGE_MEMORY_GRANULE;
    struct placing placing = {.function = bridge, .space = space, .align = granule};
    uint64_t base;

    if (window->is_open || bridge->bridge.secondary == 0)
        return;
    placing.size = bridge_wants(bridge, space, granule, &placing.align);
    if (placing.size == 0)
        return;
    placing.size = ALIGN_UP(placing.size, placing.align);
    if (!(space == SPACE_IO ? place_io(&placing, &base)
                            : place_memory(&placing, false, false, &base)))
        return;
    window->base = base;
    window->limit = base + placing.size - 1;
    window->is_open = true;
    pci_bridge_window_write(bridge);
}

static void bar_place(struct pci_function *function, uint32_t index)
{
    struct pci_bar *bar = &function->bars[index];
    struct placing placing = {.function = function,
                              .space = bar->kind == PCI_BAR_IO ? SPACE_IO : SPACE_MEMORY,
                              .size = bar_room(bar),
                              .align = bar_room(bar)};
    uint64_t base;
    bool is_placed = bar->kind == PCI_BAR_IO ? place_io(&placing, &base)
                                             : place_memory(&placing, bar->kind == PCI_BAR_MEMORY64,
                                                            bar->is_prefetchable, &base);

    function->bar_unassigned[index] = !is_placed;
    if (!is_placed) {
        log_warn("pci %02x:%02x.%x: no room for the 0x%llx bytes of BAR %u", function->where.bus,
                 PCI_DEVFN_DEVICE(function->where.devfn), PCI_DEVFN_FUNCTION(function->where.devfn),
                 (unsigned long long)bar->size, index);
        return;
    }
    bar->address = base;
    pci_bar_write(function, index);
}

/* Bit n: some empty BAR has 1 << n bytes. */
static uint64_t empty_sizes(void)
{
    const struct pci_function *function = NULL;
    uint64_t sizes = 0;

    while ((function = pci_function_after(function)) != NULL) {
        for (uint32_t i = 0; i < PCI_BAR_COUNT; i++) {
            if (bar_is_empty(function, i))
                sizes |= function->bars[i].size;
        }
    }
    return sizes;
}

/* What is not sized yet takes room all the same. */
static void size_all(void)
{
    struct pci_function *function = NULL;

    while ((function = pci_function_after(function)) != NULL)
        pci_function_size(function);
}

void pci_assign(void)
{
    struct pci_function *function = NULL;
    uint64_t sizes = empty_sizes();

    if (sizes == 0)
        return;
    size_all();
    sizes = empty_sizes();
    while ((function = pci_function_after(function)) != NULL) {
        if (pci_is_bridge(function)) {
            bridge_open(function, SPACE_MEMORY);
            bridge_open(function, SPACE_IO);
        }
    }
    while (sizes != 0) {
        uint64_t size = BIT(bits_log2_floor(sizes));

        sizes &= ~size;
        while ((function = pci_function_after(function)) != NULL) {
            for (uint32_t i = 0; i < PCI_BAR_COUNT; i++) {
                if (bar_is_empty(function, i) && function->bars[i].size == size)
                    bar_place(function, i);
            }
        }
    }
}
