/*
 * ke/mutex.c - KMUTEX (= KMUTANT): recursive, owned by a thread, handed on in FIFO order.
 *
 * SignalState is 1 when free, 1 - depth when owned. While a driver's mutex is held normal kernel
 * APCs are off for the owner (APC-5). Header.DpcActive: acquired at DISPATCH_LEVEL, by a wait that
 * does not wait; it is to be released there, too, and any other only below it (WDK:
 * KeReleaseMutex).
 */
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"
#include "ke/object.h"

bool ke_mutant_take(PKMUTANT mutant, PKTHREAD thread, irql_t irql)
{
    bool abandoned = mutant->Abandoned;

    if (--mutant->Header.SignalState == 0) {
        mutant->OwnerThread = thread;
        mutant->Header.DpcActive = irql == DISPATCH_LEVEL;
        thread->kernel_apc_disable -= mutant->ApcDisable;
        InsertTailList(&thread->mutants, &mutant->MutantListEntry);
        mutant->Abandoned = FALSE;
    }
    return abandoned;
}

static void mutant_give_up(PKMUTANT mutant, PKTHREAD thread)
{
    RemoveEntryList(&mutant->MutantListEntry);
    thread->kernel_apc_disable += mutant->ApcDisable;
    mutant->OwnerThread = NULL;
    mutant->Header.SignalState = 1;
    ke_apc_enabled(thread);
}

int32_t ke_mutants_apc_disable(const struct _KTHREAD *thread)
{
    int32_t held = 0;

    for (const LIST_ENTRY *e = thread->mutants.Flink; e != &thread->mutants; e = e->Flink)
        held += CONTAINING_RECORD(e, KMUTANT, MutantListEntry)->ApcDisable;
    return held;
}

void ke_mutants_abandon(PKTHREAD thread)
{
    while (!IsListEmpty(&thread->mutants)) {
        PKMUTANT mutant = CONTAINING_RECORD(thread->mutants.Flink, KMUTANT, MutantListEntry);
        mutant_give_up(mutant, thread);
        mutant->Abandoned = TRUE;
        ke_object_signaled(&mutant->Header, 0);
    }
}

/* WDK surface */

VOID NTAPI KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner)
{
    ke_object_init(&Mutant->Header, KE_OBJECT_MUTANT, sizeof *Mutant, 1);
    Mutant->OwnerThread = NULL;
    Mutant->Abandoned = FALSE;
    Mutant->ApcDisable = 0;
    if (InitialOwner) {
        irql_t old = ke_dispatcher_lock();
        ke_mutant_take(Mutant, ke_thread_current(), old);
        ke_dispatcher_unlock(old);
    }
}
LDR_EXPORT(KeInitializeMutant);

VOID NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    (void)Level;
    KeInitializeMutant(Mutex, FALSE);
    Mutex->ApcDisable = 1;
}
LDR_EXPORT(KeInitializeMutex);

LONG NTAPI KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait)
{
    irql_t old = ke_dispatcher_lock();
    PKTHREAD self = ke_thread_current();
    LONG previous = Mutant->Header.SignalState;

    if (Mutant->OwnerThread != self || Mutant->Header.DpcActive != (old == DISPATCH_LEVEL)) {
        ke_dispatcher_unlock(old);
        ke_raise_status(Mutant->Abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED);
    }
    if (Abandoned)
        Mutant->Abandoned = TRUE;
    if (Abandoned || Mutant->Header.SignalState == 0) {
        mutant_give_up(Mutant, self);
        ke_object_signaled(&Mutant->Header, Increment);
    } else {
        Mutant->Header.SignalState++;
    }
    ke_dispatcher_unlock_and(old, Wait);
    return previous;
}
LDR_EXPORT(KeReleaseMutant);

LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    return KeReleaseMutant(Mutex, 1, FALSE, Wait);
}
LDR_EXPORT(KeReleaseMutex);

LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex)
{
    return Mutex->Header.SignalState;
}
LDR_EXPORT(KeReadStateMutex);
