/*
 * hal/types.h - the number spaces of the interrupt path.
 *
 * Each is a struct of one member, so that mixing two of them does not compile:
 *
 *   gsi_t      global system interrupt: ACPI's flat numbering of all IOAPIC pins
 *   vector_t   index into one CPU's IDT; vector >> 4 is the IRQL it is delivered at
 *   apic_id_t  the local APIC id of a CPU, as interrupt messages name it
 *
 * A CPU is otherwise named by its index: 0 is the boot CPU, counting without gaps. It is the same
 * number as a WDK processor index.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t value;
} gsi_t;

typedef struct {
    uint8_t value;
} vector_t;

typedef struct {
    uint32_t value;
} apic_id_t;

typedef uint64_t phys_addr_t;

/* Windows IRQL names by number are in nt/wdm.h; this is the integer they are kept in. */
typedef uint8_t irql_t;

static inline irql_t vector_irql(vector_t vector)
{
    return vector.value >> 4;
}

/*
 * Vectors the kernel keeps for itself. Class (vector >> 4) is IRQL, see spec F.1 and F.2.
 * Device vectors use classes 3 to 11.
 */
enum {
    VECTOR_APC = 0x1F,
    VECTOR_DPC = 0x2F,
    VECTOR_DEVICE_FIRST = 0x30,
    VECTOR_DEVICE_LAST = 0xBF,
    VECTOR_CLOCK = 0xD1,
    VECTOR_IPI = 0xE1,
    VECTOR_APIC_ERROR = 0xFE,
    VECTOR_SPURIOUS = 0xFF,
    VECTOR_COUNT = 256,
};

enum { CPU_MAX = 320 };
