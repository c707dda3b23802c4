/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The generic cell rate algorithm in its virtual-scheduling form (ITU-T I.371,
 * annex A): one theoretical arrival time, advanced by compare-and-swap. The
 * same lines run in the BPF programs and, through CBrokerABI, in the proxy, on
 * the same memory; nobody looks first and adds later.
 */
#ifndef MODELBROKER_GCRA_H
#define MODELBROKER_GCRA_H

#include "broker_abi.h"

/* Swaps lost in a row before a caller is refused: with N contenders one of them wins each round. */
#define MB_GCRA_TRIES 128

enum mb_gcra {
	MB_GCRA_REFUSED = 0,
	MB_GCRA_ADMITTED = 1,
	MB_GCRA_CONTENDED = 2,
};

/*
 * Takes `cost` out of the bucket if that leaves it no more than `tolerance`
 * ahead of `now`. A cost above the tolerance passes when the bucket is full,
 * and leaves a debt: otherwise it could never pass.
 */
static inline __attribute__((always_inline)) enum mb_gcra
mb_gcra_take(mb_u64 *tat, mb_u64 now, mb_u64 cost, mb_u64 tolerance)
{
	mb_u64 needed = cost > tolerance ? tolerance : cost;

	for (int i = 0; i < MB_GCRA_TRIES; i++) {
		mb_u64 old = *(volatile mb_u64 *)tat;
		mb_u64 base = old > now ? old : now;

		if (base - now > tolerance - needed)
			return MB_GCRA_REFUSED;
		if (__sync_val_compare_and_swap(tat, old, base + cost) == old)
			return MB_GCRA_ADMITTED;
	}
	return MB_GCRA_CONTENDED;
}

/* Takes `cost` whatever the level: what was used beyond the estimate is owed. */
static inline __attribute__((always_inline)) int
mb_gcra_owe(mb_u64 *tat, mb_u64 now, mb_u64 cost)
{
	for (int i = 0; i < MB_GCRA_TRIES; i++) {
		mb_u64 old = *(volatile mb_u64 *)tat;
		mb_u64 base = old > now ? old : now;

		if (__sync_val_compare_and_swap(tat, old, base + cost) == old)
			return 1;
	}
	return 0;
}

/* Gives back what was taken and not used; never below zero. */
static inline __attribute__((always_inline)) int
mb_gcra_give(mb_u64 *tat, mb_u64 cost)
{
	for (int i = 0; i < MB_GCRA_TRIES; i++) {
		mb_u64 old = *(volatile mb_u64 *)tat;

		if (__sync_val_compare_and_swap(tat, old, old > cost ? old - cost : 0) == old)
			return 1;
	}
	return 0;
}

#endif /* MODELBROKER_GCRA_H */
