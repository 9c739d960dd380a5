/*
 * io/disconnect_interrupt.c - IoDisconnectInterruptEx and the routines that report a connection's
 * state: find the connection which the caller names, then hand to kernel/irq.
 *
 * A context that names no connection, or one of another version, is a bug check; disconnect=lenient
 * makes it a line in the log.
 */
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/log.h>
#include <nt/wdm.h>

#include "io/connection.h"

static bool lenient_disconnect;

void io_disconnect_set_lenient(bool lenient)
{
    lenient_disconnect = lenient;
}

static bool version_fits(const struct io_connection *connection, ULONG version)
{
    bool full = connection->version == CONNECT_FULLY_SPECIFIED ||
                connection->version == CONNECT_FULLY_SPECIFIED_GROUP;

    return version == connection->version || /* DIS-4: 1 and 4 stand for each other */
           (full &&
            (version == CONNECT_FULLY_SPECIFIED || version == CONNECT_FULLY_SPECIFIED_GROUP));
}

/*
 * The connection a context names, which must have been made with this version: else a bug check
 * (DIS-6, DIS-18, ACT-14), or with disconnect=lenient a line in the log. NULL: none, and lenient.
 */
static struct io_connection *find_connection(ULONG version, PVOID context, void *caller)
{
    struct io_connection *connection = io_connection_find(context);
    char name[64];

    if (connection && version_fits(connection, version))
        return connection;
    if (!lenient_disconnect) {
        if (!connection)
            lib_bugcheck(DRIVER_VIOLATION, 3, (uint64_t)context, version, (uint64_t)caller, NULL);
        lib_bugcheck(PNP_DETECTED_FATAL_ERROR, 9, version, (uint64_t)context, (uint64_t)caller,
                     NULL);
    }
    lib_symbol_describe((uint64_t)caller, name, sizeof name);
    if (connection)
        log_warn("irq: %s disconnects version %u as version %u", name, connection->version,
                 version);
    else
        log_warn("irq: %s disconnects %p, which is not connected", name, context);
    return connection;
}

static void set_active(ULONG version, PVOID context, bool active, void *caller)
{
    struct io_connection *connection;

    io_connection_check_irql(DISPATCH_LEVEL, caller);
    connection = find_connection(version, context, caller);
    for (ULONG i = 0; connection && i < connection->count; i++)
        irq_interrupt_set_active(&connection->interrupts[i], active);
}

static void disconnect(ULONG version, PVOID context, void *caller)
{
    struct io_connection *connection;

    io_connection_check_irql(PASSIVE_LEVEL, caller);
    connection = find_connection(version, context, caller);
    if (connection)
        io_connection_close(connection);
}

/* WDK surface */

VOID NTAPI IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters)
{
    disconnect(Parameters->Version, Parameters->ConnectionContext.Generic,
               __builtin_return_address(0));
}
LDR_EXPORT(IoDisconnectInterruptEx);

VOID NTAPI IoReportInterruptActive(PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS Parameters)
{
    set_active(Parameters->Version, Parameters->ConnectionContext.Generic, true,
               __builtin_return_address(0));
}
LDR_EXPORT(IoReportInterruptActive);

VOID NTAPI IoReportInterruptInactive(PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS Parameters)
{
    set_active(Parameters->Version, Parameters->ConnectionContext.Generic, false,
               __builtin_return_address(0));
}
LDR_EXPORT(IoReportInterruptInactive);

VOID NTAPI IoDisconnectInterrupt(PKINTERRUPT InterruptObject)
{
    disconnect(CONNECT_FULLY_SPECIFIED, InterruptObject, __builtin_return_address(0));
}
LDR_EXPORT(IoDisconnectInterrupt);
