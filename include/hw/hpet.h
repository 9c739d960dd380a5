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

#define HPET_TIMER_STRIDE 0x20

/* 2.3.4 General Capabilities and ID */
#define HPET_CAP_PERIOD 0xFFFFFFFF00000000ull /* femtoseconds a tick */
#define HPET_CAP_64BIT 0x0000000000002000ull
#define HPET_PERIOD_MAX 0x05F5E100u
#define HPET_FS_PER_SECOND 1000000000000000ull

/* 2.3.5 General Configuration */
#define HPET_CONFIG_ENABLE 0x1ull
#define HPET_CONFIG_LEGACY 0x2ull

#endif
