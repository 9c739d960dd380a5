/*
 * ke/exception.h - raising an exception: the search for who handles it, or the bug check.
 */
#pragma once

#include <hal/types.h>
#include <lib/bugcheck.h>
#include <nt/wdm.h>

/*
 * Go on where a handler says, or stop the machine. `exact`: context->Rip is the instruction that
 * raised, not a return address. `registers`: what a bug check reports; NULL: those of the context.
 */
_Noreturn void ke_exception_raise(PEXCEPTION_RECORD record, PCONTEXT context, bool exact,
                                  const struct bugcheck_registers *registers);
