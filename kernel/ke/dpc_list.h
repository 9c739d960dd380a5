/*
 * ke/dpc_list.h - the DPC queues, for the console and the verifier.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/*
 * Visit the DPCs that wait in a processor's queue, interrupts off; the callback keeps what it sees
 * for later. Returns how many have run there since boot. Any IRQL.
 */
uint64_t ke_dpc_visit(uint32_t cpu, void (*visit)(PKDPC dpc, void *context), void *context);
/* The same for threaded DPCs; not counted. */
void ke_threaded_dpc_visit(uint32_t cpu, void (*visit)(PKDPC dpc, void *context), void *context);
