/*
 * ldr/system_zw.c - ZwQuerySystemInformation: what of it a driver of this kernel can use.
 *
 * The SDK's winternl.h publishes the classes and their structures, but those of modules and of the
 * debugger, which drivers have used for as long and which open projects describe alike. All others
 * are STATUS_INVALID_INFO_CLASS. The kernel stands first among the modules (ldr/kernel_image.c).
 */
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "ldr/internal.h"

#define KERNEL_FOLDER "\\SystemRoot\\system32\\"
#define DRIVER_FOLDER "\\SystemRoot\\System32\\drivers\\"

struct module_list {
    PRTL_PROCESS_MODULES result;
    ULONG room; /* modules that fit */
    ULONG count;
};

static void module_add(struct module_list *list, const char *folder, const char *name,
                       uint64_t base, uint64_t size)
{
    ULONG index = list->count++;

    if (index >= list->room)
        return;
    PRTL_PROCESS_MODULE_INFORMATION module = list->result->Modules;
    module += index;
    *module = (RTL_PROCESS_MODULE_INFORMATION){
        .ImageBase = (PVOID)base,
        .ImageSize = (ULONG)size,
        .LoadOrderIndex = (USHORT)index,
        .LoadCount = 1,
    };
    lib_strlcpy((char *)module->FullPathName, folder, sizeof(module->FullPathName));
    module->OffsetToFileName = (USHORT)strlen((char *)module->FullPathName);
    lib_strlcpy((char *)module->FullPathName + module->OffsetToFileName, name,
                sizeof(module->FullPathName) - module->OffsetToFileName);
}

static void module_visit(const struct ldr_image *image, void *context)
{
    module_add(context, DRIVER_FOLDER, image->name, image->base, image->size);
}

static NTSTATUS query_modules(PVOID information, ULONG length, PULONG needed)
{
    struct module_list list = {.result = information};
    struct ldr_kernel_image kernel;

    if (!ldr_kernel_image_get(&kernel))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (length >= FIELD_OFFSET(RTL_PROCESS_MODULES, Modules))
        list.room = (length - FIELD_OFFSET(RTL_PROCESS_MODULES, Modules)) /
                    sizeof(RTL_PROCESS_MODULE_INFORMATION);
    module_add(&list, KERNEL_FOLDER, "ntoskrnl.exe", kernel.base, kernel.size);
    ldr_image_for_each(module_visit, &list);
    *needed = FIELD_OFFSET(RTL_PROCESS_MODULES, Modules) +
              list.count * sizeof(RTL_PROCESS_MODULE_INFORMATION);
    if (length < *needed)
        return STATUS_INFO_LENGTH_MISMATCH;
    list.result->NumberOfModules = list.count;
    return STATUS_SUCCESS;
}

/* Of a structure with one size. */
static NTSTATUS answer(const void *from, ULONG size, PVOID information, ULONG length, PULONG needed)
{
    *needed = size;
    if (length != size)
        return STATUS_INFO_LENGTH_MISMATCH;
    memcpy(information, from, size);
    return STATUS_SUCCESS;
}

static NTSTATUS query_basic(PVOID information, ULONG length, PULONG needed)
{
    SYSTEM_BASIC_INFORMATION basic = {.NumberOfProcessors = KeNumberProcessors};

    return answer(&basic, sizeof(basic), information, length, needed);
}

static NTSTATUS query_time(PVOID information, ULONG length, PULONG needed)
{
    SYSTEM_TIMEOFDAY_INFORMATION time = {0};

    KeQuerySystemTime(&time.CurrentTime);
    time.BootTime.QuadPart = time.CurrentTime.QuadPart - (LONGLONG)KeQueryInterruptTime();
    return answer(&time, sizeof(time), information, length, needed);
}

static NTSTATUS query_debugger(PVOID information, ULONG length, PULONG needed)
{
    SYSTEM_KERNEL_DEBUGGER_INFORMATION debugger = {.KernelDebuggerNotPresent = TRUE};

    return answer(&debugger, sizeof(debugger), information, length, needed);
}

/* Drivers are not checked when they are loaded: no option is in force. The caller sets Length. */
static NTSTATUS query_code_integrity(PVOID information, ULONG length, PULONG needed)
{
    const SYSTEM_CODEINTEGRITY_INFORMATION integrity = {.Length = sizeof(integrity)};

    if (length == sizeof(integrity) &&
        ((PSYSTEM_CODEINTEGRITY_INFORMATION)information)->Length != sizeof(integrity))
        return STATUS_INFO_LENGTH_MISMATCH;
    return answer(&integrity, sizeof(integrity), information, length, needed);
}

/*
 * PASSIVE_LEVEL. STATUS_INFO_LENGTH_MISMATCH, with the length in *ReturnLength;
 * STATUS_INVALID_INFO_CLASS. WDK "ZwQuerySystemInformation".
 */
NTSTATUS NTAPI ZwQuerySystemInformation(SYSTEM_INFORMATION_CLASS SystemInformationClass,
                                        PVOID SystemInformation, ULONG SystemInformationLength,
                                        PULONG ReturnLength)
{
    NTSTATUS (*query)(PVOID information, ULONG length, PULONG needed);
    ULONG needed = 0;
    NTSTATUS status;

    ASSERT_IRQL(PASSIVE_LEVEL);
    switch (SystemInformationClass) {
    case SystemBasicInformation:
        query = query_basic;
        break;
    case SystemTimeOfDayInformation:
        query = query_time;
        break;
    case SystemProcessInformation:
        query = ldr_query_processes;
        break;
    case SystemProcessorPerformanceInformation:
        query = ldr_query_processor_times;
        break;
    case SystemCodeIntegrityInformation:
        query = query_code_integrity;
        break;
    case SystemModuleInformation:
        query = query_modules;
        break;
    case SystemKernelDebuggerInformation:
        query = query_debugger;
        break;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
    status = query(SystemInformation, SystemInformationLength, &needed);
    if (ReturnLength != NULL)
        *ReturnLength = needed;
    return status;
}
LDR_EXPORT(ZwQuerySystemInformation);
