/*
 * pnp/text.h - the small text files of the boot archive, and UTF-16 strings of devices.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

enum { PNP_LINE_MAX = 256 };

/* Each line without its end, blanks trimmed; empty lines and # comments are skipped. */
void pnp_text_lines(const void *data, uint64_t size, void (*line)(const char *text, void *context),
                    void *context);

/* UTF-16, terminated, to UTF-8, terminated and cut to fit. */
void pnp_text_from_wide(char *text, size_t size, const WCHAR *wide);
/* Bytes of a REG_MULTI_SZ with its last terminator. NULL: 0. */
ULONG pnp_multi_size(const WCHAR *multi);
/* Bytes of a string with its terminator. NULL: 0. */
ULONG pnp_wide_size(const WCHAR *wide);

/* The strings of a REG_MULTI_SZ as UTF-8, for INF matching. */
struct pnp_text_list {
    unsigned count;
    const char **texts;
};

/* One block, freed by ExFreePool(list->texts). False: no memory. */
bool pnp_multi_to_texts(const WCHAR *multi, struct pnp_text_list *list);
