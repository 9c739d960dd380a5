/*
 * hw/i8259.h - the pair of 8259A interrupt controllers. Intel 8259A data sheet, "Programming the
 * 8259A"; ports as on the PC.
 */
#ifndef HW_I8259_H
#define HW_I8259_H

enum i8259_port {
    I8259_MASTER_COMMAND = 0x20,
    I8259_MASTER_DATA = 0x21,
    I8259_SLAVE_COMMAND = 0xA0,
    I8259_SLAVE_DATA = 0xA1,
};

enum {
    I8259_ICW1_INIT = 0x10,
    I8259_ICW1_NEED_ICW4 = 0x01,
    I8259_ICW3_MASTER_SLAVE_AT_2 = 1 << 2,
    I8259_ICW3_SLAVE_ID_2 = 2,
    I8259_ICW4_8086 = 0x01,
    I8259_OCW1_MASK_ALL = 0xFF,
    I8259_LINES = 8,
};

#endif
