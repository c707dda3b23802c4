/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * User space's side of the maps `models` and `buckets`, mapped into a process:
 * reading an entry while somebody changes it, and charging a bucket that
 * kernel programs charge too. What is taken, and when, is gcra.h's.
 */
#ifndef MODELBROKER_BUCKET_H
#define MODELBROKER_BUCKET_H

#include "gcra.h"

/* Reads that a change may spoil in a row. A writer holds a lock and makes system calls between two changes. */
#define MB_MODEL_READS 1024

static inline mb_u64 mb_model_version(const struct mb_model *model)
{
	return __atomic_load_n(&model->version, __ATOMIC_ACQUIRE);
}

/*
 * Copies the entry in force, whole, and returns its version. A writer fills the
 * entry that is not in force, so a copy is only spoilt if the version moved on
 * while it was made.
 */
static inline mb_u64 mb_model_read(const struct mb_model *model, struct mb_qos *qos)
{
	mb_u64 version = mb_model_version(model);

	for (int i = 0; i < MB_MODEL_READS; i++) {
		*qos = model->qos[version & 1];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		mb_u64 after = mb_model_version(model);
		if (after == version)
			break;
		version = after;
	}
	return version;
}

/* What a writer does once it has filled qos[(version + 1) & 1]. */
static inline void mb_model_publish(struct mb_model *model)
{
	__atomic_store_n(&model->version, model->version + 1, __ATOMIC_RELEASE);
}

static inline enum mb_gcra mb_bucket_take(struct mb_bucket *bucket, mb_u64 now, mb_u64 cost, mb_u64 tolerance)
{
	return mb_gcra_take(&bucket->tat_ns, now, cost, tolerance);
}

static inline int mb_bucket_owe(struct mb_bucket *bucket, mb_u64 now, mb_u64 cost)
{
	return mb_gcra_owe(&bucket->tat_ns, now, cost);
}

static inline int mb_bucket_give(struct mb_bucket *bucket, mb_u64 cost)
{
	return mb_gcra_give(&bucket->tat_ns, cost);
}

/* How far the bucket runs ahead of now, in nanoseconds: what was taken and is not yet paid off. */
static inline mb_u64 mb_bucket_debt(const struct mb_bucket *bucket, mb_u64 now)
{
	mb_u64 tat = __atomic_load_n(&bucket->tat_ns, __ATOMIC_RELAXED);

	return tat > now ? tat - now : 0;
}

/* Counts in a bucket's line; taking back is adding the complement. */
static inline void mb_bucket_count(mb_u64 *counter, mb_u64 units)
{
	__atomic_fetch_add(counter, units, __ATOMIC_RELAXED);
}

static inline void mb_bucket_admitted(struct mb_bucket *bucket, mb_u64 units) { mb_bucket_count(&bucket->admitted, units); }
static inline void mb_bucket_refused(struct mb_bucket *bucket, mb_u64 units) { mb_bucket_count(&bucket->refused, units); }
static inline void mb_bucket_observed(struct mb_bucket *bucket, mb_u64 units) { mb_bucket_count(&bucket->observed, units); }
static inline void mb_bucket_contended(struct mb_bucket *bucket, mb_u64 units) { mb_bucket_count(&bucket->contended, units); }

#endif /* MODELBROKER_BUCKET_H */
