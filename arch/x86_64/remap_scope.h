/*
 * remap_scope.h - which of Intel's units is responsible for whom, by the DMAR.
 */
#pragma once

#include "remap.h"

void remap_scope_init(const struct dmar *dmar);
/* struct remap_driver's unit_of. */
struct remap_unit *remap_scope_unit(const struct hal_requester *requester, struct hal_remap *remap);
