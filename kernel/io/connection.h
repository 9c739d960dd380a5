/*
 * io/connection.h - one successful connect call: its interrupt objects and, for messages, the
 * message table. The driver holds the address of the first object or of the table; every use of
 * such an address is looked up here first, so that a wrong one is recognised, not followed.
 */
#pragma once

#include <nt/wdm.h>

#include "irq/interrupt.h"

struct io_connection {
    LIST_ENTRY entry;
    ULONG version;           /* what the connect call returned */
    ULONG requested_version; /* what it was asked for */
    PVOID context;           /* &interrupts[0] or table */
    PDEVICE_OBJECT device;   /* PDO; NULL for the legacy routine */
    PIO_INTERRUPT_MESSAGE_INFO table;
    ULONG count;
    struct _KINTERRUPT interrupts[];
};

/* What a caller asked for, decoded and checked. */
struct io_connect_request {
    ULONG version;
    PDEVICE_OBJECT device;
    PVOID *context_out;
    PKMESSAGE_SERVICE_ROUTINE routine;
    PVOID service_context;
    PKSPIN_LOCK lock;
    KIRQL synchronize_irql; /* exact or a floor, as `floor` says */
    bool floor;
    bool passive;
    bool share_given; /* `share` is the caller's, else the resource's ShareDisposition */
    bool share;
    bool with_table;
};

/* Memory for `count` objects (and a table); NULL: none. */
struct io_connection *io_connection_create(const struct io_connect_request *request, ULONG count);
/* Enter it into the list, publish it to the driver, connect every object. All or nothing. */
NTSTATUS io_connection_open(struct io_connection *connection, PVOID *context_out);
/* Disconnect every object, free all. */
void io_connection_close(struct io_connection *connection);

/* By the driver's context, or by any of its interrupt objects. NULL: not one of ours. Any IRQL. */
struct io_connection *io_connection_find(PVOID context);
struct io_connection *io_connection_find_object(PKINTERRUPT interrupt);
/*
 * A device has lost its resources (CIE-LIFE-14), or a driver's image is about to go
 * (CIE-LIFE-15): a connection that still names one is a bug check, DRIVER_VIOLATION 4 with
 * service routine, interrupt object and device.
 */
void io_connection_expect_none(PDEVICE_OBJECT device);
void io_connection_expect_none_in(const void *image, size_t size);

/* Bug check 0x121 if the routine that `caller` called allows no IRQL above `highest`. */
void io_connection_check_irql(irql_t highest, void *caller);

/* disconnect=lenient: what a driver disconnects wrongly is logged and done all the same. */
void io_disconnect_set_lenient(bool lenient);
