/*
 * Commands that send requests to drivers: dev, test.
 *
 * A device is named as io/file.h says: "edu-line0" will do for \DosDevices\edu-line0. Each command
 * opens it, sends one request by a real IRP, prints what came back and closes it.
 */
#include <hal/hal.h>
#include <lib/string.h>

#include "io/file.h"
#include "io/name.h"
#include "mm/pool.h"
#include "parse/cmdline.h"
#include "parse/hex.h"
#include "shell/command.h"
#include "shell/text.h"

#define IO_COMMAND_TAG MM_TAG("ShIo")

enum {
    IO_LENGTH_MAX = 4 << 20,
    IO_OUTPUT_DEFAULT = 4096,
    IO_TIMEOUT_MS = 20000,
    IO_TEST_TIMEOUT_MS = 600000,
    IO_ROW = 16,
};

/* What `test` sends: CTL_CODE(FILE_DEVICE_UNKNOWN, 0xA00, METHOD_BUFFERED, FILE_ANY_ACCESS). */
enum { IO_TEST_CODE = 0x222800 };

/* "0010: 48 69 0a ...  |Hi.|" */
static void print_row(struct text *text, uint64_t offset, const uint8_t *bytes, uint32_t count)
{
    text_print(text, "%04llx: ", (unsigned long long)offset);
    for (uint32_t i = 0; i < IO_ROW; i++) {
        if (i < count)
            text_print(text, "%02x ", bytes[i]);
        else
            text_pad(text, ' ', 3);
    }
    text_put(text, " |", 2);
    for (uint32_t i = 0; i < count; i++)
        text_pad(text, bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '.', 1);
    text_put(text, "|\n", 2);
    text_flush(text);
}

static void print_bytes(uint64_t offset, const uint8_t *bytes, uint32_t count, bool json)
{
    struct text text = {0};

    if (json) {
        text_print(&text, "{\"offset\":%llu,\"length\":%u,\"data\":\"", (unsigned long long)offset,
                   count);
        for (uint32_t i = 0; i < count; i++)
            text_print(&text, "%02x", bytes[i]);
        text_put(&text, "\"}\n", 3);
        text_flush(&text);
    }
    for (uint32_t i = 0; !json && i < count; i += IO_ROW)
        print_row(&text, offset + i, bytes + i, count - i < IO_ROW ? count - i : IO_ROW);
    text_free(&text);
}

static bool take_number(const char *text, uint64_t most, uint64_t *number)
{
    return cmdline_number(text, 0, most, number) || shell_fail("%s: not a number here", text);
}

/* Hex digits to bytes in a new block; "-" or NULL: none. The caller frees *bytes unless NULL. */
static bool take_bytes(const char *hex, uint8_t **bytes, uint32_t *length)
{
    struct parse_error error;
    size_t size, parsed;

    *bytes = NULL;
    *length = 0;
    if (hex == NULL || strcmp(hex, "-") == 0)
        return true;
    size = strlen(hex) / 2 + 1;
    *bytes = mm_pool_alloc(size, IO_COMMAND_TAG);
    if (*bytes == NULL)
        return shell_fail("not enough memory for %llu bytes", (unsigned long long)size);
    if (!hex_parse(hex, *bytes, size, &parsed, &error)) {
        mm_pool_free(*bytes, IO_COMMAND_TAG);
        return shell_fail("not hex digits in pairs: %s, at %llu", error.detail,
                          (unsigned long long)error.offset);
    }
    *length = (uint32_t)parsed;
    return true;
}

static bool run_read(PFILE_OBJECT file, const struct shell_call *call)
{
    uint64_t length, offset = 0;
    uint32_t done = 0;
    uint8_t *bytes;
    NTSTATUS status;

    if (call->argc < 3)
        return shell_fail("usage: dev read NAME LENGTH [OFFSET]");
    if (!take_number(call->argv[2], IO_LENGTH_MAX, &length) ||
        (call->argc > 3 && !take_number(call->argv[3], ~0ull >> 1, &offset)))
        return false;
    bytes = mm_pool_alloc(length + 1, IO_COMMAND_TAG);
    if (bytes == NULL)
        return shell_fail("not enough memory for %llu bytes", (unsigned long long)length);
    status = io_file_read(file, offset, bytes, (uint32_t)length, IO_TIMEOUT_MS, &done);
    if (NT_SUCCESS(status))
        print_bytes(offset, bytes, done, call->json);
    mm_pool_free(bytes, IO_COMMAND_TAG);
    return NT_SUCCESS(status) || shell_fail_status(call->argv[1], status);
}

static bool run_write(PFILE_OBJECT file, const struct shell_call *call)
{
    uint64_t offset = 0;
    uint32_t length, done = 0;
    uint8_t *bytes;
    NTSTATUS status;

    if (call->argc < 3)
        return shell_fail("usage: dev write NAME HEX [OFFSET]");
    if ((call->argc > 3 && !take_number(call->argv[3], ~0ull >> 1, &offset)) ||
        !take_bytes(call->argv[2], &bytes, &length))
        return false;
    status = io_file_write(file, offset, bytes, length, IO_TIMEOUT_MS, &done);
    if (bytes != NULL)
        mm_pool_free(bytes, IO_COMMAND_TAG);
    if (!NT_SUCCESS(status))
        return shell_fail_status(call->argv[1], status);
    shell_print(call->json ? "{\"written\":%u}\n" : "%u bytes written\n", done);
    return true;
}

