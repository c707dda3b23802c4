/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MB_ATOMIC_H
#define MB_ATOMIC_H

#include <stdint.h>

/* Atomics on memory that is mapped from a BPF map; Swift's Synchronization has them only for its own storage. */

static inline uint64_t mb_load_acquire(const uint64_t *_Nonnull place)
{
	return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

static inline void mb_store_release(uint64_t *_Nonnull place, uint64_t value)
{
	__atomic_store_n(place, value, __ATOMIC_RELEASE);
}

/* True if `place` held `expected` and holds `desired` now. */
static inline int mb_compare_swap(uint64_t *_Nonnull place, uint64_t expected, uint64_t desired)
{
	return __atomic_compare_exchange_n(place, &expected, desired, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

#endif
