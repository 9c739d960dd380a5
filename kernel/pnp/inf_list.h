/*
 * pnp/inf_list.h - the INFs of the boot archives, opened.
 */
#pragma once

#include "parse/inf_model.h"
#include "pnp/devnode.h"

struct pnp_inf {
    struct pnp_inf *next;
    char name[PNP_NAME_MAX]; /* "edu-line.inf" */
    struct inf inf;
    char *scratch; /* where inf points when the file was not UTF-8 */
    struct inf_version version;
};

extern struct pnp_inf *pnp_inf_list;

/*
 * The .sys that installing the match would start: the file of its service, else one of its
 * CopyFiles, else the .sys of the INF's own base name. NULL: not in the archive. *service is filled
 * where the INF has one (its name is empty otherwise).
 */
struct pnp_driver *pnp_inf_driver(const struct pnp_inf *inf, const struct inf_match *match,
                                  struct inf_service *service);
