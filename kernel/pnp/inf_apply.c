/*
 * pnp/inf_apply.c - what installing a device by an INF writes into the registry.
 *
 *   Control\Class\{guid}\nnnn   the driver key: version, provider, DDInstall's AddReg
 *   Enum\<instance>             Service, Driver, DeviceDesc, Mfg, Class, ClassGUID
 *     \Device Parameters        DDInstall.HW's AddReg: Interrupt Management lives here (RES-REG-3)
 *   Services\<name>             Type, Start, ErrorControl, ImagePath, the service's AddReg
 *
 * HKR means the key of the section at hand. HKLM is followed too; other roots are no machine's
 * business here and are skipped.
 *
 * Owns: this mapping. Owns not: parsing (parse/inf_model.c), the tree (cm/registry.c).
 */
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "pnp/inf_list.h"
#include "pnp/text.h"

enum {
    DATA_MAX = 8192,
    UTF16_PER_BYTE = 2, /* a UTF-8 byte makes at most one unit */
};

/* What applying AddReg lines needs: too large for the stack. */
struct apply_buffers {
    struct inf_registry_value value;
    struct inf_service service;
    char data[DATA_MAX];
    WCHAR wide[DATA_MAX];
};

/* The value's data as the registry holds it, in buffers->data or ->wide. */
static const void *value_convert(struct apply_buffers *buffers, size_t length, ULONG *size)
{
    size_t units;

    if (buffers->value.type != REG_SZ && buffers->value.type != REG_EXPAND_SZ &&
        buffers->value.type != REG_MULTI_SZ) {
        *size = (ULONG)length;
        return buffers->data;
    }
    units = lib_wide_from_utf8(buffers->wide, DATA_MAX, buffers->data, length);
    *size = (ULONG)(units * sizeof(WCHAR));
    return buffers->wide;
}

/* The bytes of a value of any type, or 0. */
static ULONG value_read(struct cm_key *key, const char *name, void *data, ULONG room)
{
    WCHAR units[INF_FIELD_MAX];
    UNICODE_STRING wide = {.Buffer = units};

    wide.Length =
        (USHORT)(lib_wide_from_utf8(units, INF_FIELD_MAX, name, strlen(name)) * sizeof(WCHAR));
    return NT_SUCCESS(cm_value_get(key, &wide, NULL, data, &room)) ? room : 0;
}

static bool multi_has(const WCHAR *multi, const WCHAR *string)
{
    for (; *multi != 0; multi += lib_wcslen(multi) + 1)
        if (lib_wcsicmp(multi, string) == 0)
            return true;
    return false;
}

/* FLG_ADDREG_APPEND: each string that is not there yet goes behind those that are. */
static void value_append(struct cm_key *key, const char *name, const WCHAR *more)
{
    WCHAR *merged = io_allocate((DATA_MAX + 2) * sizeof(WCHAR), IO_TAG_PNP);
    size_t units;

    if (merged == NULL)
        return;
    units = value_read(key, name, merged, (DATA_MAX / 2) * sizeof(WCHAR)) / sizeof(WCHAR);
    if (units != 0)
        units--; /* the terminator of the whole */
    for (; *more != 0; more += lib_wcslen(more) + 1) {
        size_t length = lib_wcslen(more) + 1;

        if (multi_has(merged, more) || units + length > DATA_MAX)
            continue;
        memcpy(merged + units, more, length * sizeof(WCHAR));
        units += length;
    }
    merged[units++] = 0;
    cm_value_set_data(key, name, REG_MULTI_SZ, merged, (ULONG)(units * sizeof(WCHAR)));
    io_free(merged);
}

/* May the line write its value? Its flags and what is there already decide. */
static bool value_is_free(struct cm_key *key, const struct inf_registry_value *value)
{
    WCHAR units[INF_FIELD_MAX];
    UNICODE_STRING name = {.Buffer = units};
    ULONG size = 0;
    bool exists;

    name.Length =
        (USHORT)(lib_wide_from_utf8(units, INF_FIELD_MAX, value->name, strlen(value->name)) *
                 sizeof(WCHAR));
    exists = cm_value_get(key, &name, NULL, NULL, &size) != STATUS_OBJECT_NAME_NOT_FOUND;
    if (exists)
        return (value->flags & INF_ADDREG_NO_CLOBBER) == 0 && !cm_value_is_kept(key, &name);
    return (value->flags & INF_ADDREG_OVERWRITE_ONLY) == 0;
}

