/*
 * Console lines: the words must lie in the line, in order, apart.
 */
#include "fuzz.h"

#include "parse/console_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = fuzz_string(data, size);
    char *argv[8];
    unsigned argc;
    struct parse_error error = {0};

    if (console_line_split(line, argv, 8, &argc, &error)) {
        const char *least = line;

        FUZZ_CHECK(argc < 8 && !argv[argc]);
        for (unsigned i = 0; i < argc; i++) {
            FUZZ_CHECK(argv[i] >= least && argv[i] <= line + size);
            least = argv[i] + strlen(argv[i]) + 1;
        }
    } else {
        FUZZ_CHECK(error.what && error.offset <= size);
    }
    free(line);
    return 0;
}
