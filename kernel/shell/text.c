/*
 * A string that grows in pool. See shell/text.h.
 */
#include "shell/text.h"

#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "mm/pool.h"
#include "shell/job.h"

#define TEXT_TAG MM_TAG("ShTx")

enum { TEXT_SIZE_FIRST = 256 };

static bool text_reserve(struct text *text, size_t more)
{
    size_t need = text->used + more + 1;
    size_t size = text->size ? text->size : TEXT_SIZE_FIRST;
    char *bytes;

    if (need <= text->size)
        return true;
    while (size < need)
        size *= 2;
    bytes = mm_pool_alloc_raw(size, TEXT_TAG);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    if (text->bytes != NULL) {
        memcpy(bytes, text->bytes, text->used + 1);
        mm_pool_free(text->bytes, TEXT_TAG);
    } else {
        bytes[0] = '\0';
    }
    text->bytes = bytes;
    text->size = size;
    return true;
}

void text_put(struct text *text, const char *bytes, size_t length)
{
    if (!text_reserve(text, length))
        return;
    memcpy(text->bytes + text->used, bytes, length);
    text->used += length;
    text->bytes[text->used] = '\0';
}

void text_pad(struct text *text, char filler, size_t count)
{
    if (!text_reserve(text, count))
        return;
    memset(text->bytes + text->used, filler, count);
    text->used += count;
    text->bytes[text->used] = '\0';
}

static void text_sink(void *context, const char *bytes, size_t length)
{
    text_put(context, bytes, length);
}

void text_vprint(struct text *text, const char *format, va_list arguments)
{
    lib_format(text_sink, text, format, arguments);
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_vprint(text, format, arguments);
    va_end(arguments);
}

void text_put_json(struct text *text, const char *bytes, size_t length)
{
    text_put(text, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (byte == '"' || byte == '\\')
            text_print(text, "\\%c", byte);
        else if (byte < ' ')
            text_print(text, "\\u%04x", byte);
        else
            text_put(text, &bytes[i], 1);
    }
    text_put(text, "\"", 1);
}

void text_flush(struct text *text)
{
    if (text->used > 0 && !shell_job_is_quiet())
        log_console(text->bytes, text->used);
    text->used = 0;
}

void text_free(struct text *text)
{
    if (text->bytes != NULL)
        mm_pool_free(text->bytes, TEXT_TAG);
    *text = (struct text){0};
}
