/*
 * verifier/connect.c - the device objects that a verified driver gives to routines that need a
 * physical one: its own is none, most often (CIE-STAT-7, BC-CA-1).
 */
#include <nt/bugcodes.h>

#include "io/device.h"
#include "verifier/internal.h"

enum { INVALID_PDO = 2 }; /* parameter 1 of 0xCA, BC-CA-1 */

static void check_physical(const char *routine, const uint64_t *frame, PDEVICE_OBJECT device)
{
    struct verifier_finding finding = {.bugcheck = PNP_DETECTED_FATAL_ERROR,
                                       .parameters = {INVALID_PDO, (uint64_t)device},
                                       .rule = "PDO"};

    if (io_device_is_pdo(device))
        return;
    if (io_device_is_device(device))
        finding.parameters[2] = (uint64_t)device->DriverObject;
    verifier_stop(&finding, frame[CALL_RETURN], "gives %s what is no PDO", routine);
}

/* No device at all is an error that the routine itself returns. */
static void check_connect(const char *routine, const uint64_t *frame)
{
    const IO_CONNECT_INTERRUPT_PARAMETERS *parameters =
        (const IO_CONNECT_INTERRUPT_PARAMETERS *)frame[1];
    PDEVICE_OBJECT device = parameters->FullySpecified.PhysicalDeviceObject;

    if (parameters->Version >= CONNECT_FULLY_SPECIFIED &&
        parameters->Version <= CONNECT_MESSAGE_BASED_PASSIVE && device)
        check_physical(routine, frame, device);
}

static void check_first(const char *routine, const uint64_t *frame)
{
    check_physical(routine, frame, (PDEVICE_OBJECT)frame[1]);
}

const struct verifier_special verifier_connect_specials[] = {
    {"IoConnectInterruptEx", check_connect, NULL},
    {"IoInvalidateDeviceRelations", check_first, NULL},
    {"IoInvalidateDeviceState", check_first, NULL},
    {"IoReportTargetDeviceChange", check_first, NULL},
    {"IoReportTargetDeviceChangeAsynchronous", check_first, NULL},
    {0},
};
