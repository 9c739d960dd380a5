/*
 * apc.h - what the files of the apc driver share.
 *
 *   apc.c     the group: a thread's own APCs, regions, order
 *   target.c  APCs of another thread, which runs or waits
 *   ends.c    APCs of a thread that begins or ends, many of them; alerts
 */
#pragma once

#include "suite.h"

/* No header has these; from ZwAlertThread on ntifs.h has them. */
typedef enum _KAPC_ENVIRONMENT {
    OriginalApcEnvironment,
    AttachedApcEnvironment,
    CurrentApcEnvironment,
    InsertApcEnvironment
} KAPC_ENVIRONMENT;
NTKERNELAPI VOID NTAPI KeInitializeApc(PRKAPC Apc, PKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                                       PKKERNEL_ROUTINE KernelRoutine,
                                       PKRUNDOWN_ROUTINE RundownRoutine,
                                       PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
                                       PVOID NormalContext);
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2,
                                           KPRIORITY Increment);
NTKERNELAPI BOOLEAN NTAPI KeRemoveQueueApc(PRKAPC Apc);
NTSYSAPI NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                                      POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                                      BOOLEAN InitialState);
NTSYSAPI NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable,
                                              PLARGE_INTEGER Timeout);

/* An APC, and what its routines saw. */
typedef struct _NOTED {
    KAPC Apc;
    volatile LONG KernelCalls, NormalCalls;
    volatile LONG Place; /* of its last call among all calls */
    KIRQL KernelIrql, NormalIrql;
    BOOLEAN InsertedThen; /* KAPC.Inserted, to the kernel routine */
    PKTHREAD KernelThread, NormalThread;
    PVOID Argument1, Argument2;
    VOID (*Body)(struct _NOTED *Noted); /* of the normal routine, or NULL */
} NOTED, *PNOTED;

extern volatile LONG Places;

VOID Special(PNOTED Noted, PKTHREAD Thread);
VOID Normal(PNOTED Noted, PKTHREAD Thread);
BOOLEAN Queue(PNOTED Noted);

#define PATIENCE 20000 /* milliseconds: for what must come */

typedef struct _TARGET {
    TEST_THREAD Thread;
    KEVENT First, Second;
    volatile LONG Ready, Go, Done;
    PKTHREAD Self;
    HANDLE Handle; /* of itself */
    NTSTATUS Status;
    KIRQL Irql;
    BOOLEAN InRegion; /* when it began */
    LARGE_INTEGER Timeout;
    ULONG64 Took; /* 100 ns */
} TARGET, *PTARGET;

/* A thread on a processor, when it has said that it is ready; FALSE, and a failed case: it does not
 * start. */
BOOLEAN Start(PTARGET Target, ULONG Processor, TEST_THREAD_ROUTINE Routine);
/* A system thread begins in a critical region: out of it. */
VOID Leave(PTARGET Target);
/* The thread is ready. */
VOID Announce(PTARGET Target);
/* Until its wait has begun: its state is not told, so for a while. */
VOID LetItWait(VOID);
/* Waits until *Value is at least Least. */
BOOLEAN Comes(volatile LONG *Value, LONG Least);

VOID CheckOthers(VOID);
VOID CheckEnds(VOID);
VOID CheckAlerts(VOID);
