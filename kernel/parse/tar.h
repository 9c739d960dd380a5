/*
 * ustar archives (POSIX.1-1988 ustar interchange format), as `tar --format=ustar` writes them: the
 * boot archive that carries drivers. Members come in file order with a pointer into the archive.
 * pax headers ('x', 'g') are skipped; GNU long names and base-256 sizes are refused. An archive may
 * end by a zero block or by its last byte.
 */
#ifndef PARSE_TAR_H
#define PARSE_TAR_H

#include "parse/parse.h"

#define TAR_NAME_MAX 257 /* prefix 155, '/', name 100, NUL */

enum tar_type {
    TAR_FILE = '0', /* NUL and '7' are reported as '0' too */
    TAR_DIRECTORY = '5',
};

struct tar_member {
    char name[TAR_NAME_MAX]; /* prefix/name, a leading "./" removed */
    char type;               /* enum tar_type, or another letter of the format */
    const void *data;        /* size bytes inside the archive */
    uint64_t size;           /* 0 for everything but files */
};

struct tar_iterator {
    struct parse_bytes archive;
    uint64_t next;
};

void tar_begin(struct tar_iterator *iterator, const void *archive, uint64_t size);
enum parse_step tar_next(struct tar_iterator *iterator, struct tar_member *member,
                         struct parse_error *error);

#endif
