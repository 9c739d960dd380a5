/*
 * alerts.c - threads that are alerted while they wait for a request by handle: a file opened with
 * FILE_SYNCHRONOUS_IO_ALERT lets that cancel the request, another does not.
 */
#include "requests.h"

#define LONG_WAIT_MS 60000

typedef struct _READING {
    HANDLE File;
    NTSTATUS Status, Told;
} READING, *PREADING;

static VOID NTAPI Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    HeldCount = 0;
    Complete(Irp, STATUS_CANCELLED);
}

static VOID Read(PVOID Context)
{
    PREADING reading = Context;
    UCHAR bytes[FILE_LENGTH];
    IO_STATUS_BLOCK block;

    block.Status = STATUS_UNSUCCESSFUL;
    reading->Status =
        ZwReadFile(reading->File, NULL, NULL, NULL, &block, bytes, FILE_LENGTH, NULL, NULL);
    reading->Told = block.Status;
}

static BOOLEAN WaitUntilHeld(VOID)
{
    volatile ULONG *count = &HeldCount;
    ULONG i;

    for (i = 0; *count == 0 && i < LONG_WAIT_MS; i++)
        TestPause(1);
    if (*count == 0)
        return FALSE;
    IoSetCancelRoutine(Held[0], Cancel);
    return TRUE;
}

static BOOLEAN Alert(PTEST_THREAD Thread)
{
    HANDLE handle;
    NTSTATUS status = ObOpenObjectByPointer(Thread->Object, OBJ_KERNEL_HANDLE, NULL,
                                            THREAD_ALL_ACCESS, NULL, KernelMode, &handle);

    if (!NT_SUCCESS(status))
        return FALSE;
    status = ZwAlertThread(handle);
    ZwClose(handle);
    return NT_SUCCESS(status);
}

VOID CheckFileAlerts(VOID)
{
    READING reading = {FileOpen(FILE_SYNCHRONOUS_IO_ALERT), STATUS_SUCCESS, STATUS_SUCCESS};
    TEST_THREAD thread;

    if (!TestThreadStart(&thread, 0, Read, &reading))
        return;
    Expect(WaitUntilHeld() && Alert(&thread), "a thread can be alerted while it reads");
    TestThreadJoin(&thread);
    Expect(reading.Status == STATUS_CANCELLED && reading.Told == STATUS_CANCELLED,
           "FILE_SYNCHRONOUS_IO_ALERT lets an alert cancel the request");
    ZwClose(reading.File);
    reading.File = FileOpen(FILE_SYNCHRONOUS_IO_NONALERT);
    if (!TestThreadStart(&thread, 0, Read, &reading))
        return;
    WaitUntilHeld();
    Alert(&thread);
    Expect(TestWait(thread.Object, 30) == STATUS_TIMEOUT && HeldCount == 1,
           "FILE_SYNCHRONOUS_IO_NONALERT does not");
    IoSetCancelRoutine(Held[0], NULL);
    HeldCount = 0;
    Complete(Held[0], STATUS_SUCCESS);
    TestThreadJoin(&thread);
    ExpectStatus(reading.Status, STATUS_SUCCESS, "and the request ends when its driver ends it");
    ZwClose(reading.File);
}
