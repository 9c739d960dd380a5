/*
 * ke/dpc_list.c - the DPC queues as the console sees them. Kept out of ke/dpc.c, which is hot.
 */
#include "ke/dpc_list.h"

#include <hal/pcr.h>

#include "ke/dispatcher.h"
#include "ke/lock.h"

uint64_t ke_dpc_visit(uint32_t cpu, void (*visit)(PKDPC dpc, void *context), void *context)
{
    struct ke_cpu *ke = hal_pcr(cpu)->ke;
    uint64_t flags = ke_lock_acquire_irqoff(&ke->dpc_lock);
    uint64_t count = ke->dpc_count;

    for (PLIST_ENTRY entry = ke->dpc_list.Flink; entry != &ke->dpc_list; entry = entry->Flink)
        visit(CONTAINING_RECORD(entry, KDPC, DpcListEntry), context);
    ke_lock_release_irqoff(&ke->dpc_lock, flags);
    return count;
}
