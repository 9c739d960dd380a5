/*
 * ke/threaded_dpc.h - DPCs that run in a thread; what ke/dpc.c asks of ke/threaded_dpc.c, and
 * main.c.
 */
#pragma once

#include <hal/hal.h>
#include <nt/wdm.h>

enum { DPC_TYPE_THREADED = 0x1A }; /* spec C.7 */

/* As KeInsertQueueDpc, for a DPC of that type; cpu: where it shall run. Any IRQL. */
BOOLEAN ke_threaded_dpc_insert(PKDPC dpc, uint32_t cpu, PVOID argument1, PVOID argument2);
BOOLEAN ke_threaded_dpc_remove(PKDPC dpc);
/* All that were queued before the call have run. PASSIVE_LEVEL. */
void ke_threaded_dpc_flush(void);

/* False: they run as ordinary DPCs, at DISPATCH_LEVEL (TDPC-3). Before the first is queued. */
void ke_threaded_dpc_enable(bool enable);
