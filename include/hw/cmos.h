/*
 * hw/cmos.h - the MC146818 real-time clock and its CMOS memory. Motorola MC146818A data sheet,
 * "Time, Calendar, and Alarm Locations"; the century byte is where PCs keep it.
 */
#ifndef HW_CMOS_H
#define HW_CMOS_H

enum cmos_port { CMOS_INDEX = 0x70, CMOS_DATA = 0x71 };

enum cmos_register {
    CMOS_SECONDS = 0x00,
    CMOS_MINUTES = 0x02,
    CMOS_HOURS = 0x04,
    CMOS_DAY = 0x07,
    CMOS_MONTH = 0x08,
    CMOS_YEAR = 0x09,
    CMOS_STATUS_A = 0x0A,
    CMOS_STATUS_B = 0x0B,
    CMOS_CENTURY = 0x32,
};

enum {
    CMOS_A_UPDATE_IN_PROGRESS = 0x80,
    CMOS_B_24_HOURS = 0x02,
    CMOS_B_BINARY = 0x04,
    CMOS_HOURS_PM = 0x80,
};

#endif
