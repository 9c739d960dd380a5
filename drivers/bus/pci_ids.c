/*
 * Identification strings and texts of a PCI function, in Windows' forms and order.
 *
 * WDK: "Identifiers for PCI devices": hardware ids from the most to the least specific, then
 * compatible ids. Lists are REG_MULTI_SZ: each string ends with a zero, the list with another.
 */
#include <lib/assert.h>
#include <lib/format.h>

#include "memory.h"
#include "pci_pdo.h"

enum { IDS_MAX = 640 };

/* Strings one after another; more than fits is a bug of this file. */
struct id_list {
    char text[IDS_MAX];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void id_add(struct id_list *list, const char *format,
                                                         ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = lib_vsnprintf(list->text + list->length, sizeof(list->text) - list->length, format,
                           arguments);
    va_end(arguments);
    ASSERT(length >= 0 && list->length + (size_t)length + 1 < sizeof(list->text));
    list->length += (size_t)length + 1;
}

/* Wide copy with one more zero behind. */
static WCHAR *id_finish(const struct id_list *list)
{
    WCHAR *wide = bus_allocate_paged((list->length + 1) * sizeof(WCHAR));

    for (size_t i = 0; wide != NULL && i < list->length; i++)
        wide[i] = (WCHAR)(unsigned char)list->text[i];
    return wide;
}

static void device_id_add(const struct pci_function *f, struct id_list *list)
{
    id_add(list, "PCI\\VEN_%04X&DEV_%04X&SUBSYS_%04X%04X&REV_%02X", f->vendor_id, f->device_id,
           f->subsystem_id, f->subsystem_vendor_id, f->revision);
}

static void hardware_ids_add(const struct pci_function *f, struct id_list *list)
{
    device_id_add(f, list);
    id_add(list, "PCI\\VEN_%04X&DEV_%04X&SUBSYS_%04X%04X", f->vendor_id, f->device_id,
           f->subsystem_id, f->subsystem_vendor_id);
    id_add(list, "PCI\\VEN_%04X&DEV_%04X&REV_%02X", f->vendor_id, f->device_id, f->revision);
    id_add(list, "PCI\\VEN_%04X&DEV_%04X", f->vendor_id, f->device_id);
    id_add(list, "PCI\\VEN_%04X&DEV_%04X&CC_%06X", f->vendor_id, f->device_id, f->class_code);
    id_add(list, "PCI\\VEN_%04X&DEV_%04X&CC_%04X", f->vendor_id, f->device_id, f->class_code >> 8);
}

static void compatible_ids_add(const struct pci_function *f, struct id_list *list)
{
    id_add(list, "PCI\\VEN_%04X&DEV_%04X&REV_%02X", f->vendor_id, f->device_id, f->revision);
    id_add(list, "PCI\\VEN_%04X&DEV_%04X", f->vendor_id, f->device_id);
    id_add(list, "PCI\\VEN_%04X&CC_%06X", f->vendor_id, f->class_code);
    id_add(list, "PCI\\VEN_%04X&CC_%04X", f->vendor_id, f->class_code >> 8);
    id_add(list, "PCI\\VEN_%04X", f->vendor_id);
    id_add(list, "PCI\\CC_%06X", f->class_code);
    id_add(list, "PCI\\CC_%04X", f->class_code >> 8);
}

WCHAR *pci_id_query(const struct pci_function *function, BUS_QUERY_ID_TYPE type)
{
    struct id_list list = {.length = 0};

    switch (type) {
    case BusQueryDeviceID:
        device_id_add(function, &list);
        break;
    case BusQueryHardwareIDs:
        hardware_ids_add(function, &list);
        break;
    case BusQueryCompatibleIDs:
        compatible_ids_add(function, &list);
        break;
    case BusQueryInstanceID:
        /* Unique in the machine: which bus, then which slot on it. */
        id_add(&list, "3&%x&0&%02X",
               (unsigned int)function->where.segment << 8 | function->where.bus,
               function->where.devfn);
        break;
    default:
        return NULL;
    }
    return id_finish(&list);
}

WCHAR *pci_text_query(const struct pci_function *function, DEVICE_TEXT_TYPE type)
{
    struct id_list list = {.length = 0};

    if (type == DeviceTextDescription)
        id_add(&list, "%s", pci_class_name(function->class_code));
    else if (type == DeviceTextLocationInformation)
        id_add(&list, "PCI bus %u, device %u, function %u", function->where.bus,
               PCI_DEVFN_DEVICE(function->where.devfn), PCI_DEVFN_FUNCTION(function->where.devfn));
    else
        return NULL;
    return id_finish(&list);
}
