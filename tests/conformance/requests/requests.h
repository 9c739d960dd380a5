/*
 * requests.h - what the files of the requests driver share.
 *
 *   requests.c    the group: requests of its own, the device that holds what it is sent
 *   startio.c     IoStartPacket and its kin
 *   queue.c       cancel-safe queues
 *   associated.c  associated IRPs, completion routines that keep the device, IRPs made by hand
 *   sending.c     calls and completion between devices
 *   remove_lock.c remove locks
 *   files.c       requests by handle that are not waited for; threads that end with requests
 *   alerts.c      alerts of threads that wait for requests by handle
 *   setting.c     ZwSetInformationFile
 *   services.c    timers of devices, work items, error log entries
 *   stops.c       what must not be done with an IRP
 *   shortage.c    all of them, and their neighbours, without memory
 */
#pragma once

#include "suite.h"

/* An IRP of the driver's own, and what became of it. */
typedef struct _REQUEST {
    PIRP Irp;
    volatile LONG Completions;
    NTSTATUS Status; /* at the last completion */
} REQUEST, *PREQUEST;

/* Allocates the IRP, or takes it back, as if it had just been sent to Device. */
BOOLEAN RequestBegin(PREQUEST Request, PDEVICE_OBJECT Device);
VOID RequestFree(PREQUEST Request);
VOID Complete(PIRP Irp, NTSTATUS Status);

/* A device of this driver without a name. */
PDEVICE_OBJECT DeviceCreate(VOID);

/* Reads sent to any device of the driver stay here, pending, in the order in which they came. */
#define HELD 4
extern PIRP Held[HELD];
extern ULONG HeldCount;

/* files.c: a device to open, of whose files FILE_LENGTH bytes are read or written at once. */
#define FILE_LENGTH 8
extern PDEVICE_OBJECT FileDevice;
extern BOOLEAN FileAtOnce; /* requests are completed when they come, not held */
HANDLE FileOpen(ULONG Options);
/* Its IRP_MJ_SET_INFORMATION; the status to complete it with. */
NTSTATUS FileNoteSetting(PIRP Irp);

VOID CheckStartIo(VOID);
VOID CheckQueues(VOID);
VOID CheckAssociated(VOID);
VOID CheckSending(VOID);
VOID CheckRemoveLock(VOID);
VOID CheckFiles(VOID);
VOID CheckSetting(VOID);
VOID CheckFileAlerts(VOID);
VOID TimerBegin(VOID);
VOID CheckServices(VOID);
VOID Stop(ULONG Number);
VOID StepShortage(ULONG Number);
VOID UnloadingShortage(VOID);
