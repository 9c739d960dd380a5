/*
 * verifier/connect.c - what a verified driver connects its interrupts with.
 */
#include <nt/bugcodes.h>

#include "io/device.h"
#include "verifier/internal.h"

enum { INVALID_PDO = 2 }; /* parameter 1 of 0xCA, BC-CA-1 */

/* A device object, but no device node's: a driver's own, most often (CIE-STAT-7, BC-CA-2). */
static void check_connect(const char *routine, const uint64_t *frame)
{
    const IO_CONNECT_INTERRUPT_PARAMETERS *parameters =
        (const IO_CONNECT_INTERRUPT_PARAMETERS *)frame[1];
    PDEVICE_OBJECT device = parameters->FullySpecified.PhysicalDeviceObject;
    struct verifier_finding finding = {.bugcheck = PNP_DETECTED_FATAL_ERROR,
                                       .parameters = {INVALID_PDO, (uint64_t)device},
                                       .rule = "PDO"};

    if (parameters->Version < CONNECT_FULLY_SPECIFIED ||
        parameters->Version > CONNECT_MESSAGE_BASED_PASSIVE || !device || io_device_is_pdo(device))
        return;
    if (io_device_is_device(device))
        finding.parameters[2] = (uint64_t)device->DriverObject;
    verifier_stop(&finding, frame[CALL_RETURN], "gives %s what is no PDO", routine);
}

const struct verifier_special verifier_connect_specials[] = {
    {"IoConnectInterruptEx", check_connect, NULL},
    {0},
};
