/*
 * ldr/data.c - variables of the kernel that drivers import.
 *
 * A driver's import slot receives the variable's address. There is no debugger and the build number
 * is that of the Windows whose interfaces these are.
 */
#include <lib/export.h>
#include <nt/wdm.h>

enum { BUILD_NUMBER = 19045, BUILD_FREE = 0xF0000000 }; /* Windows 10 22H2, free build */

static BOOLEAN debugger_enabled = FALSE;
static BOOLEAN debugger_not_present = TRUE;
static ULONG build_number = BUILD_FREE | BUILD_NUMBER;
static ULONG global_flag = 0;
static ULONG safe_boot_mode = 0;

LDR_EXPORT_AS("KdDebuggerEnabled", debugger_enabled);
LDR_EXPORT_AS("KdDebuggerNotPresent", debugger_not_present);
LDR_EXPORT_AS("NtBuildNumber", build_number);
LDR_EXPORT_AS("NtGlobalFlag", global_flag);
LDR_EXPORT_AS("InitSafeBootMode", safe_boot_mode);
