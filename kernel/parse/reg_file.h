/*
 * .reg files, as registry editors write them ("Windows Registry Editor Version 5.00").
 *
 *     [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\edu\Parameters]
 *     "Name"="text"             "Number"=dword:0000001f
 *     @="the default value"     "Bytes"=hex:01,02,\
 *     "Gone"=-                        03
 *     [-HKEY_LOCAL_MACHINE\System\Old]
 *
 * One item comes at a time: a key, a value of the last key, or the deletion of either. Comments
 * begin with a semicolon. (Microsoft support article 310516)
 */
#ifndef PARSE_REG_FILE_H
#define PARSE_REG_FILE_H

#include "parse/encoding.h"

enum { REG_FILE_KEY_MAX = 512, REG_FILE_NAME_MAX = 256 };

/* The types values can have; the numbers are Windows' REG_... */
enum reg_file_type {
    REG_FILE_SZ = 1,
    REG_FILE_BINARY = 3,
    REG_FILE_DWORD = 4,
};

enum reg_file_kind {
    REG_FILE_KEY,
    REG_FILE_KEY_DELETED,
    REG_FILE_VALUE,
    REG_FILE_VALUE_DELETED,
};

struct reg_file {
    const char *text;
    uint32_t size;
    uint32_t at;
    uint32_t line;
    bool has_key;               /* there is a header, and it deletes nothing: values may follow */
    char key[REG_FILE_KEY_MAX]; /* of the last header, without its root */
};

struct reg_file_item {
    enum reg_file_kind kind;
    char name[REG_FILE_NAME_MAX]; /* of a value; "" is the key's default value */
    uint32_t type;                /* enum reg_file_type, or any number that hex(n) gave */
    uint32_t size;                /* of the data; a text's is UTF-8, without a terminator */
};

/* file and scratch, of encoding_scratch_size(), must outlive *reg. Checks the first line. */
bool reg_file_open(struct reg_file *reg, const void *file, uint64_t size, char *scratch,
                   uint64_t scratch_size, struct parse_error *error);

/*
 * The next item; its key is reg->key. Data goes into the buffer of `room` bytes, which is refused
 * as too small rather than cut. Only HKEY_LOCAL_MACHINE (HKLM) is known.
 */
enum parse_step reg_file_next(struct reg_file *reg, struct reg_file_item *item, void *data,
                              uint32_t room, struct parse_error *error);

#endif
