/*
 * verifier/irql_limits.h - the words of the table in irql.c: lowest and highest IRQL, and codes.
 */
#pragma once

#include "verifier/internal.h"

enum { WRONG_IRQL = 0xE5, LIMIT = VERIFIER_LIMIT };

#define AT_PASSIVE PASSIVE_LEVEL, PASSIVE_LEVEL
#define TO_APC PASSIVE_LEVEL, APC_LEVEL
#define AT_APC APC_LEVEL, APC_LEVEL
#define TO_DISPATCH PASSIVE_LEVEL, DISPATCH_LEVEL
#define AT_DISPATCH DISPATCH_LEVEL, DISPATCH_LEVEL
#define FROM_DISPATCH DISPATCH_LEVEL, HIGH_LEVEL
#define BELOW_IPI PASSIVE_LEVEL, IPI_LEVEL - 1
#define RAISES_TO_SYNCH PASSIVE_LEVEL, SYNCH_LEVEL
#define TO_SYNCH DISPATCH_LEVEL, SYNCH_LEVEL /* releases what ...RaiseToSynch acquired, too */
