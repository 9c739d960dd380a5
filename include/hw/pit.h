/*
 * hw/pit.h - the 8254 timer, channel 2 with its gate at port 61h. Intel 82C54 data sheet "Control
 * Word Format"; the gate: any ICH data sheet, "NMI Status and Control Register".
 */
#ifndef HW_PIT_H
#define HW_PIT_H

enum pit_port {
    PIT_CHANNEL_2 = 0x42,
    PIT_COMMAND = 0x43,
    PIT_GATE = 0x61,
};

enum {
    PIT_FREQUENCY = 1193182,
    PIT_COMMAND_CHANNEL_2_WORD_MODE_0 = 0xB0, /* channel 2, both bytes, interrupt on count */
    PIT_COMMAND_CHANNEL_2_LATCH = 0x80,
    PIT_GATE_CHANNEL_2 = 0x01,
    PIT_GATE_SPEAKER = 0x02,
    PIT_GATE_OUTPUT_2 = 0x20,
};

/* The ACPI power management timer, ACPI 6.5 4.8.3.3 */
enum { ACPI_PM_TIMER_FREQUENCY = 3579545 };

#endif
