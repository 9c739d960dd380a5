/*
 * wmi.h - what the files of the wmi driver share.
 *
 *   wmi.c           the group: the provider and its data, requests to it
 *   registration.c  IoWMIRegistrationControl, IRP_MN_REGINFO and IRP_MN_REGINFO_EX
 *   events.c        IoWMIWriteEvent and WmiFireEvent
 *   trace.c         a block that is traced, messages to a trace session
 *   blocks.c        WmiSystemControl and WmiCompleteRequest: queries, changes, methods
 */
#pragma once

#include "suite.h"

#include <wmistr.h>

#include <wmilib.h>

#define BLOCKS 2 /* and one that is traced, where IsTraced says so */
#define INSTANCES 3
#define DATA 64 /* the most that an instance holds */

/* What the provider's callbacks say and saw. */
typedef struct _PROVIDER {
    WMILIB_CONTEXT Library;
    WMIGUIDREGINFO Guids[BLOCKS + 1];
    ULONG RegFlags;
    ULONG BaseUnits;        /* length of the base name that DpWmiQueryReginfo gives */
    NTSTATUS Status;        /* which the callbacks complete with */
    BOOLEAN Later;          /* a query is completed by a thread */
    volatile LONG Hold;     /* DpWmiQueryReginfo waits while it is set, */
    volatile LONG Inside;   /* and is inside */
    volatile LONG RegInfos; /* its calls */
    BOOLEAN InSystemThread; /* the last one, at PASSIVE_LEVEL */
    volatile LONG Requests; /* IRP_MN_REGINFO_EX that were completed */
    volatile LONG Enables;  /* requests that enable or disable events; the last one: */
    UCHAR EnableMinor;
    WNODE_HEADER EnableNode;
    ULONG_PTR DataPath;     /* of the last one */
    NTSTATUS RequestStatus; /* and how it was completed */
    ULONG Calls;            /* of the other callbacks; the last one's parameters: */
    ULONG GuidIndex, Instance, Count, Item, InSize, OutSize;
    BOOLEAN Lengths; /* it had an array for lengths */
    WMIENABLEDISABLECONTROL Function;
    BOOLEAN Enable;
    SYSCTL_IRP_DISPOSITION Disposition; /* of the last request */
    NTSTATUS Completion;                /* what the last WmiCompleteRequest of a query returned */
    ULONG Size[INSTANCES];              /* of the first block's instances */
    UCHAR Data[INSTANCES][DATA];
} PROVIDER;

extern PROVIDER Provider;
extern const GUID TracedGuid;
extern const GUID BlockGuid, EventGuid, OtherGuid;

/* The provider as it is at first: all callbacks, static names from the PDO. */
VOID ProviderReset(VOID);
/* Sends the device a request; its status. Buffer is nonpaged. */
NTSTATUS Send(UCHAR Minor, ULONG_PTR ProviderId, PVOID DataPath, PVOID Buffer, ULONG Size,
              PULONG_PTR Information);
/* To the provider, for one of its blocks. */
NTSTATUS Ask(UCHAR Minor, const GUID *Guid, PVOID Buffer, ULONG Size, PULONG_PTR Information);

VOID CheckRegistration(VOID);
VOID CheckBlocks(VOID);
VOID CheckMessages(VOID);
VOID CheckEvents(VOID);
/* With a session that the console begins and ends: see trace.c. */
VOID StepTrace(ULONG Number);
/* With a console that enables events, then disables them: see events.c. Behind those. */
VOID StepEvents(ULONG Number);
#define FIRST_EVENT_STEP 10
/* The group's dispatch routine for IRP_MJ_SYSTEM_CONTROL is the driver's from now on. */
VOID ProviderDispatch(VOID);
