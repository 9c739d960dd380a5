/*
 * ex/time.c - calendar time, and the version that is presented.
 *
 * System time counts 100 ns units since 1601-01-01 UTC. There is no time zone: local time is
 * system time, as TimeZoneBias 0 in the shared user data says.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntddk.h>

#include "ke/version.h"

enum {
    DAYS_PER_YEAR = 365,
    DAYS_PER_4_YEARS = 4 * DAYS_PER_YEAR + 1,
    DAYS_PER_CENTURY = 25 * DAYS_PER_4_YEARS - 1,
    DAYS_PER_400_YEARS = 4 * DAYS_PER_CENTURY + 1,
    FIRST_YEAR = 1601, /* the first of a 400-year cycle, and a Monday */
    UNITS_PER_MS = 10000,
    MS_PER_DAY = 86400000,
    PLATFORM_NT = 2,
};

#define UNITS_PER_SECOND 10000000ll
#define SECONDS_1601_TO_1970 11644473600ll /* 369 years, 89 of them leap years */

static bool is_leap(LONG year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static LONG days_in_month(LONG year, LONG month)
{
    static const UCHAR days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1601-01-01 to year, and day of the year. */
static LONG year_of(LONGLONG *days)
{
    LONG cycles = (LONG)(*days / DAYS_PER_400_YEARS);
    LONG centuries, fours, years;

    *days %= DAYS_PER_400_YEARS;
    centuries = (LONG)(*days / DAYS_PER_CENTURY);
    centuries -= centuries / 4; /* the last day of the cycle belongs to its fourth century */
    *days -= (LONGLONG)centuries * DAYS_PER_CENTURY;
    fours = (LONG)(*days / DAYS_PER_4_YEARS);
    *days %= DAYS_PER_4_YEARS;
    years = (LONG)(*days / DAYS_PER_YEAR);
    years -= years / 4;
    *days -= (LONGLONG)years * DAYS_PER_YEAR;
    return FIRST_YEAR + 400 * cycles + 100 * centuries + 4 * fours + years;
}

/* One comparison of RtlVerifyVersionInfo: -1, 0 or 1 for "ours is less, equal, greater". */
struct version_check {
    ULONG type;
    LONG ours;
    LONG wanted;
};

static ULONG condition_of(ULONGLONG mask, ULONG type)
{
    return (ULONG)(mask >> 3 * (unsigned)__builtin_ctz(type) & 7);
}

/* Whether a suite's bits are there: all of them, or any. This system is of none. */
static bool suite_met(ULONG condition, USHORT wanted)
{
    const USHORT ours = 0;

    return condition == VER_AND ? (wanted & ~ours) == 0
                                : condition == VER_OR && (wanted & ours) != 0;
}

static bool condition_met(ULONG condition, LONG order)
{
    switch (condition) {
    case VER_EQUAL:
        return order == 0;
    case VER_GREATER:
        return order > 0;
    case VER_GREATER_EQUAL:
        return order >= 0;
    case VER_LESS:
        return order < 0;
    case VER_LESS_EQUAL:
        return order <= 0;
    default:
        return false;
    }
}

/* WDK surface */

VOID NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields)
{
    LONGLONG ms = Time->QuadPart / UNITS_PER_MS;
    LONGLONG days = ms / MS_PER_DAY;
    LONG rest = (LONG)(ms % MS_PER_DAY);
    LONG year, month = 1;

    TimeFields->Weekday = (CSHORT)((days + 1) % 7); /* 0: Sunday */
    TimeFields->Hour = (CSHORT)(rest / 3600000);
    TimeFields->Minute = (CSHORT)(rest / 60000 % 60);
    TimeFields->Second = (CSHORT)(rest / 1000 % 60);
    TimeFields->Milliseconds = (CSHORT)(rest % 1000);
    year = year_of(&days);
    while (days >= days_in_month(year, month))
        days -= days_in_month(year, month++);
    TimeFields->Year = (CSHORT)year;
    TimeFields->Month = (CSHORT)month;
    TimeFields->Day = (CSHORT)(days + 1);
}
LDR_EXPORT(RtlTimeToTimeFields);

BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time)
{
    const TIME_FIELDS *f = TimeFields;
    LONGLONG days;
    LONG years, month;

    if (f->Year < FIRST_YEAR || f->Month < 1 || f->Month > 12 || f->Day < 1 ||
        f->Day > days_in_month(f->Year, f->Month) || f->Hour < 0 || f->Hour > 23 || f->Minute < 0 ||
        f->Minute > 59 || f->Second < 0 || f->Second > 59 || f->Milliseconds < 0 ||
        f->Milliseconds > 999)
        return FALSE;
    years = f->Year - FIRST_YEAR;
    days = (LONGLONG)years * DAYS_PER_YEAR + years / 4 - years / 100 + years / 400 + f->Day - 1;
    for (month = 1; month < f->Month; month++)
        days += days_in_month(f->Year, month);
    Time->QuadPart = (days * MS_PER_DAY + f->Hour * 3600000ll + f->Minute * 60000ll +
                      f->Second * 1000ll + f->Milliseconds) *
                     UNITS_PER_MS;
    return TRUE;
}
LDR_EXPORT(RtlTimeFieldsToTime);

