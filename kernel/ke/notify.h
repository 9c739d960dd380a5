/*
 * ke/notify.h - who is told of threads and images: what calls the PsSet...NotifyRoutine routines.
 * The routines run in the caller's thread, at PASSIVE_LEVEL, in the order of registration.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* A thread was created (by the current one), or the current one ends. */
void ke_notify_thread(uint64_t thread_id, bool created);
/* An image was mapped, and its entry point has not run. Name: as a path, UTF-8. */
void ke_notify_image(const char *name, uint64_t base, uint64_t size);
