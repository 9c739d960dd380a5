/*
 * rtc.c - the battery-backed clock, read once at boot.
 *
 * The registers change under the reader once a second: they are read while no update is in
 * progress, and again until two readings agree. Taken for UTC.
 */
#include "arch.h"

#include <hw/cmos.h>
#include <lib/string.h>

enum {
    RTC_UPDATE_POLLS = 10000, /* an update takes at most 2 ms */
    RTC_READINGS = 4,
    RTC_UNITS_PER_SECOND = 10000000,
    RTC_DAYS_1601_TO_1970 = 134774,
    RTC_YEAR_LEAST = 1970, /* what a two-digit year without a century means starts here */
};

struct rtc_reading {
    uint8_t second, minute, hour, day, month, year, century;
};

static uint8_t rtc_register(uint8_t index)
{
    hal_port_write8(CMOS_INDEX, index);
    return hal_port_read8(CMOS_DATA);
}

static struct rtc_reading rtc_read_registers(void)
{
    for (uint32_t i = 0; i < RTC_UPDATE_POLLS; i++) {
        if (!(rtc_register(CMOS_STATUS_A) & CMOS_A_UPDATE_IN_PROGRESS))
            break;
    }
    return (struct rtc_reading){
        .second = rtc_register(CMOS_SECONDS),
        .minute = rtc_register(CMOS_MINUTES),
        .hour = rtc_register(CMOS_HOURS),
        .day = rtc_register(CMOS_DAY),
        .month = rtc_register(CMOS_MONTH),
        .year = rtc_register(CMOS_YEAR),
        .century = rtc_register(CMOS_CENTURY),
    };
}

static uint8_t rtc_from_bcd(uint8_t value)
{
    return (uint8_t)((value >> 4) * 10 + (value & 0xF));
}

static void rtc_normalise(struct rtc_reading *r, uint8_t status_b)
{
    bool is_pm = !(status_b & CMOS_B_24_HOURS) && (r->hour & CMOS_HOURS_PM);

    r->hour &= (uint8_t)~CMOS_HOURS_PM;
    if (!(status_b & CMOS_B_BINARY)) {
        r->second = rtc_from_bcd(r->second);
        r->minute = rtc_from_bcd(r->minute);
        r->hour = rtc_from_bcd(r->hour);
        r->day = rtc_from_bcd(r->day);
        r->month = rtc_from_bcd(r->month);
        r->year = rtc_from_bcd(r->year);
        r->century = rtc_from_bcd(r->century);
    }
    if (!(status_b & CMOS_B_24_HOURS))
        r->hour = (uint8_t)(r->hour % 12 + (is_pm ? 12 : 0));
}

/* Days since 1970-01-01 of the Gregorian calendar; the year is taken to begin in March. */
static uint64_t rtc_days(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = month <= 2 ? year - 1 : year;
    uint32_t m = month <= 2 ? month + 9 : month - 3;
    enum { DAYS_TO_1970_03_01_BASE = 719468 }; /* from 0000-03-01 to 1970-01-01 */

    return 365ull * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 -
           DAYS_TO_1970_03_01_BASE;
}

uint64_t hal_rtc_read(void)
{
    struct rtc_reading reading = rtc_read_registers();
    uint32_t year;
    uint64_t seconds;

    for (unsigned i = 0; i < RTC_READINGS; i++) {
        struct rtc_reading again = rtc_read_registers();
        bool is_same = memcmp(&again, &reading, sizeof(reading)) == 0;

        reading = again;
        if (is_same)
            break;
    }
    rtc_normalise(&reading, rtc_register(CMOS_STATUS_B));
    if (reading.century >= 19 && reading.century <= 21)
        year = reading.century * 100u + reading.year;
    else
        year = (reading.year >= RTC_YEAR_LEAST % 100 ? 1900u : 2000u) + reading.year;
    seconds = (rtc_days(year, reading.month, reading.day) + RTC_DAYS_1601_TO_1970) * 86400 +
              reading.hour * 3600u + reading.minute * 60u + reading.second;
    return seconds * RTC_UNITS_PER_SECOND;
}
