/*
 * shell/pci.h - PCI functions as the console's user names them.
 */
#pragma once

#include "bus/pci.h"

enum { SHELL_FUNCTION_NAME = 16 };

/* "3:0.1", or "1:3:0.1" with a segment; all in hexadecimal. NULL: no such function. */
struct pci_function *shell_function_find(const char *text);
/* "00:03.1", with a segment in front where it is not 0. */
void shell_function_name(const struct pci_function *function, char text[SHELL_FUNCTION_NAME]);
