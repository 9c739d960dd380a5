/*
 * PVH start information, its module list and its memory map.
 */
#include "fuzz.h"

#include "parse/pvh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pvh_start start;
    struct pvh_module module;
    struct pvh_region region;
    struct parse_error error = {0};

    if (pvh_start_parse(data, size, &start, &error)) {
        FUZZ_CHECK(start.module_count <= 4096 && start.region_count <= 4096);
        FUZZ_CHECK(start.regions || !start.region_count);
    } else {
        FUZZ_CHECK(error.what);
    }
    for (unsigned i = 0; pvh_module_at(data, size, i, &module); i++)
        FUZZ_CHECK(i < size / PVH_MODULE_SIZE);
    for (unsigned i = 0; pvh_region_at(data, size, i, &region); i++)
        FUZZ_CHECK(i < size / PVH_REGION_SIZE);
    pvh_module_at(data, size, UINT32_MAX, &module);
    return 0;
}
