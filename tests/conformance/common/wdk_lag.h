/*
 * wdk_lag.h - what today's WDK declares and mingw-w64's DDK headers do not.
 *
 * The conformance drivers include this and nothing else of the system, so that they build against
 * mingw-w64's headers and against Microsoft's. Names, values and layouts are the WDK's (LAG-1).
 * Routines that mingw-w64's import library lacks, or that a system may not have, are not declared
 * but looked up by name: see TestRoutine in suite.h.
 */
#pragma once

#define NT_PROCESSOR_GROUPS 1 /* LAG-3: the Group members */
#include <ntddk.h>

/* Headers hide these from drivers that know of groups; there is one group here. */
NTKERNELAPI VOID NTAPI KeSetSystemAffinityThread(KAFFINITY Affinity);
NTKERNELAPI VOID NTAPI KeRevertToUserAffinityThread(VOID);
NTKERNELAPI VOID NTAPI KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number);
/* ntifs.h has these, which goes with no other header. */
NTKERNELAPI BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread);
NTSYSAPI NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable,
                                              PLARGE_INTEGER Timeout);
NTKERNELAPI NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
                                                 PACCESS_STATE PassedAccessState,
                                                 ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                                 KPROCESSOR_MODE AccessMode, PHANDLE Handle);
NTSYSAPI NTSTATUS NTAPI ZwAlertThread(HANDLE ThreadHandle);
NTSYSAPI NTSTATUS NTAPI ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event,
                                              PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                                              PIO_STATUS_BLOCK IoStatusBlock, ULONG IoControlCode,
                                              PVOID InputBuffer, ULONG InputBufferLength,
                                              PVOID OutputBuffer, ULONG OutputBufferLength);

#ifndef CONNECT_MESSAGE_BASED_PASSIVE
#define CONNECT_MESSAGE_BASED_PASSIVE 0x5
#endif

#ifndef CM_RESOURCE_INTERRUPT_SECONDARY_INTERRUPT
#define CM_RESOURCE_INTERRUPT_SECONDARY_INTERRUPT 0x0010
#define CM_RESOURCE_INTERRUPT_WAKE_HINT 0x0020
#endif

/* The shape of IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS (CIE-LAY-6). */
typedef struct _LAG_ACTIVE_STATE_PARAMETERS {
    ULONG Version;
    union {
        PVOID Generic;
        PKINTERRUPT InterruptObject;
        PIO_INTERRUPT_MESSAGE_INFO InterruptMessageTable;
    } ConnectionContext;
} LAG_ACTIVE_STATE_PARAMETERS, *PLAG_ACTIVE_STATE_PARAMETERS;

typedef VOID(NTAPI *PLAG_REPORT_ACTIVE_STATE)(PLAG_ACTIVE_STATE_PARAMETERS Parameters);

/* IO_RESOURCE_DESCRIPTOR with the policy members of u.Interrupt (RES-IO-3). */
typedef struct _LAG_INTERRUPT_REQUIREMENT {
    UCHAR Option;
    UCHAR Type;
    UCHAR ShareDisposition;
    UCHAR Spare1;
    USHORT Flags;
    USHORT Spare2;
    ULONG MinimumVector;
    ULONG MaximumVector;
    USHORT AffinityPolicy;
    USHORT Group;
    ULONG PriorityPolicy;
    KAFFINITY TargetedProcessors;
} LAG_INTERRUPT_REQUIREMENT, *PLAG_INTERRUPT_REQUIREMENT;

C_ASSERT(sizeof(LAG_INTERRUPT_REQUIREMENT) == sizeof(IO_RESOURCE_DESCRIPTOR));

/* IRQ_DEVICE_POLICY and IRQ_PRIORITY (RES-IO-18). */
enum {
    LagPolicyMachineDefault,
    LagPolicyAllCloseProcessors,
    LagPolicyOneCloseProcessor,
    LagPolicyAllProcessorsInMachine,
    LagPolicySpecifiedProcessors,
    LagPolicySpreadMessages,
};

enum { LagPriorityUndefined, LagPriorityLow, LagPriorityNormal, LagPriorityHigh };

/* {1a6a460b-194f-455d-b34b-b84c5b05712b}: GUID_MSIX_TABLE_CONFIG_INTERFACE (RES-MSIX-2). */
#define LAG_GUID_MSIX_TABLE_CONFIG_INTERFACE                                                       \
    {                                                                                              \
        0x1a6a460b, 0x194f, 0x455d,                                                                \
        {                                                                                          \
            0xb3, 0x4b, 0xb8, 0x4c, 0x5b, 0x05, 0x71, 0x2b                                         \
        }                                                                                          \
    }
