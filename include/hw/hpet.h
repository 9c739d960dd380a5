/*
 * hw/hpet.h - registers of a high precision event timer block. IA-PC HPET Specification 1.0a 2.3.
 * Where the block is stands in the ACPI table: parse/hpet.h.
 */
#ifndef HW_HPET_H
#define HW_HPET_H

enum hpet_register {
    HPET_CAPABILITIES = 0x000, /* 64 bits */
    HPET_CONFIGURATION = 0x010,
    HPET_INTERRUPT_STATUS = 0x020,
    HPET_COUNTER = 0x0F0,
    HPET_TIMER_0 = 0x100,
};

/* Timer n's registers, from HPET_TIMER_0 + n * HPET_TIMER_STRIDE */
#define HPET_TIMER_STRIDE 0x20
enum hpet_timer_register {
    HPET_TIMER_CONFIGURATION = 0x00, /* lower half; the upper one is the next */
    HPET_TIMER_ROUTES = 0x04,        /* IOAPIC inputs it can be led to, a bit each */
    HPET_TIMER_COMPARATOR = 0x08,
    HPET_TIMER_FSB_DATA = 0x10,
    HPET_TIMER_FSB_ADDRESS = 0x14,
};

/* 2.3.4 General Capabilities and ID */
#define HPET_CAP_PERIOD 0xFFFFFFFF00000000ull /* femtoseconds a tick */
#define HPET_CAP_LAST_TIMER 0x0000000000001F00ull
#define HPET_CAP_64BIT 0x0000000000002000ull
#define HPET_PERIOD_MAX 0x05F5E100u
#define HPET_FS_PER_SECOND 1000000000000000ull

/* 2.3.5 General Configuration */
#define HPET_CONFIG_ENABLE 0x1ull
#define HPET_CONFIG_LEGACY 0x2ull

/* 2.3.8 Timer N Configuration and Capabilities, lower half */
#define HPET_TIMER_INTERRUPT 0x0004u
#define HPET_TIMER_FSB 0x4000u
#define HPET_TIMER_HAS_FSB 0x8000u

#endif
