/*
 * cm/registry.h - the registry: a tree of keys in memory, new at each boot.
 *
 * \Registry\Machine\System\CurrentControlSet\{Services,Enum,Control\Class} is filled by pnp from
 * the bus's reports and the INFs; drivers read and write it by the Zw and Rtl routines
 * (registry_zw.c, registry_rtl.c). ControlSet001 is another name of CurrentControlSet. Names
 * compare without regard to case.
 *
 * A key is an object (ke/ob.h): every key returned here comes with a reference, to be dropped by
 * ob_dereference(). Text parameters are UTF-8. Calls work at IRQL <= APC_LEVEL.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

#define CM_REGISTRY_CONTROL_SET "\\Registry\\Machine\\System\\CurrentControlSet"
#define CM_REGISTRY_SERVICES CM_REGISTRY_CONTROL_SET "\\Services"
#define CM_REGISTRY_ENUM CM_REGISTRY_CONTROL_SET "\\Enum"
#define CM_REGISTRY_CLASS CM_REGISTRY_CONTROL_SET "\\Control\\Class"
#define CM_REGISTRY_DEVICE_CLASSES CM_REGISTRY_CONTROL_SET "\\Control\\DeviceClasses"

struct cm_key;
extern const struct _OBJECT_TYPE cm_key_type;

void cm_registry_init(void);

/*
 * A key by path: below `base`, or from the root where base is NULL and the path begins with a
 * backslash. With create, missing keys on the way are made. NULL: not found, or no memory.
 */
struct cm_key *cm_key_open(struct cm_key *base, PCUNICODE_STRING path, bool create, bool *created);
struct cm_key *cm_key_open_text(struct cm_key *base, const char *path, bool create);
/*
 * The same as the registry services have it: with create, only the last name of the path is made if
 * it is missing. STATUS_OBJECT_NAME_NOT_FOUND, STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS cm_key_find(struct cm_key *base, PCUNICODE_STRING path, bool create, bool *created,
                     struct cm_key **key);
/* STATUS_CANNOT_DELETE: it has subkeys. */
NTSTATUS cm_key_delete(struct cm_key *key);
bool cm_key_is_deleted(struct cm_key *key);
/* In one of the system's hives, which no user writes to. */
bool cm_key_is_trusted(struct cm_key *key);

/*
 * Text of so many units, with each %NAME% that the environment has a value for replaced, to `to` as
 * far as there is room. The number of units that it takes.
 */
size_t cm_environment_expand(PCWSTR environment, PCWSTR text, size_t units, PWSTR to, size_t room);

/* Set or replace a value. */
NTSTATUS cm_value_set(struct cm_key *key, PCUNICODE_STRING name, ULONG type, const void *data,
                      ULONG size);
/*
 * Copy a value's data: at most *size bytes, whose full number is returned there.
 * STATUS_OBJECT_NAME_NOT_FOUND, STATUS_BUFFER_OVERFLOW.
 */
NTSTATUS cm_value_get(struct cm_key *key, PCUNICODE_STRING name, ULONG *type, void *data,
                      ULONG *size);
NTSTATUS cm_value_delete(struct cm_key *key, PCUNICODE_STRING name);

/* From now until it is set again, installing by an INF leaves the value as it is. */
void cm_value_keep(struct cm_key *key, PCUNICODE_STRING name);
bool cm_value_is_kept(struct cm_key *key, PCUNICODE_STRING name);

/* The same by a UTF-8 name; strings are stored as UTF-16 with their terminator. */
NTSTATUS cm_value_set_dword(struct cm_key *key, const char *name, uint32_t value);
NTSTATUS cm_value_set_string(struct cm_key *key, const char *name, ULONG type, const char *text);
NTSTATUS cm_value_set_data(struct cm_key *key, const char *name, ULONG type, const void *data,
                           ULONG size);
/* False where there is no such value or it is no number. */
bool cm_value_get_dword(struct cm_key *key, const char *name, uint32_t *value);
/* REG_DWORD, REG_QWORD or up to 8 bytes of REG_BINARY, little-endian. */
bool cm_value_get_mask(struct cm_key *key, const char *name, uint64_t *value);

/* Names by index, in order of creation; the string points into the key, which must be held. */
bool cm_key_child_at(struct cm_key *key, ULONG index, UNICODE_STRING *name);
bool cm_value_at(struct cm_key *key, ULONG index, UNICODE_STRING *name);
void cm_key_counts(struct cm_key *key, ULONG *children, ULONG *values);
PCUNICODE_STRING cm_key_name(struct cm_key *key);
/* A key's class, which its creator gives it; empty: none. The string lasts as long as the key. */
NTSTATUS cm_key_set_class(struct cm_key *key, PCUNICODE_STRING class);
UNICODE_STRING cm_key_class(struct cm_key *key);
/* The system time at which a value or subkey of it was last set, made or deleted. */
LARGE_INTEGER cm_key_written(struct cm_key *key);
/* "\Registry\Machine\..." into new memory (ExFreePool). */
NTSTATUS cm_key_path(struct cm_key *key, UNICODE_STRING *path);
/* _OBJECT_TYPE::describe: the path. */
void cm_key_describe(void *key, char *text, size_t size);
