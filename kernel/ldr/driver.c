/*
 * ldr/driver.c - from a mapped image to a running driver, and back.
 *
 * The entry point runs in the caller's system thread at PASSIVE_LEVEL. A driver that fails there
 * should have undone everything, as one that is unloaded; devices it left behind are deleted here
 * with a warning, so that nothing points into the image, and the verifier looks for the rest.
 *
 * Owns: calling DriverEntry and DriverUnload. Owns not: the DRIVER_OBJECT (io/driver.c), devices.
 */
#include <lib/assert.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/connection.h"
#include "io/driver.h"
#include "io/notification.h"
#include "ke/notify.h"
#include "ke/verifier.h"
#include "ldr/internal.h"

#define SERVICES_PATH "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"

#define DRIVERS_PATH "\\SystemRoot\\System32\\drivers\\"

enum { REGISTRY_PATH_MAX = sizeof(SERVICES_PATH) + IO_DRIVER_NAME_MAX };

static void driver_drop_devices(PDRIVER_OBJECT driver)
{
    while (driver->DeviceObject != NULL) {
        log_warn("ldr: %s left a device object behind", io_driver_of(driver)->name);
        IoDeleteDevice(driver->DeviceObject);
    }
}

/* Its image goes next: nothing of it may run, or be pointed to, any more. */
static void driver_end(PDRIVER_OBJECT driver, const struct ldr_image *image)
{
    io_notify_forget(driver);
    driver_drop_devices(driver);
    io_connection_expect_none_in((const void *)image->base, image->size);
    if (ke_verifier != NULL)
        ke_verifier->unloading(image->name, image->base, image->size);
    KeFlushQueuedDpcs(); /* FLU-4 */
    if (ke_verifier != NULL)
        ke_verifier->unloaded(image->name, image->base, image->size);
    io_driver_delete(driver);
}

static NTSTATUS driver_call_entry(PDRIVER_OBJECT driver, const char *service)
{
    WCHAR wide[REGISTRY_PATH_MAX];
    char text[REGISTRY_PATH_MAX];
    UNICODE_STRING path = {.Buffer = wide, .MaximumLength = sizeof(wide)};
    NTSTATUS status;
    size_t length;

    lib_snprintf(text, sizeof(text), "%s%s", SERVICES_PATH, service);
    length = lib_wide_from_utf8(wide, REGISTRY_PATH_MAX - 1, text, strlen(text));
    wide[length < REGISTRY_PATH_MAX ? length : REGISTRY_PATH_MAX - 1] = 0;
    path.Length = (USHORT)(length * sizeof(WCHAR));
    status = driver->DriverInit(driver, &path);
    if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
        log_error("ldr: %s: DriverEntry returned at IRQL %u", service, KeGetCurrentIrql());
        KeLowerIrql(PASSIVE_LEVEL);
    }
    return status;
}

/* The path a driver's file has on Windows. */
static void driver_notify(const struct ldr_image *image)
{
    char path[sizeof(DRIVERS_PATH) + LDR_NAME_MAX];

    lib_snprintf(path, sizeof(path), "%s%s", DRIVERS_PATH, image->name);
    ke_notify_image(path, image->base, image->size);
}

NTSTATUS ldr_driver_start(struct ldr_image *image, const char *service, PDRIVER_OBJECT *driver_out)
{
    PDRIVER_OBJECT driver;
    NTSTATUS status;

    ASSERT_IRQL(PASSIVE_LEVEL);
    status = io_driver_create(service, &driver);
    if (!NT_SUCCESS(status))
        return status;
    driver->DriverStart = (PVOID)image->base;
    driver->DriverSize = (ULONG)image->size;
    driver->DriverSection = image;
    driver->DriverInit = (PDRIVER_INITIALIZE)(image->base + image->pe.entry_rva);
    io_driver_of(driver)->image = image;
    image->driver = driver;
    driver_notify(image);
    status = driver_call_entry(driver, service);
    if (!NT_SUCCESS(status)) {
        log_error("ldr: %s: DriverEntry failed: 0x%08x", service, (unsigned)status);
        driver_end(driver, image);
        image->driver = NULL;
        return status;
    }
    *driver_out = driver;
    return STATUS_SUCCESS;
}

bool ldr_driver_unload(PDRIVER_OBJECT driver)
{
    struct ldr_image *image = io_driver_of(driver)->image;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (driver->DriverUnload == NULL || image == NULL)
        return false;
    driver->Flags |= DRVO_UNLOAD_INVOKED;
    driver->DriverUnload(driver);
    driver_end(driver, image);
    ldr_image_unload(image);
    return true;
}
