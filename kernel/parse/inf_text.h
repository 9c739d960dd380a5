/*
 * Private to the INF reader: from the bytes of a file to UTF-8.
 */
#ifndef PARSE_INF_TEXT_H
#define PARSE_INF_TEXT_H

#include "parse/parse.h"

/*
 * Find the encoding and set *text and *size: within the file where it is UTF-8 already, else within
 * the scratch buffer. NUL characters are refused, since fields are handed out as C strings.
 */
bool inf_text_decode(const void *file, uint64_t file_size, char *scratch, uint64_t scratch_size,
                     const char **text, uint32_t *size, struct parse_error *error);

#endif
