/*
 * acpi/acpi.h - what the rest of the kernel asks of ACPI. No type of ACPICA is seen here.
 *
 * Order at boot:
 *   acpi_init()            tables and namespace loaded, firmware told that IOAPICs are used
 *   (buses are enumerated)
 *   acpi_routing_init()    every _PRT evaluated; acpi_route() answers from then on
 *   (devices are started)
 *   acpi_events_start()    ACPI mode, fixed events, the SCI's handler
 *
 * _INI, _STA, _REG and GPEs change no routing answer and wait until acpi_events_start(). A table
 * that cannot be used is named once in the log; the rest is used. All at PASSIVE_LEVEL, one caller
 * at a time, unless said otherwise.
 */
#pragma once

#include <hal/boot_info.h>
#include <hal/ioapic.h>

/*
 * Load what firmware left. False: acpi=off, no tables, or no namespace in them; nothing else of
 * this header may then be called but acpi_is_up(). Once threads run.
 */
bool acpi_init(const struct boot_info *boot);
bool acpi_is_up(void);
/* ACPICA's version, 0x20220331, and what loading cost, for the console. */
uint32_t acpi_interpreter_version(void);
uint64_t acpi_load_ticks(void);
/* "ok", "none" or "error:AE_..." of \_PIC. */
const char *acpi_pic_result(void);

/* ---- PCI root bridges (root.c) -------------------------------------------------------------- */

/* A range of addresses that a root bridge passes on to its functions; length 0: none. */
struct acpi_window {
    uint64_t base, length;
};

struct acpi_pci_root {
    struct acpi_pci_root *next;
    void *handle;
    const char *path;
    uint16_t segment;
    uint32_t bus;           /* the first one, its _BBN */
    uint32_t last_bus;      /* by its resources; where they do not say, `bus` */
    uint64_t configuration; /* configuration space by _CBA, as if from bus 0; 0: unsaid */
    struct acpi_window low; /* the largest memory range below 4 GiB, and the largest above */
    struct acpi_window high;
    bool is_present; /* by _STA */
};

/* In the order of the namespace, present or not; NULL at the end. After acpi_init(). */
const struct acpi_pci_root *acpi_pci_root_next(const struct acpi_pci_root *previous);

/* ---- Routes of INTx pins (routing.c, link.c) ------------------------------------------------ */

enum { ACPI_HOPS_MAX = 32, ACPI_HID_MAX = 16, ACPI_PINS = 4 };

/* A link device: one interrupt that firmware can lead to one of several GSIs. */
struct acpi_link {
    struct acpi_link *next;
    const char *path;
    void *handle;
    bool is_tried; /* the fields below are valid */
    bool is_set;   /* leads to gsi */
    bool was_set;  /* firmware's choice was kept */
    uint32_t gsi;
    struct hal_gsi_mode mode;
};

struct acpi_prt_entry {
    uint16_t device;
    uint16_t function; /* 0xFFFF: any */
    uint32_t pin;      /* 0: INTA; firmware lists some past D */
    uint32_t number;   /* the GSI, or the index within the link */
    struct acpi_link *link;
    bool is_malformed;
};

/* One _PRT, and the bridge it belongs to: hops are device.function from the root bus down. */
struct acpi_prt {
    struct acpi_prt *next;
    const char *path;
    char hid[ACPI_HID_MAX];           /* empty: none */
    int64_t sta;                      /* -1: no _STA */
    const struct acpi_pci_root *root; /* NULL: it stands below none */
    uint32_t hop_count;
    uint16_t hops[ACPI_HOPS_MAX]; /* device << 8 | function */
    int32_t bus;                  /* that the entries are about; -1: no such bridge */
    const char *error;            /* "AE_NOT_FOUND", NULL: evaluated */
    uint32_t entry_count;
    struct acpi_prt_entry *entries;
};

struct acpi_route {
    const struct acpi_prt *prt;
    const struct acpi_prt_entry *entry;
    gsi_t gsi;
    bool has_mode; /* the link's resources tell how it signals */
    struct hal_gsi_mode mode;
};

/* Evaluate every _PRT. Bus numbers must have been given out. Once. */
void acpi_routing_init(void);
/* By the _PRT of this very bus; a caller turns the pin and asks for the bus above on false. */
bool acpi_route(uint16_t segment, uint8_t bus, uint8_t device, uint32_t pin,
                struct acpi_route *route);
/* In the order of the namespace; NULL at the end. */
const struct acpi_prt *acpi_prt_next(const struct acpi_prt *previous);
const struct acpi_link *acpi_link_next(const struct acpi_link *previous);

/* ---- Devices (device.c) --------------------------------------------------------------------- */

enum { ACPI_ITEMS_MAX = 16, ACPI_UID_MAX = 16 };

enum acpi_item_kind { ACPI_ITEM_PORT, ACPI_ITEM_MEMORY, ACPI_ITEM_LINE };

struct acpi_item {
    enum acpi_item_kind kind;
    uint64_t start; /* port, memory */
    uint64_t length;
    bool is_writable;
    gsi_t gsi; /* line */
    struct hal_gsi_mode mode;
    bool is_shared;
};

/* A device of the namespace that has a _HID and its resources as they are set now (_CRS). */
struct acpi_node {
    struct acpi_node *next;
    const char *path;
    char hid[ACPI_HID_MAX];
    char cid[ACPI_HID_MAX]; /* the first _CID; empty: none */
    char uid[ACPI_UID_MAX]; /* empty: none */
    uint32_t item_count;
    struct acpi_item items[ACPI_ITEMS_MAX];
};

/*
 * Find the devices that are present and have an interrupt line, and the HPET; PCI roots and links
 * are not among them. After acpi_events_start(), since _STA may ask what _INI set. Once.
 */
void acpi_nodes_init(void);
const struct acpi_node *acpi_node_next(const struct acpi_node *previous);

/* ---- Events and power (events.c) ------------------------------------------------------------ */

/*
 * Switch to ACPI mode, run _INI, enable the events that somebody listens to, learn how to switch
 * off. False: no events; the SCI is not to be connected.
 */
bool acpi_events_start(void);
/* Where the SCI arrives. False: hardware-reduced, there is none. */
bool acpi_sci_line(gsi_t *gsi, struct hal_gsi_mode *mode);
/* The SCI's handler, at its level: true if it was ours. */
bool acpi_sci_handle(void);
/* Called at PASSIVE_LEVEL, in a worker thread, each time the power button is pressed. */
void acpi_set_power_button(void (*pressed)(void));

/* A slot: hops are device << 8 | function, from the root bus down; the last one is the slot's. */
struct acpi_pci_place {
    uint16_t segment;
    uint32_t bus; /* the root bus */
    uint32_t hop_count;
    uint16_t hops[ACPI_HOPS_MAX];
};

/*
 * Called in a worker, once events are on: `changed` when something came to a bus or has gone,
 * `released` when a slot is to be emptied; true: its drivers have let go, _EJ0 may follow.
 */
void acpi_set_hotplug(void (*changed)(void), bool (*released)(const struct acpi_pci_place *place));
/*
 * Ask for the PCI Express slots below a root bus (osc.c). True: firmware leaves them to us, and
 * does not look after them any more. It may be asked again. PASSIVE_LEVEL.
 */
bool acpi_pci_take_slots(uint16_t segment, uint8_t bus);
/*
 * S5. Returns if the machine stays on, and at once above PASSIVE_LEVEL, where AML must not run.
 * Given to hal_machine_set_power_off() by acpi_events_start().
 */
void acpi_power_off(void);
