/*
 * power.h - what the files of the power driver share: the power requests that its devices see.
 *
 *   power.c     the group: the dispatch routine, which notes, holds, refuses or passes on
 *   requests.c  PoRequestPowerIrp and the order of requests; PoSetPowerState, PoCallDriver
 *   idle.c      devices that nobody uses
 *   device.c    what the bus driver below makes of them
 *   settings.c  power settings and their callbacks
 *   needs.c     who needs the system to go on working
 */
#pragma once

#include "suite.h"

/* A power request as the dispatch routine was called with it. */
typedef struct _SEEN {
    PDEVICE_OBJECT Device;
    PIRP Irp;
    IO_STACK_LOCATION Location;
    KIRQL Irql;
    NTSTATUS StatusBefore;
} SEEN;

#define SEEN_MAX 16
extern SEEN Seen[SEEN_MAX];
extern volatile LONG SeenCount;

typedef enum _ANSWER { PassOn, Hold, Refuse } ANSWER;
extern volatile ANSWER Answer;
#define REFUSAL STATUS_DEVICE_BUSY

/* Forgets what was seen; requests are answered so from now on. */
VOID Watch(ANSWER Wanted);
/* Sends a request that was held on its way. */
VOID Release(ULONG Number);
/* Cancels are noted, the request completed with STATUS_CANCELLED. */
extern volatile LONG Cancels;

/* A request of PoRequestPowerIrp, and what its completion routine was called with. */
typedef struct _REQUEST {
    volatile LONG Completions;
    PDEVICE_OBJECT Device;
    UCHAR Minor;
    POWER_STATE State;
    NTSTATUS Status;
    KIRQL Irql;
} REQUEST, *PREQUEST;

/* Forgets what the request was, and asks for a state of the device. */
NTSTATUS Ask(PREQUEST Request, PDEVICE_OBJECT Device, UCHAR Minor, DEVICE_POWER_STATE State);
/* The same for SET_POWER, waits; the status it ended with, or STATUS_IO_TIMEOUT. */
NTSTATUS Set(PDEVICE_OBJECT Device, DEVICE_POWER_STATE State);
BOOLEAN Ended(PREQUEST Request);
VOID NTAPI RequestDone(PDEVICE_OBJECT Device, UCHAR Minor, POWER_STATE State, PVOID Context,
                       PIO_STATUS_BLOCK Block);

#define PATIENCE 10000 /* milliseconds until something that should happen is given up */
#define SILENCE 30     /* milliseconds in which something that should not happen would have */

VOID CheckRequests(PTEST_DEVICE One, PTEST_DEVICE Other);
VOID CheckIdleDetection(PTEST_DEVICE Device);
VOID CheckDevice(PTEST_DEVICE Device);
VOID CheckSettings(VOID);
VOID CheckNeeds(PTEST_DEVICE Device);
VOID ShowNeeds(BOOLEAN Show);
/* A call of each routine that allocates; says what one of them does without memory. */
VOID ShortageOfNeeds(VOID);
/* 0: registers, and shows needs; 1: what was told meanwhile; 2: without memory. */
VOID StepPower(ULONG Number);
/* 0: on mains, 1: on battery. */
VOID StepIdle(ULONG Number);
