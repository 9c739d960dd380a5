/*
 * Words of a console line, cut in place: the text only ever shrinks, so one read and one write
 * position in the same buffer are enough.
 */
#include "parse/console_line.h"

/* Is the backslash at *at an escape? Not in single quotes, and not before other characters. */
static bool is_escape(const char *at, char quote)
{
    if (at[0] != '\\' || quote == '\'')
        return false;
    return at[1] == '"' || (at[1] == ' ' && quote == '\0');
}

/* Copy one word to *to and leave *from behind it. False: an open quote. */
static bool take_word(const char **from, char **to)
{
    const char *at = *from;
    char *out = *to;
    char quote = '\0';

    for (; *at && (quote || !parse_is_space(*at)); at++) {
        if (is_escape(at, quote))
            *out++ = *++at;
        else if (quote ? *at == quote : *at == '"' || *at == '\'')
            quote = quote ? '\0' : *at;
        else
            *out++ = *at;
    }
    *from = at;
    *to = out;
    return quote == '\0';
}

bool console_line_split(char *line, char **argv, unsigned argv_size, unsigned *argc,
                        struct parse_error *error)
{
    const char *from = line;
    char *to = line;

    *argc = 0;
    argv[0] = NULL;
    for (;;) {
        while (parse_is_space(*from))
            from++;
        if (*from == '\0' || *from == '#')
            return true;

        uint64_t offset = (uint64_t)(from - line);
        if (*argc + 1 >= argv_size)
            return parse_fail_value(error, "command line", offset, "more words than", *argc);
        char *word = to;
        if (!take_word(&from, &to))
            return parse_fail(error, "command line", offset, "the quote is not closed");

        bool at_end = *from == '\0';
        *to++ = '\0'; /* takes the place of the blank, or of the line's NUL */
        argv[(*argc)++] = word;
        argv[*argc] = NULL;
        if (at_end)
            return true;
        from++;
    }
}
