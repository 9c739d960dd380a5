/*
 * pnp/devnode.h - the device tree and the drivers it can choose from.
 *
 * A devnode is what pnp knows of one PDO. Its life:
 *
 *   reported -> identified (ids, registry key) -> added (driver loaded, AddDevice)
 *            -> started <-> stopped -> removed
 *
 * Legend: (c) constant once identified, (a) changed only under the action lock, (t) tree lock: a
 * spin lock that lists take, (o) written by the action that owns the node, read by anyone.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

#include "io/device.h"
#include "io/interrupt_assignment.h"
#include "pnp/bus_interface.h"
#include "cm/registry.h"

enum pnp_state {
    PNP_REPORTED,
    PNP_IDENTIFIED,
    PNP_NO_DRIVER,
    PNP_ADDED,
    PNP_STARTED,
    PNP_STOPPED,
    PNP_FAILED,
    PNP_SURPRISE_REMOVED,
    PNP_REMOVED, /* the PDO is there, its driver is gone */
};

enum {
    PNP_TEXT_MAX = 96,
    PNP_NAME_MAX = 64,
    PNP_INSTANCE_MAX = 200,
    CM_FILTERS_MAX = 8,
};

struct pnp_driver;

/* The lines assigned to a device, and where they came from. */
struct pnp_lines {
    uint32_t count;
    bool messages; /* from messages_create(): destroyed after release */
    struct irq_line *lines[];
};

struct pnp_devnode {
    struct pnp_devnode *parent;      /* (c) */
    struct pnp_devnode *first_child; /* (t) */
    struct pnp_devnode *next;        /* (t) sibling */
    PDEVICE_OBJECT pdo;              /* (c) referenced; NULL for the root */
    const struct pnp_bus_ops *ops;   /* (c) may be NULL */
    enum pnp_state state;            /* (a) */
    NTSTATUS status;                 /* (a) why it failed */
    const char *problem;             /* (a) the step that failed, or NULL */
    bool missing;                    /* (a) not in the bus's last report */

    WCHAR *device_id;                 /* (c) */
    WCHAR *instance_id;               /* (c) */
    WCHAR *hardware_ids;              /* (c) REG_MULTI_SZ, may be NULL */
    WCHAR *compatible_ids;            /* (c) */
    WCHAR *instance_path;             /* (c) device_id \ instance_id */
    char instance[PNP_INSTANCE_MAX];  /* (c) the same in UTF-8 */
    char description[PNP_TEXT_MAX];   /* (o) */
    char location[PNP_NAME_MAX];      /* (c) */
    DEVICE_CAPABILITIES capabilities; /* (a) */
    PNP_BUS_INFORMATION bus;          /* (c) of the bus the device is on */
    bool has_bus;                     /* (c) */

    struct cm_key *key;                         /* (c) Enum\<instance path> */
    struct cm_key *parameters;                  /* (c) its Device Parameters: the hardware key */
    struct cm_key *driver_key;                  /* (a) Control\Class\{...}\nnnn, or NULL */
    struct pnp_driver *driver;                  /* (a) function driver, or NULL */
    struct pnp_driver *filters[CM_FILTERS_MAX]; /* (a) lower ones, then upper ones */
    uint32_t filter_count;                      /* (a) */
    bool installed;                             /* (a) match and INF have been applied */
    bool added;                                 /* (a) AddDevice succeeded: REMOVE is due */

    PIO_RESOURCE_REQUIREMENTS_LIST requirements; /* (a) as filtered at the last start */
    PCM_RESOURCE_LIST boot_configuration;        /* (a) as QUERY_RESOURCES told */
    PCM_RESOURCE_LIST raw;                       /* (a) assigned */
    PCM_RESOURCE_LIST translated;                /* (a) */
    struct pnp_lines *lines;                     /* (a) */
    struct io_interrupt_assignment *assignment;  /* (a) */
};

/* A .sys of the archive. */
struct pnp_driver {
    struct pnp_driver *next;    /* (c) */
    char service[PNP_NAME_MAX]; /* (a) the INF's AddService name, else the file's base name */
    char file[PNP_NAME_MAX];    /* (c) */
    const void *data;           /* (c) */
    uint64_t size;              /* (c) */
    PDRIVER_OBJECT object;      /* (a) NULL: not loaded */
    NTSTATUS status;            /* (a) of the last load */
    bool tried;                 /* (a) status is valid */
    bool named;                 /* (c) in named.txt */
    bool has_inf;               /* (c) some INF names it */
};

