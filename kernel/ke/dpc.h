/*
 * ke/dpc.h - who has a DPC: what queues of either kind, ke/dpc.c and ke/threaded_dpc.c, agree on.
 */
#pragma once

#include <nt/wdm.h>

/* Take a free DPC for a queue, whose lock is held. False: it is in a queue already. */
static inline BOOLEAN ke_dpc_claim(PKDPC dpc, PVOID queue)
{
    PVOID free = NULL;

    return __atomic_compare_exchange_n(&dpc->DpcData, &free, queue, FALSE, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* It has been taken off its queue, and all has been read from it. The queue's lock is held. */
static inline void ke_dpc_free(PKDPC dpc)
{
    __atomic_store_n(&dpc->DpcData, NULL, __ATOMIC_RELEASE);
}
