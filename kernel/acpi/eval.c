/*
 * Questions to the namespace.
 *
 * Everything here evaluates AML, so it may take long and must be called at PASSIVE_LEVEL. Handles
 * of devices are collected first and visited afterwards: AML that loads a table would wait for the
 * walk's lock for ever.
 */
#include "acpi/eval.h"

#include <lib/string.h>

enum { EISA_ID_SIZE = 8 };

acpi_status acpi_eval(acpi_handle handle, const char *name, union acpi_object **object)
{
    struct acpi_buffer buffer = {ACPI_ALLOCATE_BUFFER, NULL};
    acpi_status status = acpi_evaluate_object(handle, (acpi_string)name, NULL, &buffer);

    *object = ACPI_SUCCESS(status) ? buffer.pointer : NULL;
    return ACPI_SUCCESS(status) && *object == NULL ? AE_NULL_OBJECT : status;
}

void acpi_eval_free(union acpi_object *object)
{
    if (object != NULL)
        acpi_os_free(object);
}

bool acpi_eval_integer(acpi_handle handle, const char *name, uint64_t *value)
{
    union acpi_object *object;
    bool is_integer;

    if (ACPI_FAILURE(acpi_eval(handle, name, &object)))
        return false;
    is_integer = object->type == ACPI_TYPE_INTEGER;
    if (is_integer)
        *value = object->integer.value;
    acpi_eval_free(object);
    return is_integer;
}

/* ACPI 6.5 19.3.4 "EISAID": three letters of five bits and four digits, big-endian. */
static void eisa_id_format(uint32_t id, char text[EISA_ID_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    uint32_t big = __builtin_bswap32(id);

    for (int i = 0; i < 3; i++)
        text[i] = (char)('@' + (big >> (26 - 5 * i) & 0x1F));
    for (int i = 0; i < 4; i++)
        text[3 + i] = digits[big >> (12 - 4 * i) & 0xF];
    text[EISA_ID_SIZE - 1] = '\0';
}

static void id_format(const union acpi_object *object, char id[ACPI_HID_MAX])
{
    id[0] = '\0';
    if (object->type == ACPI_TYPE_INTEGER)
        eisa_id_format((uint32_t)object->integer.value, id);
    else if (object->type == ACPI_TYPE_STRING)
        lib_strlcpy(id, object->string.pointer, ACPI_HID_MAX);
}

static bool has_object(acpi_handle handle, const char *name)
{
    acpi_handle child;

    return ACPI_SUCCESS(acpi_get_handle(handle, (acpi_string)name, &child));
}

void acpi_eval_hid(acpi_handle handle, char hid[ACPI_HID_MAX])
{
    union acpi_object *object;

    hid[0] = '\0';
    if (!has_object(handle, METHOD_NAME__HID) ||
        ACPI_FAILURE(acpi_eval(handle, METHOD_NAME__HID, &object)))
        return;
    id_format(object, hid);
    acpi_eval_free(object);
}

void acpi_eval_cid(acpi_handle handle, char cid[ACPI_HID_MAX])
{
    union acpi_object *object;

    cid[0] = '\0';
    if (!has_object(handle, METHOD_NAME__CID) ||
        ACPI_FAILURE(acpi_eval(handle, METHOD_NAME__CID, &object)))
        return;
    if (object->type != ACPI_TYPE_PACKAGE)
        id_format(object, cid);
    else if (object->package.count > 0)
        id_format(&object->package.elements[0], cid);
    acpi_eval_free(object);
}

static bool is_id(const union acpi_object *object, const char *id)
{
    char text[ACPI_HID_MAX];

    id_format(object, text);
    return strcmp(text, id) == 0;
}

bool acpi_eval_has_id(acpi_handle handle, const char *id)
{
    char hid[ACPI_HID_MAX];
    union acpi_object *object;
    bool is_found;

    acpi_eval_hid(handle, hid);
    if (strcmp(hid, id) == 0)
        return true;
    if (!has_object(handle, METHOD_NAME__CID) ||
        ACPI_FAILURE(acpi_eval(handle, METHOD_NAME__CID, &object)))
        return false;
    is_found = is_id(object, id);
    for (u32 i = 0; object->type == ACPI_TYPE_PACKAGE && !is_found && i < object->package.count;
         i++)
        is_found = is_id(&object->package.elements[i], id);
    acpi_eval_free(object);
    return is_found;
}

char *acpi_eval_path(acpi_handle handle)
{
    struct acpi_buffer buffer = {ACPI_ALLOCATE_BUFFER, NULL};

    if (ACPI_FAILURE(acpi_get_name(handle, ACPI_FULL_PATHNAME_NO_TRAILING, &buffer)))
        return NULL;
    return buffer.pointer;
}

const char *acpi_eval_status_name(acpi_status status)
{
    return acpi_format_exception(status);
}

/* ---- Walks --------------------------------------------------------------------------------- */

struct handle_list {
    acpi_handle *handles; /* NULL while they are counted */
    const char *name;     /* NULL: all */
    size_t count;
    size_t room;
};

static acpi_status handle_note(acpi_handle handle, u32 depth, void *context, void **result)
{
    struct handle_list *list = context;
    char name[ACPI_NAMESEG_SIZE + 1];
    struct acpi_buffer buffer = {sizeof(name), name};

    (void)depth;
    (void)result;
    if (list->name != NULL && (ACPI_FAILURE(acpi_get_name(handle, ACPI_SINGLE_NAME, &buffer)) ||
                               memcmp(name, list->name, ACPI_NAMESEG_SIZE) != 0))
        return AE_OK;
    if (list->handles != NULL && list->count < list->room)
        list->handles[list->count] = handle;
    list->count++;
    return AE_OK;
}

/* Twice: to count, and to note. AML of a visit may change the namespace, so none runs meanwhile. */
static void handles_visit(acpi_object_type type, const char *name, acpi_eval_visit_fn *visit,
                          void *context)
{
    struct handle_list list = {.name = name};

    acpi_walk_namespace(type, ACPI_ROOT_OBJECT, ACPI_UINT32_MAX, handle_note, NULL, &list, NULL);
    list.room = list.count;
    list.handles = mm_pool_alloc(list.room * sizeof(*list.handles), ACPI_POOL_TAG);
    if (list.handles == NULL)
        return;
    list.count = 0;
    acpi_walk_namespace(type, ACPI_ROOT_OBJECT, ACPI_UINT32_MAX, handle_note, NULL, &list, NULL);
    for (size_t i = 0; i < list.count && i < list.room; i++)
        visit(list.handles[i], context);
    mm_pool_free(list.handles, ACPI_POOL_TAG);
}

void acpi_eval_devices(acpi_eval_visit_fn *visit, void *context)
{
    handles_visit(ACPI_TYPE_DEVICE, NULL, visit, context);
}

void acpi_eval_named(const char *name, acpi_eval_visit_fn *visit, void *context)
{
    handles_visit(ACPI_TYPE_ANY, name, visit, context);
}
