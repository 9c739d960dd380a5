/*
 * ACPI roots: the input is physical memory from address 0 on, an RSDP somewhere in it.
 */
#include "fuzz.h"

#include "parse/acpi_table.h"

struct memory {
    const uint8_t *bytes;
    size_t size;
};

static bool read_memory(void *context, uint64_t address, void *buffer, size_t length)
{
    const struct memory *memory = context;

    if (address > memory->size || length > memory->size - address)
        return false;
    memcpy(buffer, memory->bytes + address, length);
    return true;
}

static void walk(struct memory *memory, const struct acpi_rsdp *rsdp)
{
    struct acpi_table_iterator iterator;
    struct acpi_table_location location;
    struct acpi_header header;
    unsigned count = 0;

    if (!acpi_table_begin(&iterator, rsdp, read_memory, memory, NULL))
        return;
    while (acpi_table_next(&iterator, &location)) {
        FUZZ_CHECK(++count <= ACPI_TABLE_COUNT_MAX && location.address < memory->size);
        acpi_table_check(memory->bytes + location.address, memory->size - location.address, NULL,
                         &header, NULL);
    }
    acpi_table_find(rsdp, read_memory, memory, "APIC", 1, &location);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory memory = {data, size};
    struct acpi_rsdp rsdp;
    size_t offset;

    if (acpi_rsdp_find(data, size, &offset, &rsdp))
        walk(&memory, &rsdp);
    if (size < 36)
        return 0;
    /* Both checksums mended. */
    uint8_t *copy = fuzz_copy(data, size);
    memcpy(copy, "RSD PTR ", 8);
    fuzz_fix_sum(copy, 20, 8);
    memory.bytes = copy;
    if (acpi_rsdp_parse(copy, size, &rsdp, NULL))
        walk(&memory, &rsdp);
    fuzz_fix_sum(copy, 36, 32);
    if (acpi_rsdp_parse(copy, size, &rsdp, NULL))
        walk(&memory, &rsdp);
    free(copy);
    return 0;
}