/* FALSE: before 1970, or later than 32 bits of seconds hold. */
BOOLEAN NTAPI RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    LONGLONG seconds = Time->QuadPart / UNITS_PER_SECOND - SECONDS_1601_TO_1970;

    if (seconds < 0 || seconds > UINT32_MAX)
        return FALSE;
    *ElapsedSeconds = (ULONG)seconds;
    return TRUE;
}
LDR_EXPORT(RtlTimeToSecondsSince1970);

VOID NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (ElapsedSeconds + SECONDS_1601_TO_1970) * UNITS_PER_SECOND;
}
LDR_EXPORT(RtlSecondsSince1970ToTime);

VOID NTAPI ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime)
{
    *LocalTime = *SystemTime;
}
LDR_EXPORT(ExSystemTimeToLocalTime);

VOID NTAPI ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime)
{
    *SystemTime = *LocalTime;
}
LDR_EXPORT(ExLocalTimeToSystemTime);

NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation)
{
    PRTL_OSVERSIONINFOEXW extended = (PRTL_OSVERSIONINFOEXW)VersionInformation;

    VersionInformation->dwMajorVersion = ke_version.major;
    VersionInformation->dwMinorVersion = ke_version.minor;
    VersionInformation->dwBuildNumber = ke_version.build;
    VersionInformation->dwPlatformId = PLATFORM_NT;
    VersionInformation->szCSDVersion[0] = 0;
    if (VersionInformation->dwOSVersionInfoSize == sizeof(RTL_OSVERSIONINFOEXW)) {
        extended->wServicePackMajor = 0;
        extended->wServicePackMinor = 0;
        extended->wSuiteMask = 0;
        extended->wProductType = NtProductWinNt;
        extended->wReserved = 0;
    }
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlGetVersion);

NTSTATUS NTAPI RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask,
                                    ULONGLONG ConditionMask)
{
    /* Most significant first: a lower part counts only where the higher ones are equal. */
    const struct version_check checks[] = {
        {VER_MAJORVERSION, (LONG)ke_version.major, (LONG)VersionInfo->dwMajorVersion},
        {VER_MINORVERSION, (LONG)ke_version.minor, (LONG)VersionInfo->dwMinorVersion},
        {VER_SERVICEPACKMAJOR, 0, VersionInfo->wServicePackMajor},
        {VER_SERVICEPACKMINOR, 0, VersionInfo->wServicePackMinor},
        {VER_BUILDNUMBER, (LONG)ke_version.build, (LONG)VersionInfo->dwBuildNumber},
        {VER_PLATFORMID, PLATFORM_NT, (LONG)VersionInfo->dwPlatformId},
        {VER_PRODUCT_TYPE, NtProductWinNt, VersionInfo->wProductType},
    };
    const ULONG ordered =
        VER_MAJORVERSION | VER_MINORVERSION | VER_SERVICEPACKMAJOR | VER_SERVICEPACKMINOR;
    ULONG left = TypeMask & ordered;
    bool decided = false;
    size_t i;

    if (TypeMask == 0 || ConditionMask == 0)
        return STATUS_INVALID_PARAMETER;
    if ((TypeMask & VER_SUITENAME) != 0 &&
        !suite_met(condition_of(ConditionMask, VER_SUITENAME), VersionInfo->wSuiteMask))
        return STATUS_REVISION_MISMATCH;
    for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const struct version_check *check = &checks[i];
        LONG order = (check->ours > check->wanted) - (check->ours < check->wanted);
        bool is_ordered = (check->type & ordered) != 0;

        left &= ~check->type;
        if ((TypeMask & check->type) == 0 || (is_ordered && decided))
            continue;
        if (is_ordered && order == 0 && left != 0)
            continue; /* equal so far: the next part decides */
        if (!condition_met(condition_of(ConditionMask, check->type), order))
            return STATUS_REVISION_MISMATCH;
        decided |= is_ordered;
    }
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlVerifyVersionInfo);

ULONGLONG NTAPI VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition)
{
    while (TypeMask != 0) {
        unsigned shift = 3 * (unsigned)__builtin_ctz(TypeMask);

        ConditionMask &= ~(7ull << shift);
        ConditionMask |= (ULONGLONG)(Condition & 7) << shift;
        TypeMask &= TypeMask - 1;
    }
    return ConditionMask;
}
LDR_EXPORT(VerSetConditionMask);
