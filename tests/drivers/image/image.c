/*
 * image.c - a driver that tells how it was loaded: where, entered by what, with which cookie.
 *
 * It needs no device: loading it is the test, tests/qemu/test_loader.py the judge. Two things that
 * GNU ld does not write into a header stand ready for the judge to name there: _load_config_used
 * as load configuration directory, GsDriverEntry as entry point.
 */
#include <ntddk.h>

/* What compilers store before the loader comes: "/GS (Buffer Security Check)". */
#define COMPILED_COOKIE 0x00002B992DDFA232

ULONG_PTR __security_cookie = COMPILED_COOKIE;

/* The first members of IMAGE_LOAD_CONFIG_DIRECTORY64, up to the cookie's address. */
typedef struct _LOAD_CONFIG {
    ULONG Size;
    UCHAR Skipped[0x54];
    ULONG_PTR *SecurityCookie;
} LOAD_CONFIG;

const LOAD_CONFIG _load_config_used = {sizeof(LOAD_CONFIG), {0}, &__security_cookie};

DRIVER_INITIALIZE GsDriverEntry;

static ULONG Counter;

static VOID First(VOID)
{
    Counter += 1;
}

static VOID Second(VOID)
{
    Counter += 10;
}

/* Addresses that the linker knew for another base: data, constants and code. */
static VOID (*volatile Routines[])(VOID) = {First, Second};
static ULONG *const volatile CounterPointer = &Counter;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    Routines[0]();
    Routines[1]();
    DbgPrint("image: driver entry %p, counter %u by name, %u by pointer\n", DriverEntry, Counter,
             *CounterPointer);
    DbgPrint("image: cookie %p\n", (PVOID)__security_cookie);
    DbgPrint("image: start %p, size %X, init %p\n", DriverObject->DriverStart,
             DriverObject->DriverSize, DriverObject->DriverInit);
    DbgPrint("image: registry path %wZ\n", RegistryPath);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI GsDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DbgPrint("image: by GsDriverEntry\n");
    return DriverEntry(DriverObject, RegistryPath);
}
