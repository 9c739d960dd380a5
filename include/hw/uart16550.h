/*
 * hw/uart16550.h - the 16550 UART. National Semiconductor PC16550D data sheet, table II "Summary
 * of Registers".
 */
#ifndef HW_UART16550_H
#define HW_UART16550_H

enum uart16550_register {
    UART_DATA = 0,        /* DLAB = 0 */
    UART_DIVISOR_LOW = 0, /* DLAB = 1 */
    UART_INTERRUPT_ENABLE = 1,
    UART_DIVISOR_HIGH = 1,
    UART_FIFO_CONTROL = 2, /* write */
    UART_INTERRUPT_ID = 2, /* read */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
    UART_MODEM_STATUS = 6,
    UART_SCRATCH = 7,
};

enum {
    UART_IER_RECEIVED = 0x01,
    UART_IER_TRANSMIT_EMPTY = 0x02,
    UART_IIR_FIFO = 0xC0, /* both set: FIFOs work */
    UART_FCR_ENABLE = 0x01,
    UART_FCR_CLEAR_RECEIVE = 0x02,
    UART_FCR_CLEAR_TRANSMIT = 0x04,
    UART_LCR_8N1 = 0x03,
    UART_LCR_DIVISOR_ACCESS = 0x80,
    UART_MCR_DTR = 0x01,
    UART_MCR_RTS = 0x02,
    UART_MCR_OUT2 = 0x08,
    UART_LSR_DATA_READY = 0x01,
    UART_LSR_TRANSMIT_EMPTY = 0x20, /* holding register, or the whole transmit FIFO */
    UART_LSR_IDLE = 0x40,           /* nothing left to send, in FIFO or shift register */
    UART_FIFO_SIZE = 16,
    UART_CLOCK = 1843200,
    UART_CLOCKS_PER_BIT = 16,
};

enum uart_pc_port { UART_COM1 = 0x3F8, UART_COM2 = 0x2F8 };

#endif
