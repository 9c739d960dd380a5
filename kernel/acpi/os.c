/*
 * ACPICA's OS layer: tables, memory, ports, PCI configuration space, time, messages. Locks are in
 * os_lock.c, threads and the SCI in os_work.c.
 *
 * Memory that firmware names is reached through the direct map, cached. Tables are memory; where an
 * operation region is a device's registers the MTRRs that firmware set make the accesses uncached,
 * whatever the page says (SDM 3A "Effective Page-Level Memory Types" 12.5.2.2). So nothing has to
 * be unmapped again, which would interrupt every CPU each time.
 *
 * ACPICA writes its messages in pieces; they become log lines. A broken table can cause thousands:
 * after MESSAGES_MAX the rest is only counted.
 */
#include <hal/hal.h>
#include <hw/x86_cpu.h>
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/rawlock.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "acpi/os.h"

enum { MESSAGES_MAX = 40, MESSAGE_SIZE = 256, TIMER_HZ = 10000000, UNITS_PER_MS = 10000 };

static acpi_physical_address root_pointer;

acpi_status acpi_os_initialize(void)
{
    return AE_OK;
}

acpi_status acpi_os_terminate(void)
{
    return AE_OK;
}

/* ---- Tables -------------------------------------------------------------------------------- */

void acpi_os_set_root_pointer(acpi_physical_address rsdp)
{
    root_pointer = rsdp;
}

acpi_physical_address acpi_os_get_root_pointer(void)
{
    if (root_pointer == 0 && ACPI_FAILURE(acpi_find_root_pointer(&root_pointer)))
        root_pointer = 0;
    return root_pointer;
}

acpi_status acpi_os_predefined_override(const struct acpi_predefined_names *object,
                                        acpi_string *value)
{
    (void)object;
    *value = NULL;
    return AE_OK;
}

acpi_status acpi_os_table_override(struct acpi_table_header *existing,
                                   struct acpi_table_header **table)
{
    (void)existing;
    *table = NULL;
    return AE_OK;
}

acpi_status acpi_os_physical_table_override(struct acpi_table_header *existing,
                                            acpi_physical_address *address, u32 *length)
{
    (void)existing;
    *address = 0;
    *length = 0;
    return AE_OK;
}

/* ---- Memory -------------------------------------------------------------------------------- */

void *acpi_os_allocate(acpi_size size)
{
    return mm_pool_alloc_raw(size, ACPI_POOL_TAG);
}

void acpi_os_free(void *memory)
{
    mm_pool_free(memory, ACPI_POOL_TAG);
}

/* AML may name any address; one beyond the CPU's address lines cannot be mapped. */
static bool is_physical(acpi_physical_address address, acpi_size size)
{
    static acpi_physical_address limit;

    if (limit == 0)
        limit =
            1ull << FIELD_GET(X86_CPUID_E8_EAX_PHYSICAL, x86_cpuid(X86_CPUID_EXT_ADDRESSES, 0).eax);
    return address < limit && size <= limit - address;
}

void *acpi_os_map_memory(acpi_physical_address address, acpi_size size)
{
    return is_physical(address, size) ? hal_direct_map_reach(address, size) : NULL;
}

void acpi_os_unmap_memory(void *address, acpi_size size)
{
    (void)address;
    (void)size;
}

acpi_status acpi_os_read_memory(acpi_physical_address address, u64 *value, u32 width)
{
    const volatile void *at = acpi_os_map_memory(address, width / 8);

    if (at == NULL)
        return AE_BAD_ADDRESS;
    switch (width) {
    case 8:
        *value = *(const volatile u8 *)at;
        return AE_OK;
    case 16:
        *value = *(const volatile u16 *)at;
        return AE_OK;
    case 32:
        *value = *(const volatile u32 *)at;
        return AE_OK;
    case 64:
        *value = *(const volatile u64 *)at;
        return AE_OK;
    default:
        return AE_BAD_PARAMETER;
    }
}

acpi_status acpi_os_write_memory(acpi_physical_address address, u64 value, u32 width)
{
    volatile void *at = acpi_os_map_memory(address, width / 8);

    if (at == NULL)
        return AE_BAD_ADDRESS;
    switch (width) {
    case 8:
        *(volatile u8 *)at = (u8)value;
        return AE_OK;
    case 16:
        *(volatile u16 *)at = (u16)value;
        return AE_OK;
    case 32:
        *(volatile u32 *)at = (u32)value;
        return AE_OK;
    case 64:
        *(volatile u64 *)at = value;
        return AE_OK;
    default:
        return AE_BAD_PARAMETER;
    }
}

