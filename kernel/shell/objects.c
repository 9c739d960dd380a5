/*
 * Commands about what the I/O manager holds: objects, handles, irps, drvobj, devstack.
 *
 * Lists are taken under their own locks, so the rows agree with each other; the objects behind the
 * addresses may be gone by the time somebody reads them.
 */
#include <lib/bugcheck.h>
#include <lib/string.h>

#include "io/device.h"
#include "io/driver.h"
#include "io/file.h"
#include "io/irp.h"
#include "io/name.h"
#include "ke/ob.h"
#include "pnp/devnode.h"
#include "pnp/text.h"
#include "shell/command.h"
#include "shell/table.h"

enum { OBJECT_TEXT = 160, SYMBOL_TEXT = 96 };

static unsigned long long number(const void *pointer)
{
    return (uintptr_t)pointer;
}

/* ---- Names --------------------------------------------------------------------------------- */

static void path_text(char *text, size_t size, const UNICODE_STRING *path)
{
    lib_utf8_cut(text, size, path->Buffer, path->Length / sizeof(WCHAR));
}

static void add_name(const struct io_name *name, void *context)
{
    static const char *const kinds[] = {[IO_NAME_DEVICE] = "Device",
                                        [IO_NAME_LINK] = "SymbolicLink",
                                        [IO_NAME_INTERFACE] = "Interface",
                                        [IO_NAME_EVENT] = "Event"};
    struct table *table = context;
    char text[OBJECT_TEXT];

    path_text(text, sizeof(text), &name->path);
    table_text(table, "%s", text);
    table_text(table, "%s", kinds[name->kind]);
    table_number(table, number(name->object));
    text[0] = 0;
    if (name->kind == IO_NAME_LINK || name->kind == IO_NAME_INTERFACE)
        path_text(text, sizeof(text), &name->target);
    table_text(table, "%s", text);
}

static void add_driver(struct io_driver *driver, void *context)
{
    table_text(context, "\\Driver\\%s", driver->name);
    table_text(context, "Driver");
    table_number(context, number(driver->object));
    table_text(context, "%s", "");
}

static bool run_objects(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"name", TABLE_TEXT}, {"type", TABLE_TEXT}, {"object", TABLE_HEX}, {"target", TABLE_TEXT}};
    struct table *table = table_begin(columns, 4, call->json);

    io_driver_for_each(add_driver, table);
    io_name_for_each(add_name, table);
    return table_end(table);
}

static bool run_handles(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"handle", TABLE_HEX},        {"type", TABLE_TEXT},      {"object", TABLE_HEX},
        {"references", TABLE_NUMBER}, {"handles", TABLE_NUMBER}, {"name", TABLE_TEXT}};
    struct table *table = table_begin(columns, 6, call->json);
    struct ob_handle_info info;
    char text[OBJECT_TEXT];
    uint32_t index = 0;

    while (ob_handle_next(&index, &info)) {
        table_number(table, number(info.handle));
        table_text(table, "%s", info.type->name);
        table_number(table, number(info.object));
        table_number(table, (uint64_t)info.reference_count);
        table_number(table, (uint64_t)info.handle_count);
        text[0] = '\0';
        if (info.type->describe != NULL)
            info.type->describe(info.object, text, sizeof(text));
        table_text(table, "%s", text);
        ob_dereference(info.object);
    }
    return table_end(table);
}

/* ---- IRPs ---------------------------------------------------------------------------------- */

/* A driver that has the IRP, by its current location; none before it is sent and after. */
static void add_irp(PIRP irp, void *context)
{
    struct table *table = context;
    PIO_STACK_LOCATION location = irp->Tail.Overlay.CurrentStackLocation;
    bool is_sent = irp->CurrentLocation >= 1 && irp->CurrentLocation <= irp->StackCount;
    PDEVICE_OBJECT device = is_sent ? location->DeviceObject : NULL;

    table_number(table, number(irp));
    table_number(table, is_sent ? location->MajorFunction : 0);
    table_number(table, is_sent ? location->MinorFunction : 0);
    table_text(table, "%d/%d", irp->CurrentLocation, irp->StackCount);
    table_text(table, "%s", device == NULL ? "" : io_driver_of(device->DriverObject)->name);
    table_number(table, number(device));
    table_number(table,
                 irp->PendingReturned || (is_sent && location->Control & SL_PENDING_RETURNED));
    table_number(table, irp->Cancel);
}

static bool run_irps(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"irp", TABLE_HEX},       {"major", TABLE_HEX},     {"minor", TABLE_HEX},
        {"location", TABLE_TEXT}, {"driver", TABLE_TEXT},   {"device", TABLE_HEX},
        {"pending", TABLE_FLAG},  {"cancelled", TABLE_FLAG}};
    struct table *table = table_begin(columns, 8, call->json);

    io_irp_for_each(add_irp, table);
    return table_end(table);
}

/* ---- Drivers and stacks -------------------------------------------------------------------- */

