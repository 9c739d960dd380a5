/*
 * io/connect_interrupt.c - IoConnectInterruptEx: decode, then hand to kernel/irq.
 *
 * Every version ends in the same three steps: decode the parameters into a request (all errors, no
 * effect), pick the interrupts of the device that it means, open a connection to them. The order
 * of the checks is CIE-STAT-3: version, device, pointers, passive rules, levels, processors,
 * resources, sharing, memory.
 *
 *   1, 4  fully specified   one vector, everything stated by the caller
 *   2     line based        all lines of the device, one routine
 *   3     message based     all messages, a table; else the lines by the fall-back routine
 *   5     message based, passive: not documented by Microsoft; CIE-VER-8, see docs/api.md
 */
#include <lib/export.h>
#include <nt/wdm.h>

#include "io/connection.h"
#include "io/device.h"
#include "ke/version.h"
#include "parse/pci_location.h"

typedef IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS full_parameters;
typedef IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS line_parameters;
typedef IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS message_parameters;

enum { FIRST_DEVICE_IRQL = 3 };

/* ---- filling in the objects ----------------------------------------------------------------- */

static KIRQL assigned_irql(const struct io_interrupt *interrupt)
{
    return interrupt->passive ? PASSIVE_LEVEL : irq_line_irql(interrupt->line);
}

/* Highest level of the lines, or of the messages, of a device. */
static KIRQL highest_irql(const struct io_interrupt_assignment *assigned, bool message)
{
    KIRQL highest = PASSIVE_LEVEL;

    for (uint32_t i = 0; i < assigned->count; i++)
        if (assigned->interrupts[i].message == message &&
            assigned_irql(&assigned->interrupts[i]) > highest)
            highest = assigned_irql(&assigned->interrupts[i]);
    return highest;
}

static uint32_t count_kind(const struct io_interrupt_assignment *assigned, bool message)
{
    uint32_t count = 0;

    for (uint32_t i = 0; assigned && i < assigned->count; i++)
        count += assigned->interrupts[i].message == message;
    return count;
}

static void fill_object(PKINTERRUPT object, const struct io_connect_request *request,
                        const struct io_interrupt *interrupt, ULONG message_id, KIRQL highest)
{
    KIRQL synchronize = request->synchronize_irql;

    if (request->floor && synchronize < highest)
        synchronize = highest; /* CIE-SYNC-8 */
    object->line = interrupt->line;
    object->routine = request->routine;
    object->service_context = request->service_context;
    object->message_id = message_id;
    object->lock = request->lock ? request->lock : &object->own_lock;
    object->irql = request->passive ? PASSIVE_LEVEL : irq_line_irql(interrupt->line);
    object->synchronize_irql = request->passive ? PASSIVE_LEVEL : synchronize;
    object->passive = request->passive;
    object->share = request->share_given ? request->share : interrupt->shared;
    object->device = request->device;
    object->location =
        request->device ? io_device_of(request->device)->location : PCI_LOCATION_NONE;
}

static void fill_table_entry(PIO_INTERRUPT_MESSAGE_INFO_ENTRY entry, PKINTERRUPT object)
{
    struct irq_line *line = object->line;
    struct irq_chip_state state = {0};

    line->chip->read(&line->source, &state);
    entry->MessageAddress.QuadPart = (LONGLONG)state.message_address;
    entry->MessageData = state.message_data;
    entry->TargetProcessorSet = irq_line_affinity(line);
    entry->InterruptObject = object;
    entry->Vector = line->route.vector.value;
    entry->Irql = irq_line_irql(line);
    entry->Mode = Latched;
    entry->Polarity = InterruptActiveHigh;
}

/* Connect to all lines, or all messages, of the device. */
static NTSTATUS connect_all(const struct io_connect_request *request,
                            const struct io_interrupt_assignment *assigned, bool message,
                            struct io_connection **connection_out)
{
    uint32_t count = count_kind(assigned, message);
    KIRQL highest = highest_irql(assigned, message);
    struct io_connection *connection = io_connection_create(request, count);
    ULONG n = 0;

