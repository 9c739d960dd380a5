/*
 * irq/move.h - lines change their CPU, and CPUs come and go. PASSIVE_LEVEL.
 */
#pragma once

#include "irq/line.h"

/*
 * Move a live line, or the MSI block it belongs to, to another CPU; nothing is lost or delivered
 * twice (conformance 63). irq_lines_lock() is held. The class, and so the IRQL, stays.
 * STATUS_INVALID_PARAMETER: no vector yet, or that CPU does not take part.
 * STATUS_NOT_SUPPORTED: the chip cannot. STATUS_INSUFFICIENT_RESOURCES: no vectors there.
 */
NTSTATUS irq_line_move(struct irq_line *line, uint32_t cpu);

/*
 * Take a CPU away: threads, DPCs, lines and messages leave it, those with an affinity to where that
 * allows if possible, else anywhere. CPU 0 stays: STATUS_NOT_SUPPORTED. STATUS_INVALID_PARAMETER:
 * there is none, or it is away. STATUS_INSUFFICIENT_RESOURCES: no vectors elsewhere; nothing is
 * changed then but the place of some lines.
 */
NTSTATUS irq_cpu_offline(uint32_t cpu);
/* Bring it back. Lines whose affinity had to be disregarded return to where it allows. */
NTSTATUS irq_cpu_online(uint32_t cpu);
