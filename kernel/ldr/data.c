/*
 * ldr/data.c - variables of the kernel that drivers import.
 *
 * A driver's import slot receives the variable's address. There is no debugger; the build number is
 * that of the Windows version chosen (ke/version.h).
 */
#include <lib/export.h>
#include <nt/wdm.h>

#include "ke/version.h"
#include "ldr/internal.h"

#define BUILD_FREE 0xF0000000u /* NtBuildNumber, upper half: F for free, C for checked */

static BOOLEAN debugger_enabled = FALSE;
static BOOLEAN debugger_not_present = TRUE;
static ULONG build_number;
static ULONG global_flag = 0;
static ULONG safe_boot_mode = 0;

LDR_EXPORT_AS("KdDebuggerEnabled", debugger_enabled);
LDR_EXPORT_AS("KdDebuggerNotPresent", debugger_not_present);
LDR_EXPORT_AS("NtBuildNumber", build_number);
LDR_EXPORT_AS("NtGlobalFlag", global_flag);
LDR_EXPORT_AS("InitSafeBootMode", safe_boot_mode);

void ldr_data_init(void)
{
    build_number = BUILD_FREE | ke_version.build;
}
