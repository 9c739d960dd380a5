/*
 * pnp/description.c - IoQueryDeviceDescription: the hardware that firmware described, from the
 * registry below \Registry\Machine\Hardware\Description\System:
 *
 *   <kind of adapter>\<number>[\<kind of controller>\<number>[\<kind of peripheral>\<number>]]
 *
 * each key with the values Identifier, Configuration Data and Component Information. Nothing fills
 * that tree here, since all hardware is found by ACPI and PCI; what a preset or a driver has
 * written there is found. (Windows NT 4.0 DDK: IoQueryDeviceDescription)
 */
#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>
#include <nt/ntddk.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "cm/registry.h"

#define DESCRIPTION "\\Registry\\Machine\\Hardware\\Description\\System"

enum { LEVELS = 3, INFORMATION_COUNT = 3, CONFIGURATION_DATA = 1, PATH_SIZE = 200 };

static const char *const adapters[] = {"MultifunctionAdapter", "EisaAdapter", "TcAdapter", NULL};

/* Of controllers and peripherals, from DiskController on. */
static const char *const kinds[] = {
    "DiskController",     "TapeController",       "CdRomController",   "WormController",
    "SerialController",   "NetworkController",    "DisplayController", "ParallelController",
    "PointerController",  "KeyboardController",   "AudioController",   "OtherController",
    "DiskPeripheral",     "FloppyDiskPeripheral", "TapePeripheral",    "ModemPeripheral",
    "MonitorPeripheral",  "PrinterPeripheral",    "PointerPeripheral", "KeyboardPeripheral",
    "TerminalPeripheral", "OtherPeripheral",      "LinePeripheral",    "NetworkPeripheral"};

struct level {
    const ULONG *wanted; /* number; NULL: any */
    ULONG kind;          /* INTERFACE_TYPE of the bus, CONFIGURATION_TYPE below it */
    ULONG number;
    PKEY_VALUE_FULL_INFORMATION information[INFORMATION_COUNT];
};

struct description {
    const INTERFACE_TYPE *bus; /* NULL: any */
    unsigned depth;            /* levels asked for */
    struct level levels[LEVELS];
    PIO_QUERY_DEVICE_ROUTINE routine;
    PVOID context;
    char path[PATH_SIZE];
};

static PKEY_VALUE_FULL_INFORMATION information_read(struct cm_key *key, PCWSTR name)
{
    PKEY_VALUE_FULL_INFORMATION information;
    UNICODE_STRING counted;
    ULONG size = 0, offset;
    ULONG type;

    RtlInitUnicodeString(&counted, name);
    if (cm_value_get(key, &counted, &type, NULL, &size) == STATUS_OBJECT_NAME_NOT_FOUND)
        return NULL;
    offset = (ULONG)FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name) + counted.Length;
    offset = (offset + sizeof(ULONG64) - 1) & ~(ULONG)(sizeof(ULONG64) - 1);
    information = io_allocate(offset + size, IO_TAG_PNP);
    if (information == NULL)
        return NULL;
    information->DataOffset = offset;
    information->NameLength = counted.Length;
    memcpy(information->Name, counted.Buffer, counted.Length);
    cm_value_get(key, &counted, &information->Type, (char *)information + offset, &size);
    information->DataLength = size;
    return information;
}

static void level_read(struct level *level, struct cm_key *key)
{
    static const PCWSTR names[] = {L"Identifier", L"Configuration Data", L"Component Information"};

    for (unsigned i = 0; i < INFORMATION_COUNT; i++)
        level->information[i] = information_read(key, names[i]);
}

static void level_free(struct level *level)
{
    for (unsigned i = 0; i < INFORMATION_COUNT; i++)
        io_free(level->information[i]);
}

/* Kind and number of a bus stand in its configuration data. */
static bool bus_identify(struct level *level)
{
    const KEY_VALUE_FULL_INFORMATION *data = level->information[CONFIGURATION_DATA];
    CM_FULL_RESOURCE_DESCRIPTOR descriptor;

    if (data == NULL || data->DataLength < sizeof(descriptor))
        return false;
    memcpy(&descriptor, (const char *)data + data->DataOffset, sizeof(descriptor));
    level->kind = (ULONG)descriptor.InterfaceType;
    level->number = descriptor.BusNumber;
    return true;
}