/* ---- Ports and configuration space --------------------------------------------------------- */

acpi_status acpi_os_read_port(acpi_io_address port, u32 *value, u32 width)
{
    if (port > UINT16_MAX)
        return AE_BAD_PARAMETER;
    switch (width) {
    case 8:
        *value = hal_port_read8((uint16_t)port);
        return AE_OK;
    case 16:
        *value = hal_port_read16((uint16_t)port);
        return AE_OK;
    case 32:
        *value = hal_port_read32((uint16_t)port);
        return AE_OK;
    default:
        return AE_BAD_PARAMETER;
    }
}

acpi_status acpi_os_write_port(acpi_io_address port, u32 value, u32 width)
{
    if (port > UINT16_MAX)
        return AE_BAD_PARAMETER;
    switch (width) {
    case 8:
        hal_port_write8((uint16_t)port, (uint8_t)value);
        return AE_OK;
    case 16:
        hal_port_write16((uint16_t)port, (uint16_t)value);
        return AE_OK;
    case 32:
        hal_port_write32((uint16_t)port, value);
        return AE_OK;
    default:
        return AE_BAD_PARAMETER;
    }
}

static bool pci_where(const struct acpi_pci_id *id, u32 width, uint8_t *devfn)
{
    *devfn = (uint8_t)(id->device << 3 | (id->function & 7));
    return id->bus <= UINT8_MAX && id->device < 32 && (width == 8 || width == 16 || width == 32);
}

acpi_status acpi_os_read_pci_configuration(struct acpi_pci_id *id, u32 offset, u64 *value,
                                           u32 width)
{
    uint8_t devfn;

    if (!pci_where(id, width, &devfn))
        return AE_BAD_PARAMETER;
    *value = hal_pci_read(id->segment, (uint8_t)id->bus, devfn, offset, (int)width / 8);
    return AE_OK;
}

acpi_status acpi_os_write_pci_configuration(struct acpi_pci_id *id, u32 offset, u64 value,
                                            u32 width)
{
    uint8_t devfn;

    if (!pci_where(id, width, &devfn))
        return AE_BAD_PARAMETER;
    hal_pci_write(id->segment, (uint8_t)id->bus, devfn, offset, (int)width / 8, (uint32_t)value);
    return AE_OK;
}

/* ---- Time ---------------------------------------------------------------------------------- */

/* In units of 100 ns. */
u64 acpi_os_get_timer(void)
{
    uint64_t ticks = hal_tsc_read(), frequency = hal_tsc_frequency();

    return ticks / frequency * TIMER_HZ + ticks % frequency * TIMER_HZ / frequency;
}

void acpi_os_stall(u32 microseconds)
{
    hal_stall(microseconds);
}

void acpi_os_sleep(u64 milliseconds)
{
    LARGE_INTEGER interval = {.QuadPart = -(LONGLONG)milliseconds * UNITS_PER_MS};

    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

/* ---- Messages ------------------------------------------------------------------------------ */

static struct {
    struct raw_lock lock;
    char line[MESSAGE_SIZE]; /* what came since the last newline */
    size_t used;
    uint32_t count;
} messages;

static void message_end(void)
{
    messages.line[messages.used] = '\0';
    if (messages.line[0] == ACPI_MSG_INFO[0]) /* tables met, methods run: nothing is wrong */
        messages.used = 0;
    if (messages.used > 0 && messages.count < MESSAGES_MAX)
        log_warn("%s", messages.line);
    if (messages.used > 0 && ++messages.count == MESSAGES_MAX)
        log_warn("acpi: further messages are left out");
    messages.used = 0;
}

void acpi_os_vprintf(const char *format, va_list arguments)
{
    char text[MESSAGE_SIZE];
    raw_lock_state_t state;

    lib_vsnprintf(text, sizeof(text), format, arguments);
    state = raw_lock_acquire(&messages.lock);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n')
            message_end();
        else if (messages.used + 1 < sizeof(messages.line))
            messages.line[messages.used++] = *at;
    }
    raw_lock_release(&messages.lock, state);
}

void acpi_os_printf(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    acpi_os_vprintf(format, arguments);
    va_end(arguments);
}

/* AML's Fatal and Breakpoint operators: firmware's words, not ours to obey. */
acpi_status acpi_os_signal(u32 function, void *info)
{
    const struct acpi_signal_fatal_info *fatal = info;

    if (function == ACPI_SIGNAL_FATAL && fatal != NULL)
        log_warn("acpi: firmware reports a fatal error: type %u code 0x%x argument 0x%x",
                 fatal->type, fatal->code, fatal->argument);
    return AE_OK;
}
