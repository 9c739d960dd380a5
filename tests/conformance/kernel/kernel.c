/*
 * kernel.c - conformance of the kernel routines that drivers use beside interrupts.
 *
 * Takes QEMU's pci-testdev, which it leaves alone: a device is needed only to be loaded for. Rule
 * ids are those of the interrupt API reference; cases without one follow the routine's page.
 */
#include "kernel.h"

typedef struct _KERNEL_STATE {
    ULONG Unused;
} KERNEL_STATE;

#define TEST_STATE KERNEL_STATE
#define TEST_DRIVER "kernel-test"
#include "../../common/test_driver.h"

static NTSTATUS TestStart(PTEST_DEVICE Device)
{
    UNREFERENCED_PARAMETER(Device);
    return STATUS_SUCCESS;
}

static VOID TestStop(PTEST_DEVICE Device)
{
    UNREFERENCED_PARAMETER(Device);
}

static NTSTATUS TestControl(PTEST_DEVICE Device, ULONG Code, PVOID Buffer, PULONG Length)
{
    KTAP report;

    if (Code != (ULONG)IOCTL_TEST_RUN)
        return STATUS_INVALID_DEVICE_REQUEST;
    KtapBegin(&report);
    CheckIrql(&report);
    CheckSpinLocks(&report);
    CheckEvents(&report);
    CheckSemaphores(&report);
    CheckMutexes(&report);
    CheckTimers(&report);
    CheckThreads(&report);
    CheckWorkItems(&report, Device->Lower);
    CheckPool(&report);
    CheckContiguous(&report);
    CheckClock(&report);
    *(PULONG)Buffer = KtapEnd(&report);
    *Length = sizeof(ULONG);
    return STATUS_SUCCESS;
}
