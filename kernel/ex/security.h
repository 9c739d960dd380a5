/*
 * ex/security.h - the parts of a security descriptor, whichever form it has.
 */
#pragma once

#include <hal/types.h>
#include <nt/ntifs.h>

/* The access token of the system process, with a reference. token_zw.c */
void *ex_token_reference(void);

/* Where a descriptor's parts are; Control without SE_SELF_RELATIVE, absent lists NULL. Any IRQL. */
void ex_security_parts(PSECURITY_DESCRIPTOR SecurityDescriptor, SECURITY_DESCRIPTOR *parts);
/* What the parts need as a self-relative descriptor; and made into one, there. Any IRQL. */
ULONG ex_security_length(const SECURITY_DESCRIPTOR *parts);
void ex_security_pack(const SECURITY_DESCRIPTOR *parts, PSECURITY_DESCRIPTOR SecurityDescriptor);