static void value_apply(struct cm_key *key, struct apply_buffers *buffers)
{
    const struct inf_registry_value *value = &buffers->value;
    struct parse_error error;
    const void *data;
    size_t length;
    ULONG size;

    if ((value->flags & (INF_ADDREG_KEY_ONLY | INF_ADDREG_DELETE)) != 0 ||
        !value_is_free(key, value))
        return;
    if (!inf_registry_data(value, buffers->data, sizeof(buffers->data), &length, &error)) {
        log_warn("pnp: AddReg %s: %s: %s", value->name, error.what, error.detail);
        return;
    }
    data = value_convert(buffers, length, &size);
    if ((value->flags & INF_ADDREG_APPEND) != 0 && value->type == REG_MULTI_SZ)
        value_append(key, value->name, data);
    else
        cm_value_set_data(key, value->name, value->type, data, size);
}

/* Values of a .HW section that are properties of the device, not parameters of its driver. */
static bool is_device_property(const struct inf_registry_value *value)
{
    return value->subkey[0] == 0 && (lib_stricmp(value->name, "UpperFilters") == 0 ||
                                     lib_stricmp(value->name, "LowerFilters") == 0);
}

/* What HKR means in a section. */
struct relative_keys {
    struct cm_key *values;
    struct cm_key *properties; /* or NULL: device properties go here instead */
};

static struct cm_key *relative_key(const struct relative_keys *keys,
                                   const struct inf_registry_value *value)
{
    if (keys->properties != NULL && is_device_property(value))
        return keys->properties;
    return keys->values;
}

/* The AddReg lines of a section. */
static void registry_apply(const struct pnp_inf *inf, const char *section,
                           struct relative_keys relative, struct apply_buffers *buffers)
{
    struct inf_directive_iterator iterator;
    struct parse_error error;
    enum parse_step step;

    if (relative.values == NULL || !inf_registry_begin(&inf->inf, section, &iterator))
        return;
    while ((step = inf_registry_next(&iterator, &buffers->value, &error)) == PARSE_ITEM) {
        struct cm_key *base = relative_key(&relative, &buffers->value);
        struct cm_key *key;

        if (lib_stricmp(buffers->value.root, "HKLM") == 0)
            base = cm_key_open_text(NULL, "\\Registry\\Machine", true);
        else if (lib_stricmp(buffers->value.root, "HKR") == 0)
            ob_reference(base);
        else
            continue;
        if (base == NULL)
            continue;
        key = cm_key_open_text(base, buffers->value.subkey, true);
        ob_dereference(base);
        if (key == NULL)
            continue;
        value_apply(key, buffers);
        ob_dereference(key);
    }
    if (step == PARSE_BAD)
        log_warn("pnp: %s: [%s]: %s at offset 0x%llx: %s", inf->name, section, error.what,
                 (unsigned long long)error.offset, error.detail);
}

/* The key that an earlier device of this instance was given, if it is of this class. */
static struct cm_key *driver_key_again(struct pnp_devnode *node, struct cm_key *class_root,
                                       const char *class_guid)
{
    WCHAR wide[PNP_NAME_MAX] = {0};
    ULONG size = sizeof(wide) - sizeof(wide[0]);
    char path[PNP_NAME_MAX];
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, L"Driver");
    if (node->key == NULL || !NT_SUCCESS(cm_value_get(node->key, &name, NULL, wide, &size)))
        return NULL;
    pnp_text_from_wide(path, sizeof(path), wide);
    if (lib_strnicmp(path, class_guid, strlen(class_guid)) != 0)
        return NULL;
    return cm_key_open_text(class_root, path, false);
}

/* The device's numbered key of the class; its path below Class goes to the Enum key as "Driver". */
static struct cm_key *driver_key_create(struct pnp_devnode *node, const char *class_guid)
{
    char path[PNP_NAME_MAX];
    struct cm_key *class_root = cm_key_open_text(NULL, CM_REGISTRY_CLASS, true);
    struct cm_key *class_key;
    struct cm_key *key = NULL;
    ULONG children, values;

    if (class_root == NULL)
        return NULL;
    key = driver_key_again(node, class_root, class_guid);
    if (key != NULL) {
        ob_dereference(class_root);
        return key;
    }
    class_key = cm_key_open_text(class_root, class_guid, true);
    if (class_key != NULL) {
        cm_key_counts(class_key, &children, &values);
        lib_snprintf(path, sizeof(path), "%s\\%04u", class_guid, (unsigned)children);
        key = cm_key_open_text(class_root, path, true);
        ob_dereference(class_key);
    }
    ob_dereference(class_root);
    if (key != NULL && node->key != NULL)
        cm_value_set_string(node->key, "Driver", REG_SZ, path);
    return key;
}

