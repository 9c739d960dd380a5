/*
 * console.c - the console UART, a 16550 driven by polling.
 *
 * Works from the first lines of C on, at any IRQL, also in a bug check. Output is sent in FIFO
 * loads: one look at the line status lets up to 16 bytes go. A UART that stops accepting bytes is
 * waited for with a bound, so that no cable can stop the machine. Line feeds go out as CR LF.
 *
 * Serialising writers is the log's business (lib/log.h); line editing is the shell's.
 */
#include "arch.h"

#include <hw/uart16550.h>

enum {
    CONSOLE_BAUD = 115200,
    CONSOLE_SCRATCH_PATTERN = 0x5A,
    CONSOLE_EARLY_MAX = 128,
    CONSOLE_QUIET_POLLS = 32,    /* nothing for so long: nobody is typing ahead */
    CONSOLE_WAIT_POLLS = 200000, /* far more than 16 characters take at 9600 baud */
};

static struct hal_console_port console_port;
static bool console_is_present;

/* Bytes typed before the FIFO was on, which would lose them: read first. */
static uint8_t console_early[CONSOLE_EARLY_MAX];
static uint32_t console_early_count, console_early_next;

static uint32_t console_fifo; /* bytes it takes at a time */
static uint32_t console_room; /* bytes that may be sent before the next look at the status */

static uint8_t uart_read(const struct hal_console_port *port, unsigned reg)
{
    if (port->registers != NULL)
        return port->registers[reg * port->register_stride];
    return hal_port_read8((uint16_t)(port->io_port + reg));
}

static void uart_write(const struct hal_console_port *port, unsigned reg, uint8_t value)
{
    if (port->registers != NULL)
        port->registers[reg * port->register_stride] = value;
    else
        hal_port_write8((uint16_t)(port->io_port + reg), value);
}

static bool uart_answers(const struct hal_console_port *port)
{
    uart_write(port, UART_SCRATCH, CONSOLE_SCRATCH_PATTERN);
    return uart_read(port, UART_SCRATCH) == CONSOLE_SCRATCH_PATTERN;
}

static void uart_take_early(const struct hal_console_port *port)
{
    console_early_count = 0;
    console_early_next = 0;
    for (uint32_t i = 0; i < CONSOLE_QUIET_POLLS && console_early_count < CONSOLE_EARLY_MAX; i++) {
        if (!(uart_read(port, UART_LINE_STATUS) & UART_LSR_DATA_READY))
            continue;
        console_early[console_early_count++] = uart_read(port, UART_DATA);
        i = 0;
    }
}

static void uart_set_up(const struct hal_console_port *port)
{
    uint32_t clock = port->clock != 0 ? port->clock : UART_CLOCK;
    uint32_t baud = port->baud != 0 ? port->baud : CONSOLE_BAUD;
    uint32_t divisor = clock / UART_CLOCKS_PER_BIT / baud;

    if (divisor == 0)
        divisor = 1;
    uart_write(port, UART_LINE_CONTROL, UART_LCR_8N1); /* data, not the divisor, at register 0 */
    uart_take_early(port);
    uart_write(port, UART_FIFO_CONTROL, UART_FCR_ENABLE);
    uart_write(port, UART_INTERRUPT_ENABLE, 0);
    uart_write(port, UART_LINE_CONTROL, UART_LCR_DIVISOR_ACCESS | UART_LCR_8N1);
    uart_write(port, UART_DIVISOR_LOW, (uint8_t)divisor);
    uart_write(port, UART_DIVISOR_HIGH, (uint8_t)(divisor >> 8));
    uart_write(port, UART_LINE_CONTROL, UART_LCR_8N1);
    uart_write(port, UART_MODEM_CONTROL, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
}

static void console_put(uint8_t byte)
{
    if (console_room == 0) {
        uint32_t polls = CONSOLE_WAIT_POLLS;

        while (!(uart_read(&console_port, UART_LINE_STATUS) & UART_LSR_TRANSMIT_EMPTY)) {
            if (--polls == 0)
                return;
            hal_cpu_pause();
        }
        console_room = console_fifo;
    }
    uart_write(&console_port, UART_DATA, byte);
    console_room--;
}

void console_init(void)
{
    static const struct hal_console_port com1 = {.io_port = UART_COM1};

    (void)hal_console_select(&com1);
}

bool hal_console_select(const struct hal_console_port *port)
{
    if (!uart_answers(port))
        return false;
    uart_set_up(port);
    console_port = *port;
    console_room = 0;
    console_fifo =
        (uart_read(port, UART_INTERRUPT_ID) & UART_IIR_FIFO) == UART_IIR_FIFO ? UART_FIFO_SIZE : 1;
    console_is_present = true;
    return true;
}

void hal_console_write(const char *text, size_t length)
{
    if (!console_is_present)
        return;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            console_put('\r');
        console_put((uint8_t)text[i]);
    }
}

void console_drain(void)
{
    for (uint32_t i = 0; console_is_present && i < CONSOLE_WAIT_POLLS; i++) {
        if (uart_read(&console_port, UART_LINE_STATUS) & UART_LSR_IDLE)
            return;
        hal_cpu_pause();
    }
}

int hal_console_read(void)
{
    if (console_early_next < console_early_count)
        return console_early[console_early_next++];
    if (!console_is_present || !(uart_read(&console_port, UART_LINE_STATUS) & UART_LSR_DATA_READY))
        return -1;
    return uart_read(&console_port, UART_DATA);
}
