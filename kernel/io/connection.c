/*
 * io/connection.c - the life of a connection: one allocation, one list entry.
 */
#include "io/connection.h"

#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/log.h>

#include "irq/passive.h"
#include "ke/lock.h"
#include "mm/pool.h"

#define CONNECTION_TAG MM_TAG("IoCn")

static LIST_ENTRY connections = {&connections, &connections};
static ke_lock_t connections_lock;

struct io_connection *io_connection_create(const struct io_connect_request *request, ULONG count)
{
    size_t objects = sizeof(struct io_connection) + count * sizeof(struct _KINTERRUPT);
    size_t table = request->with_table ? FIELD_OFFSET(IO_INTERRUPT_MESSAGE_INFO, MessageInfo) +
                                             count * sizeof(IO_INTERRUPT_MESSAGE_INFO_ENTRY)
                                       : 0;
    struct io_connection *connection = mm_pool_alloc(objects + table, CONNECTION_TAG);

    if (!connection)
        return NULL;
    connection->version = connection->requested_version = request->version;
    connection->device = request->device;
    connection->count = count;
    connection->context = &connection->interrupts[0];
    if (table) {
        connection->table = (PIO_INTERRUPT_MESSAGE_INFO)((char *)connection + objects);
        connection->context = connection->table;
    }
    return connection;
}

static void list_insert(struct io_connection *connection)
{
    uint64_t flags = ke_lock_acquire_irqoff(&connections_lock);
    InsertHeadList(&connections, &connection->entry);
    ke_lock_release_irqoff(&connections_lock, flags);
}

static void list_remove_entry(struct io_connection *connection)
{
    uint64_t flags = ke_lock_acquire_irqoff(&connections_lock);
    RemoveEntryList(&connection->entry);
    ke_lock_release_irqoff(&connections_lock, flags);
}

/* Objects 0..count-1 are connected. */
static void disconnect_objects(struct io_connection *connection, ULONG count)
{
    while (count--)
        irq_interrupt_disconnect(&connection->interrupts[count]);
}

NTSTATUS io_connection_open(struct io_connection *connection, PVOID *context_out)
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG done = 0;

    list_insert(connection);
    *context_out = connection->context; /* before the first ISR can run: CIE-OUT-8 */
    for (; done < connection->count; done++) {
        PKINTERRUPT interrupt = &connection->interrupts[done];
        if (interrupt->passive)
            status = irq_passive_create(interrupt);
        if (NT_SUCCESS(status)) {
            status = irq_interrupt_connect(interrupt);
            if (!NT_SUCCESS(status) && interrupt->passive)
                irq_passive_destroy(interrupt);
        }
        if (!NT_SUCCESS(status))
            break;
    }
    if (NT_SUCCESS(status))
        return status;
    disconnect_objects(connection, done);
    *context_out = NULL; /* CIE-FULL-5 */
    list_remove_entry(connection);
    mm_pool_free(connection, CONNECTION_TAG);
    return status;
}

void io_connection_close(struct io_connection *connection)
{
    disconnect_objects(connection, connection->count);
    list_remove_entry(connection);
    mm_pool_free(connection, CONNECTION_TAG);
}

static bool is_object_of(const struct io_connection *connection, PKINTERRUPT interrupt)
{
    for (ULONG i = 0; i < connection->count; i++)
        if (interrupt == &connection->interrupts[i])
            return true;
    return false;
}

struct io_connection *io_connection_find(PVOID context)
{
    uint64_t flags = ke_lock_acquire_irqoff(&connections_lock);
    struct io_connection *found = NULL;

    for (LIST_ENTRY *e = connections.Flink; e != &connections && !found; e = e->Flink) {
        struct io_connection *connection = CONTAINING_RECORD(e, struct io_connection, entry);
        if (connection->context == context)
            found = connection;
    }
    ke_lock_release_irqoff(&connections_lock, flags);
    return found;
}

struct io_connection *io_connection_find_object(PKINTERRUPT interrupt)
{
    uint64_t flags = ke_lock_acquire_irqoff(&connections_lock);
    struct io_connection *found = NULL;

    for (LIST_ENTRY *e = connections.Flink; e != &connections && !found; e = e->Flink) {
        struct io_connection *connection = CONTAINING_RECORD(e, struct io_connection, entry);
        if (is_object_of(connection, interrupt))
            found = connection;
    }
    ke_lock_release_irqoff(&connections_lock, flags);
    return found;
}

/* BC-121-1 knows kinds 1 and 2 only; 3 and 4 are ours: docs/api.md. */
static _Noreturn void stays_connected(const struct _KINTERRUPT *interrupt)
{
    char name[64];

    lib_symbol_describe((uint64_t)interrupt->routine, name, sizeof name);
    log_error("irq: %s is still connected to %s", name, interrupt->line->name);
    lib_bugcheck(DRIVER_VIOLATION, 4, (uint64_t)interrupt->routine, (uint64_t)interrupt,
                 (uint64_t)interrupt->device, NULL);
}

void io_connection_expect_none(PDEVICE_OBJECT device)
{
    uint64_t flags = ke_lock_acquire_irqoff(&connections_lock);

    for (LIST_ENTRY *e = connections.Flink; e != &connections; e = e->Flink) {
        struct io_connection *connection = CONTAINING_RECORD(e, struct io_connection, entry);
        if (connection->device == device)
            stays_connected(&connection->interrupts[0]);
    }
    ke_lock_release_irqoff(&connections_lock, flags);
}

void io_connection_expect_none_in(const void *image, size_t size)
{
    uint64_t flags = ke_lock_acquire_irqoff(&connections_lock);

    for (LIST_ENTRY *e = connections.Flink; e != &connections; e = e->Flink) {
        PKINTERRUPT first = CONTAINING_RECORD(e, struct io_connection, entry)->interrupts;
        if ((uintptr_t)first->routine - (uintptr_t)image < size)
            stays_connected(first);
    }
    ke_lock_release_irqoff(&connections_lock, flags);
}

void io_connection_check_irql(irql_t highest, void *caller)
{
    irql_t irql = hal_irql_read();

    if (irql > highest) /* CIE-STAT-5; BC-121-1: 2 = IRQL too high */
        lib_bugcheck(DRIVER_VIOLATION, 2, irql, highest, (uint64_t)caller, NULL);
}
