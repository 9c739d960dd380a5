/*
 * pnp/registry.h - the registry: a tree of keys in memory, new at each boot.
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

#define PNP_REGISTRY_CONTROL_SET "\\Registry\\Machine\\System\\CurrentControlSet"
#define PNP_REGISTRY_SERVICES PNP_REGISTRY_CONTROL_SET "\\Services"
#define PNP_REGISTRY_ENUM PNP_REGISTRY_CONTROL_SET "\\Enum"
#define PNP_REGISTRY_CLASS PNP_REGISTRY_CONTROL_SET "\\Control\\Class"
#define PNP_REGISTRY_DEVICE_CLASSES PNP_REGISTRY_CONTROL_SET "\\Control\\DeviceClasses"

struct pnp_key;
extern const struct _OBJECT_TYPE pnp_key_type;

void pnp_registry_init(void);

/*
 * A key by path: below `base`, or from the root where base is NULL and the path begins with a
 * backslash. With create, missing keys on the way are made. NULL: not found, or no memory.
 */
struct pnp_key *pnp_key_open(struct pnp_key *base, PCUNICODE_STRING path, bool create,
                             bool *created);
struct pnp_key *pnp_key_open_text(struct pnp_key *base, const char *path, bool create);
/*
 * The same as the registry services have it: with create, only the last name of the path is made if
 * it is missing. STATUS_OBJECT_NAME_NOT_FOUND, STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS pnp_key_find(struct pnp_key *base, PCUNICODE_STRING path, bool create, bool *created,
                      struct pnp_key **key);
/* STATUS_CANNOT_DELETE: it has subkeys. */
NTSTATUS pnp_key_delete(struct pnp_key *key);
bool pnp_key_is_deleted(struct pnp_key *key);
/* In one of the system's hives, which no user writes to. */
bool pnp_key_is_trusted(struct pnp_key *key);

/*
 * Text of so many units, with each %NAME% that the environment has a value for replaced, to `to` as
 * far as there is room. The number of units that it takes.
 */
size_t pnp_environment_expand(PCWSTR environment, PCWSTR text, size_t units, PWSTR to, size_t room);

/* Set or replace a value. */
NTSTATUS pnp_value_set(struct pnp_key *key, PCUNICODE_STRING name, ULONG type, const void *data,
                       ULONG size);
/*
 * Copy a value's data: at most *size bytes, whose full number is returned there.
 * STATUS_OBJECT_NAME_NOT_FOUND, STATUS_BUFFER_OVERFLOW.
 */
NTSTATUS pnp_value_get(struct pnp_key *key, PCUNICODE_STRING name, ULONG *type, void *data,
                       ULONG *size);
NTSTATUS pnp_value_delete(struct pnp_key *key, PCUNICODE_STRING name);

/* From now until it is set again, installing by an INF leaves the value as it is. */
void pnp_value_keep(struct pnp_key *key, PCUNICODE_STRING name);
bool pnp_value_is_kept(struct pnp_key *key, PCUNICODE_STRING name);

/* The same by a UTF-8 name; strings are stored as UTF-16 with their terminator. */
NTSTATUS pnp_value_set_dword(struct pnp_key *key, const char *name, uint32_t value);
NTSTATUS pnp_value_set_string(struct pnp_key *key, const char *name, ULONG type, const char *text);
NTSTATUS pnp_value_set_data(struct pnp_key *key, const char *name, ULONG type, const void *data,
                            ULONG size);
/* False where there is no such value or it is no number. */
bool pnp_value_get_dword(struct pnp_key *key, const char *name, uint32_t *value);
/* REG_DWORD, REG_QWORD or up to 8 bytes of REG_BINARY, little-endian. */
bool pnp_value_get_mask(struct pnp_key *key, const char *name, uint64_t *value);

/* Names by index, in order of creation; the string points into the key, which must be held. */
bool pnp_key_child_at(struct pnp_key *key, ULONG index, UNICODE_STRING *name);
bool pnp_value_at(struct pnp_key *key, ULONG index, UNICODE_STRING *name);
void pnp_key_counts(struct pnp_key *key, ULONG *children, ULONG *values);
PCUNICODE_STRING pnp_key_name(struct pnp_key *key);
/* A key's class, which its creator gives it; empty: none. The string lasts as long as the key. */
NTSTATUS pnp_key_set_class(struct pnp_key *key, PCUNICODE_STRING class);
UNICODE_STRING pnp_key_class(struct pnp_key *key);
/* The system time at which a value or subkey of it was last set, made or deleted. */
LARGE_INTEGER pnp_key_written(struct pnp_key *key);
/* "\Registry\Machine\..." into new memory (ExFreePool). */
NTSTATUS pnp_key_path(struct pnp_key *key, UNICODE_STRING *path);
/* _OBJECT_TYPE::describe: the path. */
void pnp_key_describe(void *key, char *text, size_t size);
