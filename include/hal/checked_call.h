/*
 * hal/checked_call.h - entries that stand in for exported routines; see arch/x86_64/checked_call.S.
 */
#pragma once

#define HAL_CHECKED_CALL_COUNT 704
#define HAL_CHECKED_CALL_SIZE 16

#ifndef __ASSEMBLER__
#include <stdint.h>

extern const uint8_t hal_checked_calls[HAL_CHECKED_CALL_COUNT][HAL_CHECKED_CALL_SIZE];
#endif
