/*
 * Private to the PE parser: the checks of pe_tables.c that pe_parse() ends with.
 */
#ifndef PARSE_PE_TABLES_H
#define PARSE_PE_TABLES_H

#include "parse/pe.h"

/* image->exception: file-backed, whole entries, ascending, inside the image. */
bool pe_exception_check(const struct pe_image *image, struct parse_error *error);

/* Sets image->cookie_rva; an absent load configuration leaves it 0. */
bool pe_load_config_read(struct pe_image *image, struct pe_range load_config,
                         struct parse_error *error);

#endif
