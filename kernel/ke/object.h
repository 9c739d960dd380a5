/*
 * ke/object.h - dispatcher objects as the kernel sees them: type numbers, and what wait.c, mutex.c
 * and timer.c ask of each other. For kernel/ke only.
 */
#pragma once

#include <nt/wdm.h>

/* DISPATCHER_HEADER.Type, as public symbol dumps of Windows show it. */
enum ke_object_type {
    KE_OBJECT_EVENT_NOTIFICATION = 0,
    KE_OBJECT_EVENT_SYNCHRONIZATION = 1,
    KE_OBJECT_MUTANT = 2,
    KE_OBJECT_SEMAPHORE = 5,
    KE_OBJECT_THREAD = 6,
    KE_OBJECT_TIMER_NOTIFICATION = 8,
    KE_OBJECT_TIMER_SYNCHRONIZATION = 9,
};

static inline void ke_object_init(DISPATCHER_HEADER *header, enum ke_object_type type, ULONG size,
                                  LONG state)
{
    header->Lock = 0;
    header->Type = (UCHAR)type;
    header->Size = (UCHAR)(size / sizeof(ULONG));
    header->SignalState = state;
    InitializeListHead(&header->WaitListHead);
}

/*
 * The thread, at that IRQL, becomes (or stays) the owner: one level deeper. True: the mutant was
 * abandoned, which is told once. Dispatcher lock held.
 */
bool ke_mutant_take(PKMUTANT mutant, PKTHREAD thread, irql_t irql);
/* A thread ends: what it still owns becomes abandoned. Dispatcher lock held. */
void ke_mutants_abandon(PKTHREAD thread);
/* By how much those that it holds have lowered its kernel_apc_disable. Its own thread. */
int32_t ke_mutants_apc_disable(const struct _KTHREAD *thread);

/* A KeSetTimer or wait timeout as interrupt time: relative if negative, else system time. */
uint64_t ke_due_time(LARGE_INTEGER due);
