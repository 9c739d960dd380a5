/*
 * The DMARs and IVRSs of real machines (tests/acpi/corpus.tar.xz): each is read to its end, and
 * every IOAPIC of the machine's MADT is behind a unit, without which remapping would stay off.
 */
#include "test.h"

#include <glob.h>

#include "parse/dmar.h"
#include "parse/ivrs.h"
#include "parse/madt.h"

enum { PATH_SIZE = 512, MACHINES_LEAST = 40, IOAPIC_IDS = 256 };

/* Table `name` of the machine in `folder`, or NULL; free() it. */
static void *table_read(const char *folder, const char *name, size_t *size)
{
    char path[PATH_SIZE];
    void *table = NULL;
    glob_t found;

    snprintf(path, sizeof(path), "%s/*_%s.aml", folder, name);
    if (glob(path, 0, NULL, &found) == 0) {
        table = test_read_file(found.gl_pathv[0], size);
        globfree(&found);
    }
    return table;
}

/* Ids of IOAPICs that units name; false: the machine remaps no interrupts. */
static bool dmar_ioapics(const void *table, size_t size, bool named[IOAPIC_IDS])
{
    struct parse_error error;
    struct dmar_scope scope;
    struct dmar_unit unit;
    enum parse_step step;
    struct dmar dmar;

    assert_true(dmar_open(&dmar, table, size, &error));
    if (!dmar.has_remapping)
        return false;
    while ((step = dmar_next(&dmar, &unit, &error)) == PARSE_ITEM) {
        while ((step = dmar_scope_next(&dmar, &unit, &scope, &error)) == PARSE_ITEM) {
            if (scope.kind == DMAR_SCOPE_IOAPIC)
                named[scope.enumeration_id] = true;
        }
        assert_int_equal(step, PARSE_END);
    }
    assert_int_equal(step, PARSE_END);
    return true;
}

static bool ivrs_ioapics(const void *table, size_t size, bool named[IOAPIC_IDS])
{
    struct parse_error error;
    struct ivrs_entry entry;
    struct ivrs_unit unit;
    enum parse_step step;
    struct ivrs ivrs;

    assert_true(ivrs_open(&ivrs, table, size, &error));
    while ((step = ivrs_next(&ivrs, &unit, &error)) == PARSE_ITEM) {
        while ((step = ivrs_entry_next(&ivrs, &unit, &entry, &error)) == PARSE_ITEM) {
            if (entry.kind == IVRS_IOAPIC)
                named[entry.handle] = true;
        }
        assert_int_equal(step, PARSE_END);
    }
    assert_int_equal(step, PARSE_END);
    return true;
}

static void assert_all_named(const char *folder, const bool named[IOAPIC_IDS])
{
    struct madt_entry entry;
    struct parse_error error;
    struct madt madt;
    size_t size;
    void *table = table_read(folder, "APIC", &size);

    assert_non_null(table);
    assert_true(madt_open(&madt, table, size, &error));
    while (madt_next(&madt, &entry, &error) == PARSE_ITEM) {
        if (entry.kind == MADT_IO_APIC && !named[entry.apic_id % IOAPIC_IDS])
            fail_msg("%s: no unit names the IOAPIC with id %u", folder, entry.apic_id);
    }
    free(table);
}

/* True if the machine can remap interrupts. */
static bool machine_check(const char *folder)
{
    bool named[IOAPIC_IDS] = {false};
    size_t dmar_size, ivrs_size;
    void *dmar = table_read(folder, "DMAR", &dmar_size);
    void *ivrs = table_read(folder, "IVRS", &ivrs_size);
    bool able = (dmar != NULL && dmar_ioapics(dmar, dmar_size, named)) ||
                (ivrs != NULL && ivrs_ioapics(ivrs, ivrs_size, named));

    if (able)
        assert_all_named(folder, named);
    free(dmar);
    free(ivrs);
    return able;
}

static void covers_every_ioapic(void **state)
{
    const char *corpus = getenv("TEST_CORPUS");
    char path[PATH_SIZE];
    unsigned machines = 0;
    glob_t found;

    (void)state;
    assert_non_null(corpus);
    snprintf(path, sizeof(path), "%s/*", corpus);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        machines += machine_check(found.gl_pathv[i]);
    globfree(&found);
    assert_true(machines >= MACHINES_LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("on every real machine that can remap, every IOAPIC is behind a unit",
                 covers_every_ioapic),
    };

    return cmocka_run_group_tests_name("remapping tables of real machines", tests, NULL, NULL);
}