static bool run_ioctl(PFILE_OBJECT file, const struct shell_call *call)
{
    uint64_t code, out_length = IO_OUTPUT_DEFAULT;
    uint32_t in_length, done = 0;
    uint8_t *in, *out;
    NTSTATUS status;

    if (call->argc < 3)
        return shell_fail("usage: dev ioctl NAME CODE [HEX|-] [OUTPUT-LENGTH]");
    if (!take_number(call->argv[2], ~0u, &code) ||
        (call->argc > 4 && !take_number(call->argv[4], IO_LENGTH_MAX, &out_length)) ||
        !take_bytes(call->argc > 3 ? call->argv[3] : NULL, &in, &in_length))
        return false;
    out = mm_pool_alloc(out_length + 1, IO_COMMAND_TAG);
    status = STATUS_INSUFFICIENT_RESOURCES;
    if (out != NULL) {
        status = io_file_ioctl(file, (uint32_t)code, in, in_length, out, (uint32_t)out_length,
                               IO_TIMEOUT_MS, &done);
        if (NT_SUCCESS(status))
            print_bytes(0, out, done, call->json);
        mm_pool_free(out, IO_COMMAND_TAG);
    }
    if (in != NULL)
        mm_pool_free(in, IO_COMMAND_TAG);
    return NT_SUCCESS(status) || shell_fail_status(call->argv[1], status);
}

static bool run_dev(const struct shell_call *call)
{
    static const struct {
        const char *name;
        bool (*run)(PFILE_OBJECT file, const struct shell_call *call);
    } actions[] = {{"read", run_read}, {"write", run_write}, {"ioctl", run_ioctl}};
    bool (*run)(PFILE_OBJECT file, const struct shell_call *call) = NULL;
    PFILE_OBJECT file;
    NTSTATUS status;
    bool ok;

    for (uint32_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(call->argv[0], actions[i].name) == 0)
            run = actions[i].run;
    }
    if (run == NULL)
        return shell_fail("dev: read, write or ioctl, not %s", call->argv[0]);
    status = io_file_open(call->argv[1], &file);
    if (!NT_SUCCESS(status))
        return shell_fail_status(call->argv[1], status);
    ok = run(file, call);
    io_file_close(file);
    return ok;
}

/* ---- test ---------------------------------------------------------------------------------- */

enum { TEST_NAMES_MAX = 64, TEST_NAME_MAX = 64 };

struct test_list {
    char names[TEST_NAMES_MAX][TEST_NAME_MAX];
    uint32_t count;
};

/* "\??\irql-test" and "\??\irql-test0": the last component ends with -test and maybe a number. */
static bool is_test_name(const char *name, size_t length)
{
    static const char suffix[] = "-test";

    while (length > 0 && name[length - 1] >= '0' && name[length - 1] <= '9')
        length--;
    return length >= sizeof(suffix) &&
           lib_strnicmp(name + length - (sizeof(suffix) - 1), suffix, sizeof(suffix) - 1) == 0;
}

static void collect_test(const struct io_name *name, void *context)
{
    struct test_list *list = context;
    char *text = list->names[list->count];
    size_t length;

    if (name->kind != IO_NAME_LINK || list->count + 1 == TEST_NAMES_MAX)
        return;
    length = lib_utf8_from_wide(text, TEST_NAME_MAX - 1, name->path.Buffer,
                                name->path.Length / sizeof(WCHAR));
    if (length >= TEST_NAME_MAX)
        return;
    text[length] = '\0';
    if (is_test_name(text, length))
        list->count++;
}

/* The driver prints its report; what it returns is the number of failures, if anything. */
static bool run_one_test(const char *name)
{
    uint32_t failures = 0, done = 0;
    PFILE_OBJECT file;
    NTSTATUS status;

    status = io_file_open(name, &file);
    if (!NT_SUCCESS(status))
        return shell_fail_status(name, status);
    status = io_file_ioctl(file, IO_TEST_CODE, NULL, 0, &failures, sizeof(failures),
                           IO_TEST_TIMEOUT_MS, &done);
    io_file_close(file);
    if (!NT_SUCCESS(status))
        return shell_fail_status(name, status);
    return failures == 0 || shell_fail("%s: %u failed", name, failures);
}

static bool run_test(const struct shell_call *call)
{
    struct test_list *list;
    bool all_ok = true;

    if (call->argc == 1)
        return run_one_test(call->argv[0]);
    list = mm_pool_alloc(sizeof(*list), IO_COMMAND_TAG);
    if (list == NULL)
        return shell_fail("test: not enough memory");
    io_name_for_each(collect_test, list);
    if (list->count == 0)
        all_ok = shell_fail("test: no driver offers a device whose name ends with -test");
    for (uint32_t i = 0; i < list->count; i++)
        all_ok &= run_one_test(list->names[i]);
    mm_pool_free(list, IO_COMMAND_TAG);
    return all_ok;
}

const struct shell_command shell_io_commands[] = {
    {"dev", "read|write|ioctl NAME ...", "send a device a request; `dev read NAME` says how", 2, 5,
     run_dev},
    {"test", "[NAME]", "run the tests of drivers whose device name ends with -test", 0, 1,
     run_test},
    {0},
};