static void driver_key_fill(struct pnp_devnode *node, const struct pnp_inf *inf,
                            const struct inf_match *match)
{
    struct cm_key *key = node->driver_key;

    if (key == NULL)
        return;
    cm_value_set_string(key, "DriverDesc", REG_SZ, match->description);
    cm_value_set_string(key, "ProviderName", REG_SZ, inf->version.provider);
    cm_value_set_string(key, "DriverVersion", REG_SZ, inf->version.driver_version);
    cm_value_set_string(key, "DriverDate", REG_SZ, inf->version.driver_date);
    cm_value_set_string(key, "InfPath", REG_SZ, inf->name);
    cm_value_set_string(key, "InfSection", REG_SZ, match->install);
    cm_value_set_string(key, "MatchingDeviceId", REG_SZ, match->matched_id);
}

static void enum_key_fill(struct pnp_devnode *node, const struct pnp_inf *inf,
                          const struct inf_match *match, const struct pnp_driver *driver)
{
    if (node->key == NULL)
        return;
    cm_value_set_string(node->key, "Service", REG_SZ, driver->service);
    cm_value_set_string(node->key, "DeviceDesc", REG_SZ, match->description);
    cm_value_set_string(node->key, "Mfg", REG_SZ, match->manufacturer);
    cm_value_set_string(node->key, "Class", REG_SZ, inf->version.class_name);
    cm_value_set_string(node->key, "ClassGUID", REG_SZ, inf->version.class_guid);
}

static void service_apply(const struct pnp_inf *inf, const struct inf_match *match,
                          struct pnp_driver *driver, struct apply_buffers *buffers)
{
    struct inf_service *service = &buffers->service;
    struct cm_key *services;
    struct cm_key *key;

    if (pnp_inf_driver(inf, match, service) == NULL || service->name[0] == 0)
        return;
    if (driver->object == NULL) /* a running driver keeps its name */
        lib_strlcpy(driver->service, service->name, sizeof(driver->service));
    services = cm_key_open_text(NULL, CM_REGISTRY_SERVICES, true);
    if (services == NULL)
        return;
    key = cm_key_open_text(services, service->name, true);
    ob_dereference(services);
    if (key == NULL)
        return;
    cm_value_set_dword(key, "Type", service->service_type);
    cm_value_set_dword(key, "Start", service->start_type);
    cm_value_set_dword(key, "ErrorControl", service->error_control);
    if (service->load_order_group[0] != 0)
        cm_value_set_string(key, "Group", REG_SZ, service->load_order_group);
    registry_apply(inf, service->section, (struct relative_keys){key, NULL}, buffers);
    ob_dereference(key);
}

/*
 * Sections of Windows' own INFs, which are not here: what they would have done is not done (WDK
 * "INF DDInstall Section").
 */
static void includes_say(const struct pnp_inf *inf, const char *section)
{
    static const char *const directives[] = {"Include", "Needs"};
    char names[INF_NAME_MAX];
    struct inf_line line;

    for (size_t i = 0; i < ARRAY_COUNT(directives); i++) {
        if (inf_find_line(&inf->inf, section, directives[i], &line) &&
            inf_line_field(&line, 1, names, sizeof(names)) > 0)
            log_info("pnp: %s: [%s]: %s = %s is ignored: there are no other INFs", inf->name,
                     section, directives[i], names);
    }
}

void pnp_inf_apply(struct pnp_devnode *node, const struct pnp_inf *inf,
                   const struct inf_match *match, struct pnp_driver *driver)
{
    struct apply_buffers *buffers = io_allocate(sizeof(*buffers), IO_TAG_PNP);

    if (buffers == NULL) {
        log_error("pnp: %s: no memory to apply %s", node->instance, inf->name);
        return;
    }
    lib_strlcpy(node->description, match->description, sizeof(node->description));
    includes_say(inf, match->install);
    includes_say(inf, match->hardware);
    includes_say(inf, match->services);
    service_apply(inf, match, driver, buffers);
    if (node->driver_key == NULL)
        node->driver_key = driver_key_create(node, inf->version.class_guid[0] != 0
                                                       ? inf->version.class_guid
                                                       : "{00000000-0000-0000-0000-000000000000}");
    driver_key_fill(node, inf, match);
    enum_key_fill(node, inf, match, driver);
    registry_apply(inf, match->install, (struct relative_keys){node->driver_key, NULL}, buffers);
    registry_apply(inf, match->hardware, (struct relative_keys){node->parameters, node->key},
                   buffers);
    io_free(buffers);
}
