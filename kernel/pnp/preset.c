/*
 * pnp/preset.c - registry values that the boot archive brings along, as .reg files.
 *
 * They are set before any driver is installed, and an INF's AddReg leaves them as they are: who
 * boots the machine has the last word. A driver may change them.
 *
 * Owns: applying the files. Owns not: their syntax (parse/reg_file.c).
 */
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "parse/reg_file.h"
#include "pnp/devnode.h"
#include "cm/registry.h"

enum { FILE_SIZE_MAX = 1u << 20, DATA_MAX = 8192 };

struct preset {
    struct reg_file reg;
    struct reg_file_item item;
    uint8_t data[DATA_MAX];
    WCHAR name[REG_FILE_NAME_MAX];
    WCHAR text[DATA_MAX + 1];
};

static NTSTATUS value_apply(struct preset *preset, struct cm_key *key)
{
    const struct reg_file_item *item = &preset->item;
    UNICODE_STRING name = {.Buffer = preset->name};
    const void *data = preset->data;
    ULONG size = item->size;
    NTSTATUS status;

    name.Length = (USHORT)(lib_wide_from_utf8(preset->name, REG_FILE_NAME_MAX, item->name,
                                              strlen(item->name)) *
                           sizeof(WCHAR));
    if (item->kind == REG_FILE_VALUE_DELETED)
        return cm_value_delete(key, &name);
    if (item->type == REG_FILE_SZ) {
        size = (ULONG)lib_wide_from_utf8(preset->text, DATA_MAX, (const char *)data, size);
        preset->text[size++] = 0;
        size *= sizeof(WCHAR);
        data = preset->text;
    }
    status = cm_value_set(key, &name, item->type, data, size);
    if (NT_SUCCESS(status))
        cm_value_keep(key, &name);
    return status;
}

static NTSTATUS item_apply(struct preset *preset, struct cm_key *machine)
{
    bool create = preset->item.kind == REG_FILE_KEY || preset->item.kind == REG_FILE_VALUE;
    struct cm_key *key = cm_key_open_text(machine, preset->reg.key, create);
    NTSTATUS status = STATUS_SUCCESS;

    if (key == NULL)
        return create ? STATUS_INSUFFICIENT_RESOURCES : STATUS_OBJECT_NAME_NOT_FOUND;
    if (preset->item.kind == REG_FILE_KEY_DELETED)
        status = cm_key_delete(key);
    else if (preset->item.kind != REG_FILE_KEY)
        status = value_apply(preset, key);
    ob_dereference(key);
    return status;
}

static void file_apply(struct preset *preset, const char *name, struct cm_key *machine)
{
    struct parse_error error;
    enum parse_step step;

    while ((step = reg_file_next(&preset->reg, &preset->item, preset->data, sizeof(preset->data),
                                 &error)) == PARSE_ITEM) {
        NTSTATUS status = item_apply(preset, machine);

        if (!NT_SUCCESS(status))
            log_warn("pnp: %s: line %u: [%s] %s: status 0x%08x", name, preset->reg.line - 1,
                     preset->reg.key, preset->item.name, (unsigned)status);
    }
    if (step == PARSE_BAD)
        log_error("pnp: %s: %s at offset 0x%llx: %s; the rest of it is not applied", name,
                  error.what, (unsigned long long)error.offset, error.detail);
}

void pnp_preset_apply(const char *name, const void *data, uint64_t size)
{
    struct cm_key *machine = cm_key_open_text(NULL, "\\Registry\\Machine", true);
    struct preset *preset = io_allocate(sizeof(*preset), IO_TAG_PNP);
    uint64_t room = encoding_scratch_size(size);
    char *scratch = size <= FILE_SIZE_MAX ? io_allocate(room, IO_TAG_PNP) : NULL;
    struct parse_error error;

    if (machine == NULL || preset == NULL || scratch == NULL)
        log_error("pnp: %s: %s", name, size <= FILE_SIZE_MAX ? "no memory" : "too large");
    else if (!reg_file_open(&preset->reg, data, size, scratch, room, &error))
        log_error("pnp: %s: %s at offset 0x%llx: %s", name, error.what,
                  (unsigned long long)error.offset, error.detail);
    else
        file_apply(preset, name, machine);
    io_free(scratch);
    io_free(preset);
    if (machine != NULL)
        ob_dereference(machine);
}
