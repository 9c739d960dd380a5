/*
 * A folder of raw tables becomes the memory of a machine.
 *
 * Addresses are made up: the RSDP first, the XSDT behind it, then each table on pages of its own.
 * A FADT of the folder is kept but for the addresses in it; where there is none a plain one is
 * made, since the DSDT is found by way of it.
 */
#include <dirent.h>
#include <hw/acpi_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

enum { TABLES_MAX = 128, PATH_SIZE = 4096, PAGE = 4096 };

#define RSDP_ADDRESS 0x100000ull
#define XSDT_ADDRESS 0x101000ull
#define FIRST_TABLE 0x110000ull

struct table {
    uint8_t *bytes;
    uint32_t length;
    uint64_t address;
};

static struct table tables[TABLES_MAX];
static size_t table_count;
static struct table dsdt, fadt;

static uint8_t checksum(const void *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
    return (uint8_t)-sum;
}

static bool file_read(const char *path, struct table *table)
{
    FILE *file = fopen(path, "rb");
    long size;
    bool is_read;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        perror(path);
        exit(2);
    }
    rewind(file);
    table->bytes = calloc(1, (size_t)size + PAGE);
    table->length = (uint32_t)size;
    is_read = fread(table->bytes, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    return is_read && (size_t)size >= sizeof(struct acpi_header_layout);
}

static int is_aml(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 4 && strcmp(entry->d_name + length - 4, ".aml") == 0;
}

static void table_add(const struct table *table)
{
    if (memcmp(table->bytes, "DSDT", 4) == 0 && dsdt.bytes == NULL)
        dsdt = *table;
    else if (memcmp(table->bytes, "FACP", 4) == 0 && fadt.bytes == NULL)
        fadt = *table;
    else if (table_count < TABLES_MAX)
        tables[table_count++] = *table;
}

static void folder_read(const char *folder)
{
    struct dirent **names;
    int count = scandir(folder, &names, is_aml, alphasort);
    char path[PATH_SIZE];
    struct table table;

    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        if (file_read(path, &table))
            table_add(&table);
        else
            fprintf(stderr, "%s: not a table\n", path);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
}

static void header_fill(void *table, const char *signature, uint8_t revision, uint32_t length)
{
    struct acpi_header_layout *header = table;

    memcpy(header->signature, signature, sizeof(header->signature));
    header->revision = revision;
    header->length = length;
    header->checksum = 0;
    header->checksum = checksum(table, length);
}

static void fadt_fill(void)
{
    struct acpi_fadt_layout *layout;

    if (fadt.bytes == NULL) {
        fadt.length = sizeof(*layout);
        fadt.bytes = calloc(1, PAGE);
        header_fill(fadt.bytes, "FACP", 3, fadt.length);
    }
    layout = (struct acpi_fadt_layout *)fadt.bytes;
    layout->firmware_ctrl = 0;
    layout->dsdt = (uint32_t)dsdt.address;
    if (fadt.length >= sizeof(*layout)) {
        layout->x_firmware_ctrl = 0;
        layout->x_dsdt = dsdt.address;
    }
    layout->header.length = fadt.length;
    layout->header.checksum = 0;
    layout->header.checksum = checksum(layout, fadt.length);
}

static void place(struct table *table, uint64_t *next)
{
    table->address = *next;
    host_memory_add(table->address, table->bytes, table->length);
    *next += (table->length + 2u * PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static void roots_fill(void)
{
    static struct acpi_rsdp_layout rsdp;
    static struct {
        struct acpi_header_layout header;
        uint64_t addresses[TABLES_MAX + 1];
    } __attribute__((packed)) xsdt;
    uint32_t length;

    xsdt.addresses[0] = fadt.address;
    for (size_t i = 0; i < table_count; i++)
        xsdt.addresses[i + 1] = tables[i].address;
    length = (uint32_t)(sizeof(xsdt.header) + (table_count + 1) * sizeof(uint64_t));
    header_fill(&xsdt, "XSDT", 1, length);
    host_memory_add(XSDT_ADDRESS, &xsdt, length);

    memcpy(rsdp.signature, ACPI_RSDP_SIGNATURE, sizeof(rsdp.signature));
    rsdp.revision = 2;
    rsdp.length = sizeof(rsdp);
    rsdp.xsdt_address = XSDT_ADDRESS;
    rsdp.checksum = checksum(&rsdp, ACPI_RSDP_V1_SIZE);
    rsdp.extended_checksum = checksum(&rsdp, sizeof(rsdp));
    host_memory_add(RSDP_ADDRESS, &rsdp, sizeof(rsdp));
}

uint64_t machine_load(const char *folder)
{
    uint64_t next = FIRST_TABLE;

    folder_read(folder);
    if (dsdt.bytes == NULL) {
        fprintf(stderr, "%s: no DSDT among its *.aml files\n", folder);
        return 0;
    }
    place(&dsdt, &next);
    fadt_fill();
    place(&fadt, &next);
    for (size_t i = 0; i < table_count; i++)
        place(&tables[i], &next);
    roots_fill();
    return RSDP_ADDRESS;
}
