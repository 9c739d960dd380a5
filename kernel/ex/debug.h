/*
 * ex/debug.h - which levels of which component DbgPrintEx prints.
 */
#pragma once

#include <hal/types.h>

enum { EX_DEBUG_COMPONENTS = 256 };
#define EX_DEBUG_ALL 0xFFFFFFFFu

/* Bit n of a component's mask: level n is printed. All are from the start. Any IRQL. */
uint32_t ex_debug_mask(uint32_t component);
void ex_debug_mask_set(uint32_t component, uint32_t mask);
