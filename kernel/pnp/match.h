/*
 * pnp/match.h - the rules of match.cfg.
 */
#pragma once

#include "pnp/devnode.h"

/* Read match.cfg, once the archives are complete. */
void pnp_match_read(void);
/* Is there a rule that gives some device this driver? */
bool pnp_match_names(const struct pnp_driver *driver);
