/*
 * INF files: every line and field of every section, and everything the model layer answers.
 */
#include "fuzz.h"

#include "parse/inf_model.h"

static void walk_registry(const struct inf *inf, const char *section)
{
    struct inf_directive_iterator iterator;
    struct inf_registry_value value;
    uint8_t buffer[64];
    size_t length;

    if (!inf_registry_begin(inf, section, &iterator))
        return;
    for (unsigned i = 0; i < 64 && inf_registry_next(&iterator, &value, NULL) == PARSE_ITEM; i++) {
        if (inf_registry_data(&value, buffer, sizeof(buffer), &length, NULL))
            FUZZ_CHECK(length <= sizeof(buffer));
    }
}

static void walk_files(const struct inf *inf, const char *section)
{
    struct inf_directive_iterator iterator;
    struct inf_copy_file file;

    if (!inf_copy_begin(inf, section, &iterator))
        return;
    for (unsigned i = 0; i < 64 && inf_copy_next(&iterator, &file, NULL) == PARSE_ITEM; i++) {
        FUZZ_CHECK(strlen(file.target) < INF_NAME_MAX);
        FUZZ_CHECK(strlen(file.source) < INF_NAME_MAX);
    }
}

static void walk_model(const struct inf *inf)
{
    static const char *const hardware[] = {"PCI\\VEN_1234&DEV_11E8&REV_10",
                                           "PCI\\VEN_1234&DEV_11E8"};
    static const char *const compatible[] = {"PCI\\CC_00FF"};
    const struct inf_device_ids ids = {hardware, 2, compatible, 1};
    struct inf_match match;
    struct inf_service service;

    if (!inf_match(inf, &ids, &match))
        return;
    walk_registry(inf, match.install);
    walk_registry(inf, match.hardware);
    walk_files(inf, match.install);
    if (inf_service_find(inf, match.services, &service, NULL)) {
        FUZZ_CHECK(strlen(service.file_name) > 0);
        walk_registry(inf, service.section);
    }
}

static void walk_section(const struct inf *inf, const char *name)
{
    struct inf_cursor cursor;
    struct inf_line line;
    char buffer[32];
    uint32_t number;

    if (!inf_find_section(inf, name, &cursor))
        return;
    while (inf_next_line(&cursor, &line)) {
        unsigned count = inf_line_value_count(&line);

        FUZZ_CHECK(line.start < line.end && line.end <= inf->size);
        for (unsigned i = 0; i <= count && i < 16; i++) {
            int32_t length = inf_line_field(&line, i, buffer, sizeof(buffer));
            FUZZ_CHECK(length < (int32_t)sizeof(buffer));
            FUZZ_CHECK(length < 0 || strlen(buffer) == (size_t)length);
            FUZZ_CHECK(i == 0 || length != INF_FIELD_ABSENT);
            inf_line_number(&line, i, &number);
        }
        FUZZ_CHECK(inf_line_field(&line, count + 1, buffer, sizeof(buffer)) == INF_FIELD_ABSENT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inf inf;
    struct inf_version version;
    struct parse_error error = {0};
    char *scratch = malloc(encoding_scratch_size(size));

    FUZZ_CHECK(scratch);
    if (inf_open(&inf, data, size, scratch, encoding_scratch_size(size), &error)) {
        inf_version_read(&inf, &version, NULL);
        walk_section(&inf, "Version");
        walk_section(&inf, "Strings");
        walk_section(&inf, "Manufacturer");
        walk_model(&inf);
    } else {
        FUZZ_CHECK(error.what && error.detail[0]);
    }
    free(scratch);
    return 0;
}