extern struct pnp_devnode pnp_root;
extern struct pnp_driver *pnp_driver_list;

/* Actions run one at a time; recursive in one thread. PASSIVE_LEVEL. */
void pnp_lock_init(void);
void pnp_lock(void);
void pnp_unlock(void);
KIRQL pnp_tree_lock(void);
void pnp_tree_unlock(KIRQL irql);

static inline struct pnp_devnode *pnp_devnode_of(PDEVICE_OBJECT pdo)
{
    return io_device_of(pdo)->devnode;
}

/* ---- devnode.c ------------------------------------------------------------------------------ */

/* Walk the tree depth first: the node after `node` below `top`, or NULL. */
struct pnp_devnode *pnp_devnode_next(struct pnp_devnode *top, struct pnp_devnode *node);
void pnp_devnode_fail(struct pnp_devnode *node, const char *step, NTSTATUS status);
const char *pnp_state_name(enum pnp_state state);
/* Unlink a childless node whose bus no longer reports it, and free it. */
void pnp_devnode_delete(struct pnp_devnode *node);
/* A PnP IRP to the node's stack. */
NTSTATUS pnp_send(struct pnp_devnode *node, UCHAR minor, ULONG_PTR *information);
NTSTATUS pnp_send_location(struct pnp_devnode *node, IO_STACK_LOCATION *location,
                           ULONG_PTR *information);

/* ---- archive.c ------------------------------------------------------------------------------ */

/* Read named.txt: true if it names a driver that the archive does not have. */
bool pnp_named_read(void);
struct pnp_driver *pnp_driver_by_file(const char *file);
/* By service name or file name, with or without ".sys". */
struct pnp_driver *pnp_driver_by_name(const char *name);

/* ---- enumerate.c ---------------------------------------------------------------------------- */

/* Ask the bus for ids, texts and capabilities; make the registry key. */
NTSTATUS pnp_identify(struct pnp_devnode *node);
void pnp_query_capabilities(struct pnp_devnode *node);
/* Ask a started device for its children and add the new ones. */
void pnp_enumerate_children(struct pnp_devnode *node);

/* ---- match.c, inf_apply.c ------------------------------------------------------------------- */

struct inf_match;
struct pnp_inf;

/* Choose a driver and apply its INF; leaves node->driver NULL where none matches. */
void pnp_install(struct pnp_devnode *node);
void pnp_inf_add(const char *name, const void *data, uint64_t size);
void pnp_preset_apply(const char *name, const void *data, uint64_t size);
/* Connect each INF with the .sys it names; once the archives are complete. */
void pnp_inf_resolve(void);
void pnp_inf_apply(struct pnp_devnode *node, const struct pnp_inf *inf,
                   const struct inf_match *match, struct pnp_driver *driver);

/* ---- stack.c, start.c, resources.c, remove.c ----------------------------------------- */

NTSTATUS pnp_driver_load(struct pnp_driver *driver);
/* Load and AddDevice: lower filters, function driver, upper filters. */
NTSTATUS pnp_stack_build(struct pnp_devnode *node);
/* Is it the node's function driver or one of its filters? */
bool pnp_stack_has(const struct pnp_devnode *node, const struct pnp_driver *driver);
/* Identify, install, add, start, as far as the node is not there yet; then its children. */
void pnp_start(struct pnp_devnode *node);
/* Requirements, choice, vectors: fills raw, translated, lines, assignment. */
NTSTATUS pnp_resources_assign(struct pnp_devnode *node);
void pnp_resources_release(struct pnp_devnode *node);
/* STOP_DEVICE, resources released. STATUS_UNSUCCESSFUL: a driver refused. */
NTSTATUS pnp_stop(struct pnp_devnode *node);
/*
 * QUERY_REMOVE (unless surprise), REMOVE, bottom up; the node stays, without a driver.
 * STATUS_UNSUCCESSFUL: a driver refused. STATUS_DEVICE_BUSY: somebody has the device open.
 */
NTSTATUS pnp_remove(struct pnp_devnode *node, bool surprise);
