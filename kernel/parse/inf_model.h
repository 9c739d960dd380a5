/*
 * What an INF says about a device: which model matches, and what installing it means.
 *
 * The order of use: inf_version_read() once; inf_match() with the device's ids gives the best model
 * and the name of the install section that counts on x64; from that name hang the services
 * (inf_service_find), the registry values of `.HW` (inf_registry_begin with inf_match.hardware) and
 * the files (inf_copy_begin). Strings come out expanded, in UTF-8.
 *
 * Decorations (WDK "INF Manufacturer Section", "INF DDInstall Section"): of a manufacturer's
 * TargetOSVersions the most specific one that admits x64 and version 10.0 counts:
 * NTamd64.x.y, NTamd64, NT.x.y, NT, then the bare name; an install section X is looked for as
 * X.NTamd64, X.NT, X.
 *
 * Not here: Include/Needs of other INFs (pnp/inf_apply.c says so), copying, writing a registry.
 */
#ifndef PARSE_INF_MODEL_H
#define PARSE_INF_MODEL_H

#include "parse/inf.h"

#define INF_NAME_MAX 128 /* section, service and file names, with the NUL */

struct inf_version {
    char class_name[INF_NAME_MAX]; /* empty where the INF does not say */
    char class_guid[40];
    char provider[INF_NAME_MAX];
    char driver_date[16];
    char driver_version[24];
};

struct inf_match {
    uint32_t rank;                   /* the lower the better; comparable between INFs */
    char description[INF_FIELD_MAX]; /* the model's name */
    char manufacturer[INF_FIELD_MAX];
    char matched_id[INF_FIELD_MAX];
    char install[INF_NAME_MAX];  /* DDInstall as found, decoration included */
    char hardware[INF_NAME_MAX]; /* install + ".HW"; need not exist */
    char services[INF_NAME_MAX]; /* install + ".Services"; need not exist */
};

/* The ids a device reports, each list best first. */
struct inf_device_ids {
    const char *const *hardware;
    unsigned hardware_count;
    const char *const *compatible;
    unsigned compatible_count;
};

/* WDK "INF AddService Directive". */
#define INF_SERVICE_ASSOCIATED 0x00000002u /* SPSVCINST_ASSOCSERVICE: the function driver */

struct inf_service {
    char name[INF_NAME_MAX];
    char section[INF_NAME_MAX]; /* the service-install section; it may hold AddReg itself */
    uint32_t flags;             /* INF_SERVICE_... */
    uint32_t service_type;      /* 1: kernel driver */
    uint32_t start_type;        /* 0 boot, 1 system, 2 auto, 3 demand, 4 disabled */
    uint32_t error_control;
    char binary[INF_FIELD_MAX]; /* ServiceBinary, as %12%\name.sys */
    const char *file_name;      /* its last component, inside binary */
    char load_order_group[INF_NAME_MAX];
};

/* Values of REG_* as in winnt.h. */
enum inf_registry_type {
    INF_REG_NONE = 0,
    INF_REG_SZ = 1,
    INF_REG_EXPAND_SZ = 2,
    INF_REG_BINARY = 3,
    INF_REG_DWORD = 4,
    INF_REG_MULTI_SZ = 7,
    INF_REG_QWORD = 11,
};

/* WDK "INF AddReg Directive": flags other than the type. */
#define INF_ADDREG_BINARY_TYPE 0x00000001u /* FLG_ADDREG_BINVALUETYPE */
#define INF_ADDREG_NO_CLOBBER 0x00000002u
#define INF_ADDREG_DELETE 0x00000004u
#define INF_ADDREG_APPEND 0x00000008u
#define INF_ADDREG_KEY_ONLY 0x00000010u
#define INF_ADDREG_OVERWRITE_ONLY 0x00000020u
#define INF_ADDREG_TYPE_MASK 0xFFFF0001u

struct inf_registry_value {
    char root[8];               /* HKR, HKLM, HKCR, HKCU, HKU */
    char subkey[INF_FIELD_MAX]; /* relative to the root, may be empty */
    char name[INF_FIELD_MAX];   /* empty: the default value */
    uint32_t flags;             /* INF_ADDREG_... with the type bits */
    uint32_t type;              /* enum inf_registry_type or another number given by the flags */
    struct inf_line line;       /* for inf_registry_data() */
};

/* Walks the sections a directive lists: AddReg = a, b; and then their lines. */
struct inf_directive_iterator {
    const struct inf *inf;
    const char *directive;
    struct inf_cursor outer; /* the section that holds the directive */
    struct inf_line list;    /* the directive's line */
    unsigned field;          /* its next section name; 0: find the next directive line */
    struct inf_cursor inner;
    bool in_inner;
};

struct inf_copy_file {
    char target[INF_NAME_MAX]; /* the name on the system */
    char source[INF_NAME_MAX]; /* the name on the medium: the same if not given */
};

/* False with an error if Signature is not one of Windows NT's. */
bool inf_version_read(const struct inf *inf, struct inf_version *version,
                      struct parse_error *error);

/* The best model of this INF for the ids; false if none matches. */
bool inf_match(const struct inf *inf, const struct inf_device_ids *ids, struct inf_match *match);

/* A service of inf_match.services: the associated one, else the first. False if there is none. */
bool inf_service_find(const struct inf *inf, const char *services, struct inf_service *service,
                      struct parse_error *error);

/* The AddReg lines of a section: inf_match.hardware, inf_match.install or inf_service.section. */
bool inf_registry_begin(const struct inf *inf, const char *section,
                        struct inf_directive_iterator *iterator);
enum parse_step inf_registry_next(struct inf_directive_iterator *iterator,
                                  struct inf_registry_value *value, struct parse_error *error);

/*
 * The data of a value: SZ and EXPAND_SZ as UTF-8 with its NUL, MULTI_SZ as strings each with its
 * NUL and one NUL more, DWORD 4 and QWORD 8 bytes little-endian, everything else bytes.
 */
bool inf_registry_data(const struct inf_registry_value *value, void *buffer, size_t size,
                       size_t *length, struct parse_error *error);

/* The files of a section's CopyFiles, `@name` included. */
bool inf_copy_begin(const struct inf *inf, const char *section,
                    struct inf_directive_iterator *iterator);
enum parse_step inf_copy_next(struct inf_directive_iterator *iterator, struct inf_copy_file *file,
                              struct parse_error *error);

#endif