static NTSTATUS description_report(struct description *d, const char *path)
{
    const struct level *bus = &d->levels[0], *controller = &d->levels[1],
                       *peripheral = &d->levels[2];
    WCHAR wide[PATH_SIZE];
    UNICODE_STRING name;

    lib_wide_from_utf8(wide, PATH_SIZE, path, strlen(path) + 1);
    RtlInitUnicodeString(&name, wide);
    return d->routine(d->context, &name, (INTERFACE_TYPE)bus->kind, bus->number,
                      (PKEY_VALUE_FULL_INFORMATION *)bus->information,
                      (CONFIGURATION_TYPE)controller->kind, controller->number,
                      d->depth > 1 ? (PKEY_VALUE_FULL_INFORMATION *)controller->information : NULL,
                      (CONFIGURATION_TYPE)peripheral->kind, peripheral->number,
                      d->depth > 2 ? (PKEY_VALUE_FULL_INFORMATION *)peripheral->information : NULL);
}

static NTSTATUS description_walk(struct description *d, unsigned depth, const char *kind);

/* The key whose path stands in d->path. */
static NTSTATUS description_visit(struct description *d, unsigned depth, struct cm_key *key,
                                  ULONG number)
{
    struct level *level = &d->levels[depth];
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    bool fits;

    level->number = number;
    level_read(level, key);
    fits = depth != 0 || (bus_identify(level) && (d->bus == NULL || (ULONG)*d->bus == level->kind));
    if (fits && (level->wanted == NULL || *level->wanted == level->number))
        status =
            depth + 1 == d->depth
                ? description_report(d, d->path)
                : description_walk(d, depth + 1, kinds[d->levels[depth + 1].kind - DiskController]);
    level_free(level);
    return status;
}

/* All keys <path>\<kind>\<number>. STATUS_OBJECT_NAME_NOT_FOUND: none was reported. */
static NTSTATUS description_walk(struct description *d, unsigned depth, const char *kind)
{
    size_t length = strlen(d->path);
    NTSTATUS result = STATUS_OBJECT_NAME_NOT_FOUND;

    for (ULONG number = 0;; number++) {
        struct cm_key *key;
        NTSTATUS status;

        lib_snprintf(d->path + length, PATH_SIZE - length, "\\%s\\%u", kind, number);
        key = cm_key_open_text(NULL, d->path, false);
        if (key == NULL)
            break;
        status = description_visit(d, depth, key, number);
        ob_dereference(key);
        if (status != STATUS_OBJECT_NAME_NOT_FOUND)
            result = status;
        if (!NT_SUCCESS(result) && result != STATUS_OBJECT_NAME_NOT_FOUND)
            break;
    }
    d->path[length] = 0;
    return result;
}

static bool kind_is_known(const CONFIGURATION_TYPE *kind)
{
    return *kind >= DiskController &&
           (size_t)(*kind - DiskController) < sizeof(kinds) / sizeof(kinds[0]);
}

/* WDK surface */

/*
 * PASSIVE_LEVEL. The routine's own failure ends the query and is returned; STATUS_INVALID_PARAMETER
 * for a kind that is no controller or peripheral; STATUS_OBJECT_NAME_NOT_FOUND: nothing fits.
 */
NTSTATUS NTAPI IoQueryDeviceDescription(PINTERFACE_TYPE BusType, PULONG BusNumber,
                                        PCONFIGURATION_TYPE ControllerType, PULONG ControllerNumber,
                                        PCONFIGURATION_TYPE PeripheralType, PULONG PeripheralNumber,
                                        PIO_QUERY_DEVICE_ROUTINE CalloutRoutine, PVOID Context)
{
    struct description *d;
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;

    if ((ControllerType != NULL && !kind_is_known(ControllerType)) ||
        (PeripheralType != NULL && (ControllerType == NULL || !kind_is_known(PeripheralType))))
        return STATUS_INVALID_PARAMETER;
    d = io_allocate(sizeof(*d), IO_TAG_PNP);
    if (d == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    *d = (struct description){.bus = BusType,
                              .depth = 1u + (ControllerType != NULL) + (PeripheralType != NULL),
                              .routine = CalloutRoutine,
                              .context = Context,
                              .path = DESCRIPTION};
    d->levels[0].wanted = BusNumber;
    d->levels[1].wanted = ControllerNumber;
    d->levels[2].wanted = PeripheralNumber;
    if (ControllerType != NULL)
        d->levels[1].kind = *ControllerType;
    if (PeripheralType != NULL)
        d->levels[2].kind = *PeripheralType;
    for (unsigned i = 0; adapters[i] != NULL && status == STATUS_OBJECT_NAME_NOT_FOUND; i++)
        status = description_walk(d, 0, adapters[i]);
    io_free(d);
    return status;
}
LDR_EXPORT(IoQueryDeviceDescription);