    if (!connection)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (uint32_t i = 0; i < assigned->count; i++) {
        PKINTERRUPT object = &connection->interrupts[n];
        if (assigned->interrupts[i].message != message)
            continue;
        fill_object(object, request, &assigned->interrupts[i], message ? n : 0, highest);
        if (connection->table)
            fill_table_entry(&connection->table->MessageInfo[n], object);
        n++;
    }
    if (connection->table) {
        connection->table->MessageCount = count;
        connection->table->UnifiedIrql = connection->interrupts[0].synchronize_irql;
    }
    *connection_out = connection;
    return STATUS_SUCCESS;
}

/* ---- the versions --------------------------------------------------------------------------- */

/* CIE-FULL-30 to -33 and -28; `passive` out. */
static NTSTATUS check_full_levels(const full_parameters *full, bool *passive)
{
    *passive = full->Irql == PASSIVE_LEVEL && full->SynchronizeIrql == PASSIVE_LEVEL;
    if (*passive)
        return full->SpinLock ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
    if (full->Irql < FIRST_DEVICE_IRQL || full->SynchronizeIrql < full->Irql ||
        full->SynchronizeIrql > HIGH_LEVEL)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* Parked processors count: a driver was told of them before. */
static KAFFINITY group_processors(USHORT group)
{
    uint32_t count = KeQueryMaximumProcessorCountEx(group);

    return count < 64 ? (1ull << count) - 1 : ~0ull;
}

/* CIE-FULL-20 to -23. */
static NTSTATUS check_processors(ULONG version, const full_parameters *full, USHORT *group)
{
    *group = version == CONNECT_FULLY_SPECIFIED_GROUP ? full->Group : 0;
    if (*group >= KeQueryActiveGroupCount())
        return STATUS_INVALID_PARAMETER;
    if (!(full->ProcessorEnableMask & group_processors(*group)))
        return STATUS_INVALID_PARAMETER_10;
    return STATUS_SUCCESS;
}

/*
 * The assigned interrupt a fully specified call means. Vectors are per CPU, so two messages of one
 * device may bear the same number: the processor mask tells them apart.
 */
static const struct io_interrupt *find_vector(const struct io_interrupt_assignment *assigned,
                                              const full_parameters *full, USHORT group)
{
    const struct io_interrupt *found = NULL;

    for (uint32_t i = 0; assigned && i < assigned->count; i++) {
        const struct io_interrupt *interrupt = &assigned->interrupts[i];
        const struct irq_line *line = interrupt->line;
        if (line->home_vector.value != full->Vector)
            continue;
        if (irq_line_is_home(line, full->Vector, group, full->ProcessorEnableMask))
            return interrupt;
        found = interrupt;
    }
    return found;
}

static NTSTATUS check_full_interrupt(const full_parameters *full, bool passive,
                                     const struct io_interrupt *interrupt)
{
    const struct irq_line *line = interrupt->line;

    if ((KINTERRUPT_MODE)line->route.trigger != full->InterruptMode)
        return STATUS_INVALID_PARAMETER; /* CIE-FULL-27 */
    if (passive)
        return interrupt->message ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS; /* CIE-PASS-18 */
    return full->Irql == assigned_irql(interrupt) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static NTSTATUS open_one(const struct io_connect_request *request,
                         const struct io_interrupt *interrupt)
{
    struct io_connection *connection = io_connection_create(request, 1);

    if (!connection)
        return STATUS_INSUFFICIENT_RESOURCES;
    fill_object(&connection->interrupts[0], request, interrupt, 0, 0);
    return io_connection_open(connection, request->context_out);
}

static NTSTATUS connect_full(ULONG version, const full_parameters *full)
{
    struct io_connect_request request = {
        .version = version,
        .device = full->PhysicalDeviceObject,
        .context_out = (PVOID *)full->InterruptObject,
        .routine = (PKMESSAGE_SERVICE_ROUTINE)(void *)full->ServiceRoutine,
        .service_context = full->ServiceContext,
        .lock = full->SpinLock,
        .synchronize_irql = full->SynchronizeIrql,
        .share_given = true,
        .share = full->ShareVector,
    };
    const struct io_interrupt *interrupt;
    NTSTATUS status = check_full_levels(full, &request.passive);
    USHORT group;

    if (!NT_SUCCESS(status))
        return status;
    status = check_processors(version, full, &group);
    if (!NT_SUCCESS(status))
        return status;
    interrupt = find_vector(io_interrupt_assignment_get(full->PhysicalDeviceObject), full, group);
    if (!interrupt)
        return STATUS_NOT_FOUND; /* CIE-FULL-24, -26 */
    status = check_full_interrupt(full, request.passive, interrupt);
    if (!NT_SUCCESS(status))
        return status;
    return open_one(&request, interrupt);
}

/* Version 2, and the fall-back of 3 and 5. `passive_asked`: version 5. */
static NTSTATUS connect_line(struct io_connect_request *request, bool passive_asked)
{
    const struct io_interrupt_assignment *assigned = io_interrupt_assignment_get(request->device);
    struct io_connection *connection;
    NTSTATUS status;

    if (request->synchronize_irql > HIGH_LEVEL)
        return STATUS_INVALID_PARAMETER;
    if (count_kind(assigned, true))
        return STATUS_INVALID_DEVICE_REQUEST; /* CIE-LINE-12, -13 */
    if (!count_kind(assigned, false))
        return STATUS_NOT_FOUND; /* CIE-LINE-14 */
    request->passive = passive_asked || (request->synchronize_irql == PASSIVE_LEVEL &&
                                         highest_irql(assigned, false) == PASSIVE_LEVEL);
    if (request->passive && request->lock)
        return STATUS_INVALID_PARAMETER; /* CIE-LINE-8 */
    request->floor = true;
    status = connect_all(request, assigned, false, &connection);
    if (!NT_SUCCESS(status))
        return status;
    return io_connection_open(connection, request->context_out);
}

static NTSTATUS connect_line_based(const line_parameters *line)
{
    struct io_connect_request request = {
        .version = CONNECT_LINE_BASED,
        .device = line->PhysicalDeviceObject,
        .context_out = (PVOID *)line->InterruptObject,
        .routine = (PKMESSAGE_SERVICE_ROUTINE)(void *)line->ServiceRoutine,
        .service_context = line->ServiceContext,
        .lock = line->SpinLock,
        .synchronize_irql = line->SynchronizeIrql,
    };

    return connect_line(&request, false);
}

static NTSTATUS connect_fall_back(const message_parameters *message,
                                  struct io_connect_request *request, PULONG version)
{
    ULONG asked = *version;
    NTSTATUS status;

    if (!message->FallBackServiceRoutine)
        return STATUS_NOT_FOUND; /* CIE-MSG-14 */
    request->routine = (PKMESSAGE_SERVICE_ROUTINE)(void *)message->FallBackServiceRoutine;
    request->version = CONNECT_LINE_BASED;
    *version = CONNECT_LINE_BASED; /* before the ISR can look: CIE-OUT-2 */
    status = connect_line(request, asked == CONNECT_MESSAGE_BASED_PASSIVE);
    if (!NT_SUCCESS(status))
        *version = asked; /* CIE-OUT-6 */
    return status;
}

static NTSTATUS connect_message(const message_parameters *message, PULONG version)
{
    struct io_connect_request request = {
        .version = *version,
        .device = message->PhysicalDeviceObject,
        .context_out = message->ConnectionContext.Generic,
        .routine = message->MessageServiceRoutine,
        .service_context = message->ServiceContext,
        .lock = message->SpinLock,
        .synchronize_irql = message->SynchronizeIrql,
        .floor = true,
        .passive = *version == CONNECT_MESSAGE_BASED_PASSIVE,
    };
    const struct io_interrupt_assignment *assigned =
        io_interrupt_assignment_get(message->PhysicalDeviceObject);
    struct io_connection *connection;
    NTSTATUS status;

    if (message->SynchronizeIrql > HIGH_LEVEL || (request.passive && message->SpinLock))
        return STATUS_INVALID_PARAMETER;
    if (!count_kind(assigned, true)) {
        if (!count_kind(assigned, false))
            return STATUS_NOT_FOUND; /* CIE-MSG-15 */
        return connect_fall_back(message, &request, version);
    }
    request.with_table = true;
    request.share_given = true;
    request.share = true; /* several messages of the device may share one vector */
    status = connect_all(&request, assigned, true, &connection);
    if (!NT_SUCCESS(status))
        return status;
    return io_connection_open(connection, request.context_out);
}

/* ---- common checks -------------------------------------------------------------------------- */

/* Members at the same place in every version (CIE-LAY-3). */
static NTSTATUS check_common(const full_parameters *common)
{
    if (!common->PhysicalDeviceObject)
        return STATUS_INVALID_PARAMETER; /* CIE-FULL-2 */
    if (!io_device_is_pdo(common->PhysicalDeviceObject))
        return STATUS_INVALID_PARAMETER; /* CIE-STAT-7 */
    if (!common->InterruptObject || !common->ServiceRoutine)
        return STATUS_INVALID_PARAMETER; /* CIE-FULL-4, -7, CIE-MSG-5, -16 */
    return STATUS_SUCCESS;
}

/* WDK surface */

NTSTATUS NTAPI IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters)
{
    NTSTATUS status;

    io_connection_check_irql(PASSIVE_LEVEL, __builtin_return_address(0));
    if (!ke_version_has_messages() && Parameters->Version != CONNECT_FULLY_SPECIFIED) {
        Parameters->Version = CONNECT_FULLY_SPECIFIED; /* IOX-3: an older system */
        return STATUS_NOT_SUPPORTED;
    }
    if (Parameters->Version < CONNECT_FULLY_SPECIFIED ||
        Parameters->Version > CONNECT_MESSAGE_BASED_PASSIVE)
        return STATUS_INVALID_PARAMETER_1; /* CIE-VER-9 */
    status = check_common(&Parameters->FullySpecified);
    if (!NT_SUCCESS(status))
        return status;
    switch (Parameters->Version) {
    case CONNECT_LINE_BASED:
        return connect_line_based(&Parameters->LineBased);
    case CONNECT_MESSAGE_BASED:
    case CONNECT_MESSAGE_BASED_PASSIVE:
        return connect_message(&Parameters->MessageBased, &Parameters->Version);
    default:
        return connect_full(Parameters->Version, &Parameters->FullySpecified);
    }
}
LDR_EXPORT(IoConnectInterruptEx);

NTSTATUS NTAPI IoGetAffinityInterrupt(PKINTERRUPT InterruptObject, PGROUP_AFFINITY GroupAffinity)
{
    if (!InterruptObject || !io_connection_find_object(InterruptObject))
        return STATUS_INVALID_PARAMETER; /* AFF-4 */
    *GroupAffinity = (GROUP_AFFINITY){
        .Mask = irq_line_affinity(InterruptObject->line),
        .Group = irq_line_group(InterruptObject->line),
    };
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoGetAffinityInterrupt);

/* LEG-15: version 1 without a device; what the call names is looked up by vector and mask. */
NTSTATUS NTAPI IoConnectInterrupt(PKINTERRUPT *InterruptObject, PKSERVICE_ROUTINE ServiceRoutine,
                                  PVOID ServiceContext, PKSPIN_LOCK SpinLock, ULONG Vector,
                                  KIRQL Irql, KIRQL SynchronizeIrql, KINTERRUPT_MODE InterruptMode,
                                  BOOLEAN ShareVector, KAFFINITY ProcessorEnableMask,
                                  BOOLEAN FloatingSave)
{
    struct io_connect_request request = {
        .version = CONNECT_FULLY_SPECIFIED,
        .context_out = (PVOID *)InterruptObject,
        .routine = (PKMESSAGE_SERVICE_ROUTINE)(void *)ServiceRoutine,
        .service_context = ServiceContext,
        .lock = SpinLock,
        .synchronize_irql = SynchronizeIrql,
        .share_given = true,
        .share = ShareVector,
    };
    struct io_interrupt interrupt = {0};

    (void)FloatingSave; /* CIE-FULL-13 */
    io_connection_check_irql(PASSIVE_LEVEL, __builtin_return_address(0));
    if (!InterruptObject || !ServiceRoutine || Irql < FIRST_DEVICE_IRQL || SynchronizeIrql < Irql ||
        SynchronizeIrql > HIGH_LEVEL || Vector >= VECTOR_COUNT)
        return STATUS_INVALID_PARAMETER;
    if (!(ProcessorEnableMask & group_processors(0)))
        return STATUS_INVALID_PARAMETER; /* LEG-2 */
    interrupt.line = irq_line_find((vector_t){(uint8_t)Vector}, 0, ProcessorEnableMask);
    if (!interrupt.line || irq_line_irql(interrupt.line) != Irql ||
        (KINTERRUPT_MODE)interrupt.line->route.trigger != InterruptMode)
        return STATUS_INVALID_PARAMETER;
    return open_one(&request, &interrupt);
}
LDR_EXPORT(IoConnectInterrupt);
