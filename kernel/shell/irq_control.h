/*
 * shell/irq_control.h - `irq` with arguments.
 */
#pragma once

#include "shell/command.h"

bool shell_irq_control(const struct shell_call *call);
