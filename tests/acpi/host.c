/*
 * What lies below kernel/acpi, on the host: pool, log, semaphores, ports, memory, time.
 *
 * One thread: a semaphore that is not free will never be, so waiting for it times out at once.
 */
#include "host.h"

#include <hal/hal.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>
#include <nt/wdm.h>
#include <stdio.h>
#include <stdlib.h>

#include "acpi/os.h"

enum { PAGE = 4096, TSC_HZ = 1000000000 };

struct memory {
    struct memory *next;
    uint64_t address;
    uint64_t size;
    uint8_t *bytes;
};

bool host_is_verbose;

static struct memory *memories;

/* ---- Memory -------------------------------------------------------------------------------- */

void host_memory_add(uint64_t address, void *bytes, size_t size)
{
    struct memory *memory = calloc(1, sizeof(*memory));

    *memory = (struct memory){memories, address, size, bytes};
    memories = memory;
}

/* Pages that nobody put there appear, cleared, when somebody looks. */
void *hal_direct_map_reach(phys_addr_t address, uint64_t size)
{
    uint64_t base = address & ~(uint64_t)(PAGE - 1);
    uint64_t length = (address + size - base + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    void *bytes;

    for (struct memory *memory = memories; memory != NULL; memory = memory->next) {
        if (address >= memory->address && size <= memory->size &&
            address - memory->address <= memory->size - size)
            return memory->bytes + (address - memory->address);
    }
    bytes = calloc(1, length);
    if (bytes == NULL)
        return NULL;
    host_memory_add(base, bytes, length);
    return (uint8_t *)bytes + (address - base);
}

void *mm_pool_alloc(size_t size, uint32_t tag)
{
    (void)tag;
    return calloc(1, size > 0 ? size : 1);
}

void *mm_pool_alloc_raw(size_t size, uint32_t tag)
{
    (void)tag;
    return malloc(size > 0 ? size : 1);
}

void mm_pool_free(void *block, uint32_t tag)
{
    (void)tag;
    free(block);
}

/* ---- Ports, configuration space, time ------------------------------------------------------ */

static uint8_t ports[UINT16_MAX + 1 + sizeof(uint32_t)];

uint8_t hal_port_read8(uint16_t port)
{
    return ports[port];
}

uint16_t hal_port_read16(uint16_t port)
{
    uint16_t value;

    memcpy(&value, &ports[port], sizeof(value));
    return value;
}

uint32_t hal_port_read32(uint16_t port)
{
    uint32_t value;

    memcpy(&value, &ports[port], sizeof(value));
    return value;
}

void hal_port_write8(uint16_t port, uint8_t value)
{
    ports[port] = value;
}

void hal_port_write16(uint16_t port, uint16_t value)
{
    memcpy(&ports[port], &value, sizeof(value));
}

void hal_port_write32(uint16_t port, uint32_t value)
{
    memcpy(&ports[port], &value, sizeof(value));
}

uint32_t hal_pci_read(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width)
{
    (void)segment;
    (void)bus;
    (void)devfn;
    (void)offset;
    (void)width;
    return 0;
}

void hal_pci_write(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width,
                   uint32_t value)
{
    (void)segment;
    (void)bus;
    (void)devfn;
    (void)offset;
    (void)width;
    (void)value;
}

/* Time passes as it is looked at: a loop that waits for something ends by its own time limit. */
static uint64_t now;

uint64_t hal_tsc_read(void)
{
    return now += TSC_HZ / 1000;
}

uint64_t hal_tsc_frequency(void)
{
    return TSC_HZ;
}

void hal_stall(uint32_t microseconds)
{
    now += (uint64_t)microseconds * (TSC_HZ / 1000000);
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                      PLARGE_INTEGER Interval)
{
    (void)WaitMode;
    (void)Alertable;
    now += (uint64_t)-Interval->QuadPart * (TSC_HZ / 10000000);
    return STATUS_SUCCESS;
}

/* ---- Operation regions --------------------------------------------------------------------- */

/*
 * acpiexec, which made the expected routes, refuses an access that begins inside a region of memory
 * and ends outside of it; ACPICA's own handler, in slack mode, makes it. The linker puts this one
 * in the handler's place (--wrap).
 */
acpi_status __real_acpi_ex_system_memory_space_handler(u32 function, acpi_physical_address address,
                                                       u32 width, u64 *value, void *handler_context,
                                                       void *region_context);
acpi_status __wrap_acpi_ex_system_memory_space_handler(u32 function, acpi_physical_address address,
                                                       u32 width, u64 *value, void *handler_context,
                                                       void *region_context);

acpi_status __wrap_acpi_ex_system_memory_space_handler(u32 function, acpi_physical_address address,
                                                       u32 width, u64 *value, void *handler_context,
                                                       void *region_context)
{
    const struct acpi_mem_space_context *region = region_context;

    if (address + width / 8 > region->address + region->length)
        return AE_AML_REGION_LIMIT;
    return __real_acpi_ex_system_memory_space_handler(function, address, width, value,
                                                      handler_context, region_context);
}

/* ---- Semaphores, threads ------------------------------------------------------------------- */

VOID NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    Semaphore->Header.SignalState = Count;
    Semaphore->Limit = Limit;
}

LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment,
                              BOOLEAN Wait)
{
    LONG before = Semaphore->Header.SignalState;

    (void)Increment;
    (void)Wait;
    Semaphore->Header.SignalState = before + Adjustment;
    return before;
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason,
                                     KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                     PLARGE_INTEGER Timeout)
{
    PRKSEMAPHORE semaphore = Object;

    (void)WaitReason;
    (void)WaitMode;
    (void)Alertable;
    (void)Timeout;
    if (semaphore->Header.SignalState == 0)
        return STATUS_TIMEOUT;
    semaphore->Header.SignalState--;
    return STATUS_SUCCESS;
}

acpi_thread_id acpi_os_get_thread_id(void)
{
    return 1;
}

/* Notifications and the like: nobody listens here. */
acpi_status acpi_os_execute(acpi_execute_type type, acpi_osd_exec_callback function, void *context)
{
    (void)type;
    (void)function;
    (void)context;
    return AE_OK;
}

void acpi_os_wait_events_complete(void)
{
}

acpi_status acpi_os_install_interrupt_handler(u32 number, acpi_osd_handler routine, void *context)
{
    (void)number;
    (void)routine;
    (void)context;
    return AE_OK;
}

acpi_status acpi_os_remove_interrupt_handler(u32 number, acpi_osd_handler routine)
{
    (void)number;
    (void)routine;
    return AE_OK;
}

acpi_status acpi_os_enter_sleep(u8 state, u32 control_a, u32 control_b)
{
    (void)state;
    (void)control_a;
    (void)control_b;
    return AE_OK;
}

/* ---- Text ---------------------------------------------------------------------------------- */

static void log_line(const char *kind, const char *format, va_list arguments)
{
    if (!host_is_verbose)
        return;
    fputs(kind, stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void log_info(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line("", format, arguments);
    va_end(arguments);
}

void log_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line("warning: ", format, arguments);
    va_end(arguments);
}

int lib_vsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    return vsnprintf(buffer, size, format, arguments);
}

int lib_snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

size_t lib_strlcpy(char *destination, const char *source, size_t size)
{
    return (size_t)snprintf(destination, size, "%s", source);
}
