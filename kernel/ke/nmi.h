/*
 * ke/nmi.h - non-maskable interrupts that drivers may know of.
 */
#pragma once

#include <hal/types.h>

/* Asks the registered drivers; true: one of them says that it was its own. In an NMI only. */
bool ke_nmi_offer(void);
