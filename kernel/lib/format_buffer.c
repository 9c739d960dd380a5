/*
 * Formatting into a narrow buffer: the formatter of format.c with a sink that fills memory.
 *
 * The result is terminated whenever there is room for a terminator; the value returned is the
 * length that the whole result has. The wide form lives in format.c, whose loop it needs.
 */
#include <lib/format.h>

struct format_buffer {
    char *text;
    size_t size;
    size_t used;
};

static void format_buffer_put(void *context, const char *text, size_t length)
{
    struct format_buffer *buffer = context;

    for (; length != 0 && buffer->used + 1 < buffer->size; length--) {
        buffer->text[buffer->used++] = *text++;
    }
}

static void format_buffer_end(struct format_buffer *buffer)
{
    if (buffer->size != 0) {
        buffer->text[buffer->used] = '\0';
    }
}

int lib_vsnprintf(char *text, size_t size, const char *format, va_list arguments)
{
    struct format_buffer buffer = {.text = text, .size = size};
    int total = lib_format(format_buffer_put, &buffer, format, arguments);

    format_buffer_end(&buffer);
    return total;
}

int lib_vsnprintf_ms(char *text, size_t size, const char *format, __builtin_ms_va_list arguments)
{
    struct format_buffer buffer = {.text = text, .size = size};
    int total = lib_format_ms(format_buffer_put, &buffer, format, arguments);

    format_buffer_end(&buffer);
    return total;
}

int lib_snprintf(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    int total;

    va_start(arguments, format);
    total = lib_vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return total;
}
