/*
 * Which UART the console is: console=com1|com2|pci:BUS:DEV.FN[,BAUD], hexadecimal numbers as lspci
 * prints them. A PCI serial card is used as firmware left it, by its first BAR, before the bus is
 * enumerated; no driver should be started on it then.
 */
#include <hal/hal.h>
#include <hw/pci.h>
#include <hw/uart16550.h>
#include <lib/log.h>
#include <lib/string.h>

#include "mm/mm.h"
#include "parse/cmdline.h"
#include "parse/pci_location.h"
#include "shell/shell.h"

enum { SELECT_COM2 = 0x2F8, SELECT_BAUD_MAX = 4000000 };

/* The first BAR of a PCI function, decoding on. */
static bool find_pci_uart(const char *location, struct hal_console_port *port)
{
    uint32_t where, bar, command;
    uint8_t bus, devfn;

    if (!pci_location_parse(location, &where))
        return false;
    bus = (uint8_t)(where >> 8);
    devfn = (uint8_t)where;
    bar = hal_pci_read(0, bus, devfn, PCI_BAR0, 4);
    if (bar == 0 || bar == ~0u)
        return false;
    command = hal_pci_read(0, bus, devfn, PCI_COMMAND, 2);
    hal_pci_write(0, bus, devfn, PCI_COMMAND, 2, command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    if (bar & PCI_BAR_IS_IO) {
        port->io_port = (uint16_t)(bar & PCI_BAR_IO_ADDRESS);
        return true;
    }
    port->registers = mm_io_map(bar & PCI_BAR_MEMORY_ADDRESS, HAL_PAGE_SIZE, MM_CACHE_UNCACHED);
    port->register_stride = 1;
    return port->registers != NULL;
}

void shell_console_select(const char *command_line)
{
    struct hal_console_port port = {0};
    char value[CMDLINE_VALUE_MAX];
    uint64_t baud = 0;
    char *comma;
    bool found = true;

    if (!cmdline_get(command_line, "console", value, sizeof(value)))
        return;
    comma = strchr(value, ',');
    if (comma != NULL)
        *comma = '\0';
    if (comma != NULL && !cmdline_number(comma + 1, 1, SELECT_BAUD_MAX, &baud))
        found = false;
    port.baud = (uint32_t)baud;
    if (strcmp(value, "com1") == 0)
        port.io_port = UART_COM1;
    else if (strcmp(value, "com2") == 0)
        port.io_port = SELECT_COM2;
    else if (strncmp(value, "pci:", 4) == 0)
        found = found && find_pci_uart(value + 4, &port);
    else
        found = false;
    if (!found || !hal_console_select(&port))
        log_warn("console=%s: no UART there, or not com1, com2 or pci:BUS:DEV.FN[,BAUD]", value);
}
