/*
 * ke/verifier.c - the one pointer behind ke/verifier.h.
 */
#include "ke/verifier.h"

const struct ke_verifier *ke_verifier;