static const char *const major_names[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    [IRP_MJ_CREATE] = "CREATE",
    [IRP_MJ_CLOSE] = "CLOSE",
    [IRP_MJ_READ] = "READ",
    [IRP_MJ_WRITE] = "WRITE",
    [IRP_MJ_FLUSH_BUFFERS] = "FLUSH_BUFFERS",
    [IRP_MJ_DEVICE_CONTROL] = "DEVICE_CONTROL",
    [IRP_MJ_INTERNAL_DEVICE_CONTROL] = "INTERNAL_DEVICE_CONTROL",
    [IRP_MJ_SHUTDOWN] = "SHUTDOWN",
    [IRP_MJ_CLEANUP] = "CLEANUP",
    [IRP_MJ_POWER] = "POWER",
    [IRP_MJ_SYSTEM_CONTROL] = "SYSTEM_CONTROL",
    [IRP_MJ_PNP] = "PNP",
};

static void add_routine(struct table *table, const char *name, const void *routine)
{
    char symbol[SYMBOL_TEXT];

    if (routine == NULL)
        return;
    lib_symbol_describe(number(routine), symbol, sizeof(symbol));
    table_pair(table, name, "%s", symbol);
}

static void add_devices(struct table *table, PDRIVER_OBJECT driver)
{
    KIRQL irql = io_database_acquire();

    for (PDEVICE_OBJECT device = driver->DeviceObject; device != NULL;
         device = device->NextDevice) {
        const struct io_name *name = io_device_of(device)->name;
        char text[OBJECT_TEXT] = "";

        if (name != NULL)
            path_text(text, sizeof(text), &name->path);
        table_pair(table, "device", "0x%llx %s", number(device), text);
    }
    io_database_release(irql);
}

static bool run_drvobj(const struct shell_call *call)
{
    static const struct table_column columns[] = {{"member", TABLE_TEXT}, {"value", TABLE_TEXT}};
    PDRIVER_OBJECT driver = io_driver_find(call->argv[0]);
    struct table *table;

    if (driver == NULL)
        return shell_fail("%s: no such driver is loaded", call->argv[0]);
    table = table_begin(columns, 2, call->json);
    table_pair(table, "object", "0x%llx", number(driver));
    table_pair(table, "image", "0x%llx, 0x%x bytes", number(driver->DriverStart),
               (unsigned)driver->DriverSize);
    add_routine(table, "DriverInit", driver->DriverInit);
    add_routine(table, "AddDevice", driver->DriverExtension->AddDevice);
    add_routine(table, "DriverStartIo", driver->DriverStartIo);
    add_routine(table, "DriverUnload", driver->DriverUnload);
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        if (major_names[i] != NULL)
            add_routine(table, major_names[i], driver->MajorFunction[i]);
    }
    add_devices(table, driver);
    ob_dereference(driver);
    return table_end(table);
}

static void add_stack_device(struct table *table, PDEVICE_OBJECT device)
{
    const struct io_device *io = io_device_of(device);
    const struct pnp_devnode *node = io->devnode;
    char text[OBJECT_TEXT] = "";

    if (io->name != NULL)
        path_text(text, sizeof(text), &io->name->path);
    table_number(table, number(device));
    table_text(table, "%s", io_driver_of(device->DriverObject)->name);
    table_text(table, "%s", text);
    table_number(table, device->Flags);
    table_number(table, (uint64_t)device->StackSize);
    table_text(table, "%s", node == NULL ? "" : node->instance);
}

/* From the top down. The stack's top is held by the file that was opened on it. */
static bool run_devstack(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"device", TABLE_HEX}, {"driver", TABLE_TEXT},  {"name", TABLE_TEXT},
        {"flags", TABLE_HEX},  {"stack", TABLE_NUMBER}, {"instance", TABLE_TEXT}};
    struct table *table;
    PFILE_OBJECT file;
    PDEVICE_OBJECT top;
    NTSTATUS status = io_file_open(call->argv[0], &file);
    KIRQL irql;

    if (!NT_SUCCESS(status))
        return shell_fail_status(call->argv[0], status);
    table = table_begin(columns, 6, call->json);
    top = io_device_top_reference(file->DeviceObject);
    irql = io_database_acquire();
    for (PDEVICE_OBJECT device = top; device != NULL; device = io_device_of(device)->lower)
        add_stack_device(table, device);
    io_database_release(irql);
    ob_dereference(top);
    io_file_close(file);
    return table_end(table);
}

const struct shell_command shell_object_commands[] = {
    {"objects", "", "drivers, devices, links and events by name", 0, 0, run_objects},
    {"handles", "", "open handles", 0, 0, run_handles},
    {"irps", "", "IRPs that are allocated, and who has them", 0, 0, run_irps},
    {"drvobj", "NAME", "a driver object: its routines and devices", 1, 1, run_drvobj},
    {"devstack", "NAME", "the stack of a device, from the top", 1, 1, run_devstack},
    {0},
};
