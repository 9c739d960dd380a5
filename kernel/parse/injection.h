/*
 * What faults can be injected, and how they are written: at the console (`inject delay 00:04.0 50`)
 * and on the kernel command line (inject=delay,00:04.0,50), by one grammar and one table. Who does
 * it is irq/injection.h, pnp/requirements.h and mm/pool.h.
 */
#ifndef PARSE_INJECTION_H
#define PARSE_INJECTION_H

#include "parse/parse.h"

enum injection_kind {
    INJECTION_MESSAGES, /* messages B:D.F N: the device is granted no more than N messages */
    INJECTION_VECTORS,  /* vectors N: a processor has N vectors of each IRQL class */
    INJECTION_SHARE,    /* share B:D.F: its routines are called for a neighbour's interrupts too */
    INJECTION_DELAY,    /* delay B:D.F US: its routines start so many microseconds late */
    INJECTION_LATE,     /* late B:D.F MS: its next interrupt comes so many milliseconds late */
    INJECTION_POOL,     /* pool N [TAG]: the Nth allocation from now fails */
    INJECTION_KINDS,
};

struct injection {
    enum injection_kind kind;
    bool is_off;       /* `off` stood in the place of the last argument */
    uint32_t location; /* PCI_LOCATION() of kinds that name a device, else PCI_LOCATION_NONE */
    uint32_t value;
    uint32_t tag; /* pool: four characters, 0: drivers' allocations of any tag */
};

/* How one kind is written, and what it does; for help and for messages. */
struct injection_form {
    const char *word;
    const char *arguments; /* "B:D.F US|off" */
    const char *help;
    bool has_location;
    bool has_value;
    bool has_tag;
    uint32_t least, most; /* of the value */
};

extern const struct injection_form injection_forms[INJECTION_KINDS];

/* Words are separated by blanks or commas. The error's offset is that of the wrong word. */
bool injection_parse(const char *text, struct injection *injection, struct parse_error *error);

#endif
