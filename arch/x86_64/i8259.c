/*
 * i8259.c - the legacy interrupt controllers, moved out of the way and masked for good.
 *
 * A masked 8259 can still deliver its spurious vector (input 7 of either), so they are given
 * vectors that no driver gets: class 12. The stray line of kernel/irq counts what comes there.
 * Neither needs an end of interrupt, for a spurious one sets no in-service bit.
 * Written whatever the MADT says of their presence: ports without a device ignore it.
 */
#include "arch.h"

#include <hw/i8259.h>

void i8259_init(void)
{
    hal_port_write8(I8259_MASTER_COMMAND, I8259_ICW1_INIT | I8259_ICW1_NEED_ICW4);
    hal_port_write8(I8259_SLAVE_COMMAND, I8259_ICW1_INIT | I8259_ICW1_NEED_ICW4);
    hal_port_write8(I8259_MASTER_DATA, VECTOR_I8259_MASTER);
    hal_port_write8(I8259_SLAVE_DATA, VECTOR_I8259_SLAVE);
    hal_port_write8(I8259_MASTER_DATA, I8259_ICW3_MASTER_SLAVE_AT_2);
    hal_port_write8(I8259_SLAVE_DATA, I8259_ICW3_SLAVE_ID_2);
    hal_port_write8(I8259_MASTER_DATA, I8259_ICW4_8086);
    hal_port_write8(I8259_SLAVE_DATA, I8259_ICW4_8086);
    hal_port_write8(I8259_MASTER_DATA, I8259_OCW1_MASK_ALL);
    hal_port_write8(I8259_SLAVE_DATA, I8259_OCW1_MASK_ALL);
}
