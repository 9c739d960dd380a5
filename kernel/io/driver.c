/*
 * io/driver.c - driver objects.
 *
 * One object holds the header, struct io_driver, the DRIVER_OBJECT and its DRIVER_EXTENSION. Every
 * device a driver creates references it, so a driver object outlives its devices; the image is
 * the loader's (ldr/driver.c).
 *
 * Owns: creation, the list, client extensions, reinitialisation callbacks.
 */
#include "io/driver.h"

#include <lib/assert.h>
#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/object_types.h"
#include "ke/ob.h"

enum { DRIVER_PATH_MAX = sizeof("\\Driver\\") + IO_DRIVER_NAME_MAX };

struct io_client_extension {
    struct io_client_extension *next;
    PVOID identification;
    uint64_t reserved; /* keeps what follows 16-byte aligned */
    uint64_t reserved_too;
};

/* The body of a driver object: the DRIVER_OBJECT comes first, as drivers reference that. */
struct driver_body {
    DRIVER_OBJECT object;
    DRIVER_EXTENSION extension;
    struct io_driver driver;
    WCHAR path[DRIVER_PATH_MAX];
};

static struct io_driver *driver_list;
static struct io_driver *reinitialize_list; /* drivers to reinitialize, in the order they asked */

static void driver_destroy(void *object)
{
    struct driver_body *body = object;
    struct io_client_extension *extension = body->driver.client_extensions;

    while (extension != NULL) {
        struct io_client_extension *next = extension->next;

        io_free(extension);
        extension = next;
    }
}

const struct _OBJECT_TYPE io_driver_type = {.name = "Driver", .destroy = driver_destroy};

