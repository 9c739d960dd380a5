/*
 * services.h - what ntifs.h declares of these services: it goes with no other header here.
 */
#pragma once

#include "suite.h"

typedef struct _LAG_APC_STATE {
    LIST_ENTRY ApcListHead[2];
    PVOID Process;
    BOOLEAN Flags[3];
} LAG_APC_STATE;

typedef struct _LAG_OBJECT_NAME {
    UNICODE_STRING Name;
} LAG_OBJECT_NAME;

typedef struct _LAG_COPY_ADDRESS {
    union {
        PVOID VirtualAddress;
        PHYSICAL_ADDRESS PhysicalAddress;
    };
} LAG_COPY_ADDRESS;

NTKERNELAPI NTSTATUS NTAPI ObQueryNameString(PVOID Object, LAG_OBJECT_NAME *ObjectNameInfo,
                                             ULONG Length, PULONG ReturnLength);
NTSYSAPI NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                                      POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                                      BOOLEAN InitialState);
NTSYSAPI NTSTATUS NTAPI ZwSetEvent(HANDLE EventHandle, PLONG PreviousState);
NTSYSAPI NTSTATUS NTAPI ZwResetEvent(HANDLE EventHandle, PLONG PreviousState);
NTSYSAPI NTSTATUS NTAPI ZwClearEvent(HANDLE EventHandle);
NTSYSAPI NTSTATUS NTAPI RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytes, PULONG Bytes,
                                               PCWCH UnicodeString, ULONG BytesInUnicodeString);
NTKERNELAPI NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process);
NTKERNELAPI HANDLE NTAPI PsGetProcessId(PEPROCESS Process);
NTKERNELAPI HANDLE NTAPI PsGetThreadId(PETHREAD Thread);
NTKERNELAPI PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread);
NTKERNELAPI BOOLEAN NTAPI IoIsSystemThread(PETHREAD Thread);
NTKERNELAPI PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp);
NTKERNELAPI ULONG NTAPI IoGetRequestorProcessId(PIRP Irp);
NTKERNELAPI BOOLEAN NTAPI IoIs32bitProcess(PIRP Irp);
NTKERNELAPI VOID NTAPI KeStackAttachProcess(PVOID Process, LAG_APC_STATE *ApcState);
NTKERNELAPI VOID NTAPI KeUnstackDetachProcess(LAG_APC_STATE *ApcState);

VOID CheckEvents(VOID);
VOID CheckSections(VOID);
VOID CheckFiles(VOID);
VOID CheckShares(VOID);
VOID CheckRefused(VOID);
VOID EntryShortage(VOID);
VOID StepShortage(VOID);
VOID UnloadingShortage(VOID);

extern volatile ULONG NotedStep; /* the latest step's number */
