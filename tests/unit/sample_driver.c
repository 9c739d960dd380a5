/*
 * A driver whose only purpose is to be linked: it has imports from two libraries, unwind data, and
 * a table of pointers that needs base relocations. Never loaded.
 */
#include <wdm.h>

typedef LONG NTAPI sample_routine(LONG value);

static LONG NTAPI sample_twice(LONG value)
{
    return value * 2;
}

static LONG NTAPI sample_stall(LONG value)
{
    KeStallExecutionProcessor((ULONG)value);
    return value;
}

sample_routine *sample_table[] = {sample_twice, sample_stall};

static VOID NTAPI sample_unload(PDRIVER_OBJECT driver)
{
    DbgPrint("%p goes\n", driver);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    volatile char block[512];

    block[path->Length % 512] = 1;
    driver->DriverUnload = sample_unload;
    return sample_table[block[path->Length % 512] & 1](3) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
