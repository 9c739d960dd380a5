/*
 * The encodings that text files of Windows come in, INF and .reg: from bytes to UTF-8.
 */
#ifndef PARSE_ENCODING_H
#define PARSE_ENCODING_H

#include "parse/parse.h"

/* Scratch bytes that encoding_decode() may need for a file of that size. */
static inline uint64_t encoding_scratch_size(uint64_t file_size)
{
    return 2 * file_size + 4;
}

/*
 * Find the encoding and set *text and *size: within the file where it is UTF-8 already, else within
 * the scratch buffer. NUL characters are refused, since fields are handed out as C strings.
 */
bool encoding_decode(const void *file, uint64_t file_size, char *scratch, uint64_t scratch_size,
                     const char **text, uint32_t *size, struct parse_error *error);

#endif
