/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MB_CAPS_H
#define MB_CAPS_H

#include <stdint.h>

/* libcap's types are opaque and its values a typedef of a macro's; Swift sees plain numbers. */

/* The calling thread's effective capabilities, bit n for capability n. */
int mb_caps_effective(uint64_t *_Nonnull set);

/*
 * Leaves only `set` in the permitted, effective and bounding sets and nothing
 * in the inheritable and ambient ones. Of the calling thread: to be called
 * while there is only one. Bounding needs CAP_SETPCAP and is dropped first.
 */
int mb_caps_keep(uint64_t set);

#endif