static NTSTATUS NTAPI driver_invalid_request(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    irp->IoStatus.Information = 0;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

static struct io_driver *driver_lookup(const char *name)
{
    struct io_driver *driver;

    for (driver = driver_list; driver != NULL; driver = driver->next)
        if (lib_stricmp(driver->name, name) == 0)
            return driver;
    return NULL;
}

/* Name and path: \Driver\<name>; ServiceKeyName is its last part. */
static void driver_set_name(struct driver_body *body, const char *name)
{
    char path[DRIVER_PATH_MAX];
    size_t length;

    lib_strlcpy(body->driver.name, name, sizeof(body->driver.name));
    lib_snprintf(path, sizeof(path), "\\Driver\\%s", body->driver.name);
    length = lib_wide_from_utf8(body->path, DRIVER_PATH_MAX - 1, path, strlen(path));
    if (length > DRIVER_PATH_MAX - 1)
        length = DRIVER_PATH_MAX - 1;
    body->object.DriverName.Buffer = body->path;
    body->object.DriverName.Length = (USHORT)(length * sizeof(WCHAR));
    body->object.DriverName.MaximumLength = (USHORT)((length + 1) * sizeof(WCHAR));
    body->extension.ServiceKeyName.Buffer = body->path + sizeof("\\Driver\\") - 1;
    body->extension.ServiceKeyName.Length =
        (USHORT)((length - (sizeof("\\Driver\\") - 1)) * sizeof(WCHAR));
    body->extension.ServiceKeyName.MaximumLength =
        body->extension.ServiceKeyName.Length + sizeof(WCHAR);
}

NTSTATUS io_driver_create(const char *name, PDRIVER_OBJECT *driver)
{
    struct driver_body *body;
    struct io_driver **link;
    bool collision;
    KIRQL irql;
    unsigned i;

    ASSERT_IRQL(PASSIVE_LEVEL);
    body = ob_create(&io_driver_type, sizeof(*body));
    if (body == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    body->object.Type = IO_TYPE_DRIVER;
    body->object.Size = sizeof(DRIVER_OBJECT);
    body->object.DriverExtension = &body->extension;
    body->extension.DriverObject = &body->object;
    body->driver.object = &body->object;
    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        body->object.MajorFunction[i] = driver_invalid_request;
    driver_set_name(body, name);

    irql = io_database_acquire();
    collision = driver_lookup(body->driver.name) != NULL;
    for (link = &driver_list; *link != NULL;)
        link = &(*link)->next;
    if (!collision)
        *link = &body->driver;
    io_database_release(irql);
    if (collision) {
        ob_dereference(body);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    *driver = &body->object;
    return STATUS_SUCCESS;
}

NTSTATUS io_driver_create_builtin(const char *name, PDRIVER_INITIALIZE init, PDRIVER_OBJECT *driver)
{
    NTSTATUS status = io_driver_create(name, driver);

    if (!NT_SUCCESS(status))
        return status;
    io_driver_of(*driver)->builtin = true;
    (*driver)->Flags |= DRVO_BUILTIN_DRIVER;
    (*driver)->DriverInit = init;
    if (init != NULL)
        status = init(*driver, NULL);
    if (!NT_SUCCESS(status)) {
        io_driver_delete(*driver);
        *driver = NULL;
    }
    return status;
}

/* Database lock held. */
static void reinitialize_unlink(struct io_driver *driver)
{
    struct io_driver **link = &reinitialize_list;

    while (*link != NULL && *link != driver)
        link = &(*link)->next_reinitialize;
    if (*link != NULL)
        *link = driver->next_reinitialize;
    driver->next_reinitialize = NULL;
}

void io_driver_delete(PDRIVER_OBJECT driver)
{
    struct io_driver *entry = io_driver_of(driver);
    struct io_driver **link;
    KIRQL irql = io_database_acquire();

    for (link = &driver_list; *link != NULL && *link != entry;)
        link = &(*link)->next;
    if (*link != NULL)
        *link = entry->next;
    reinitialize_unlink(entry);
    io_database_release(irql);
    ob_dereference(driver);
}

bool io_driver_is_busy(PDRIVER_OBJECT driver)
{
    PDEVICE_OBJECT device;
    int32_t alive = 0;
    bool open = false;
    KIRQL irql = io_database_acquire();

    for (device = driver->DeviceObject; device != NULL; device = device->NextDevice) {
        open |= device->ReferenceCount != 0;
        alive++;
    }
    io_database_release(irql);
    return open || __atomic_load_n(&io_driver_of(driver)->device_count, __ATOMIC_ACQUIRE) > alive;
}

struct io_driver *io_driver_of(PDRIVER_OBJECT driver)
{
    return &CONTAINING_RECORD(driver, struct driver_body, object)->driver;
}

PDRIVER_OBJECT io_driver_find(const char *name)
{
    PDRIVER_OBJECT object = NULL;
    struct io_driver *driver;
    KIRQL irql = io_database_acquire();

    driver = driver_lookup(name);
    if (driver != NULL) {
        object = driver->object;
        ob_reference(object);
    }
    io_database_release(irql);
    return object;
}

void io_driver_for_each(void (*visit)(struct io_driver *driver, void *context), void *context)
{
    struct io_driver *driver;
    KIRQL irql = io_database_acquire();

    for (driver = driver_list; driver != NULL; driver = driver->next)
        visit(driver, context);
    io_database_release(irql);
}

void io_drivers_reinitialize(void)
{
    for (;;) {
        KIRQL irql = io_database_acquire();
        struct io_driver *driver = reinitialize_list;
        PDRIVER_REINITIALIZE routine = NULL;
        PVOID context = NULL;

        if (driver != NULL) {
            routine = driver->reinitialize;
            context = driver->reinitialize_context;
            reinitialize_unlink(driver);
            ob_reference(driver->object);
        }
        io_database_release(irql);
        if (driver == NULL)
            return;
        driver->object->DriverExtension->Count++;
        routine(driver->object, context, driver->object->DriverExtension->Count);
        ob_dereference(driver->object);
    }
}

static struct io_client_extension *driver_extension_find(struct io_driver *driver, PVOID id)
{
    struct io_client_extension *extension = driver->client_extensions;

    while (extension != NULL && extension->identification != id)
        extension = extension->next;
    return extension;
}

/* WDK surface */

NTSTATUS NTAPI IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                               PVOID ClientIdentificationAddress,
                                               ULONG DriverObjectExtensionSize,
                                               PVOID *DriverObjectExtension)
{
    struct io_driver *driver = io_driver_of(DriverObject);
    struct io_client_extension *extension;
    bool collision;
    KIRQL irql;

    *DriverObjectExtension = NULL;
    extension = io_allocate(sizeof(*extension) + DriverObjectExtensionSize, IO_TAG_IO);
    if (extension == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    extension->identification = ClientIdentificationAddress;
    irql = io_database_acquire();
    collision = driver_extension_find(driver, ClientIdentificationAddress) != NULL;
    if (!collision) {
        extension->next = driver->client_extensions;
        driver->client_extensions = extension;
    }
    io_database_release(irql);
    if (collision) {
        io_free(extension);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    *DriverObjectExtension = extension + 1;
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoAllocateDriverObjectExtension);

PVOID NTAPI IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                       PVOID ClientIdentificationAddress)
{
    struct io_client_extension *extension;
    KIRQL irql = io_database_acquire();

    extension = driver_extension_find(io_driver_of(DriverObject), ClientIdentificationAddress);
    io_database_release(irql);
    return extension == NULL ? NULL : extension + 1;
}
LDR_EXPORT(IoGetDriverObjectExtension);

VOID NTAPI IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                            PDRIVER_REINITIALIZE DriverReinitializationRoutine,
                                            PVOID Context)
{
    struct io_driver *driver = io_driver_of(DriverObject);
    struct io_driver **link = &reinitialize_list;
    KIRQL irql = io_database_acquire();

    reinitialize_unlink(driver);
    driver->reinitialize_context = Context;
    driver->reinitialize = DriverReinitializationRoutine;
    while (*link != NULL)
        link = &(*link)->next_reinitialize;
    *link = driver;
    io_database_release(irql);
}
LDR_EXPORT(IoRegisterDriverReinitialization);
