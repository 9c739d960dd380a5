/*
 * notification.h - what the files of the notification driver share.
 *
 *   notification.c  the group: registrants and what they saw; reinitialisation; relations
 *   interfaces.c    device interfaces: lists of them, their arrivals and removals
 *   target.c        custom events and the removal of a target device
 *   shutdown.c      the end of the system
 *   stops.c         what stops the machine
 */
#pragma once

#include "suite.h"

#define LINK_UNITS 256

/* A registration, what its routine does, and what it saw last. */
typedef struct _REGISTRANT {
    PVOID Entry;
    NTSTATUS Status;    /* what the routine returns */
    PFILE_OBJECT Close; /* which file it closes when it is asked about a removal */
    BOOLEAN Withdraw;   /* it withdraws itself */
    volatile LONG Hold; /* it waits inside while this is set */
    volatile LONG Inside;
    volatile LONG Calls;
    ULONG Order; /* of the last call among all registrants' */
    KIRQL Irql;
    GUID Event;
    GUID Class; /* of an interface event */
    WCHAR Link[LINK_UNITS];
    PFILE_OBJECT File; /* of a target event */
    USHORT Version, Size;
    ULONG Data; /* of a custom event */
    ULONG Queries, Cancels, Completes;
} REGISTRANT, *PREGISTRANT;

extern const GUID CustomEvent;
/* wdmguid.h's */
extern const GUID Arrival, Removal, QueryRemove, RemoveCancelled, RemoveComplete;

/* Registers with empty notes; the status. */
NTSTATUS Register(PREGISTRANT Registrant, IO_NOTIFICATION_EVENT_CATEGORY Category, ULONG Flags,
                  PVOID Data);
VOID Unregister(PREGISTRANT Registrant);

/* Opens what a device's interface leads to. */
NTSTATUS OpenInterface(PTEST_DEVICE Device, PFILE_OBJECT *File);

VOID CheckInterfaces(VOID);
VOID CheckArrivalInStart(VOID);
VOID StartedInterfaces(PTEST_DEVICE Device);
VOID CheckTarget(VOID);
/* Removal by the console, step by step: see target.c. */
VOID StepTarget(ULONG Number);
VOID RemovingTarget(PTEST_DEVICE Device);
VOID UnloadingTarget(VOID);
/* Last of all: what is registered stays for the shutdown after the cases. */
VOID CheckShutdown(VOID);
VOID RemovingShutdown(VOID);
VOID StopNotification(ULONG Number);
