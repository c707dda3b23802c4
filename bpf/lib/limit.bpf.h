/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What a model's entry has to say at connect(): who may call it, how many
 * connections may be open, how fast they may come. In this order, so that a
 * caller without the right takes nobody's place and a full house costs no unit.
 */
#ifndef MODELBROKER_LIMIT_BPF_H
#define MODELBROKER_LIMIT_BPF_H

#include "../include/gcra.h"
#include "count.bpf.h"
#include "event.bpf.h"
#include "hold.bpf.h"
#include "model.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MB_MAX_ACCESS);
	__type(key, struct mb_access_key);
	__type(value, __u32);
} access SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MB_MAX_REFUSALS);
	__type(key, struct mb_refusal_key);
	__type(value, mb_u64);
} refusals SEC(".maps");

static __always_inline void mb_refusal_count(const struct mb_origin *origin, __u32 reason)
{
	struct mb_refusal_key key = { .model = origin->model, .client = origin->client, .reason = reason };
	mb_u64 one = 1, *count = bpf_map_lookup_elem(&refusals, &key);

	if (!count) {
		if (!bpf_map_update_elem(&refusals, &key, &one, BPF_NOEXIST))
			return;
		count = bpf_map_lookup_elem(&refusals, &key); /* another CPU was first, or it is full */
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		mb_count(MB_COUNT_REFUSAL_FULL);
}

/* Says so everywhere that a connect was refused. */
static __always_inline void mb_limited(const struct mb_origin *origin, __u32 reason, __u32 counter)
{
	mb_count(counter);
	mb_refusal_count(origin, reason);
	mb_event_reason(MB_EVENT_LIMITED, origin, reason, 0);
}

/* Observe mode: it would have been. */
static __always_inline void mb_observed(const struct mb_origin *origin, __u32 reason)
{
	mb_event_reason(MB_EVENT_LIMITED, origin, reason, 1);
}

/*
 * As the proxy decides it: a deny wins, a client with a list is held to it, a
 * private model takes an allow. What is said of those who are no client
 * (number 0) holds only where no proxy follows: there they may still prove
 * who they are.
 */
static __always_inline int mb_may_call(const struct mb_model *model, const struct mb_origin *origin, __u32 workload, int direct)
{
	struct mb_access_key key = { .model = origin->model, .client = origin->client };
	__u32 *entry = key.client || direct ? bpf_map_lookup_elem(&access, &key) : NULL;

	if (entry)
		return *entry == MB_ACCESS_ALLOW;
	return !(model->flags & MB_MODEL_PRIVATE) && !(workload & MB_WORKLOAD_LISTED);
}

/* One place by compare-and-swap: 0 if `cap` are taken. */
static __always_inline int mb_place_take(struct mb_model_state *state, mb_u64 cap)
{
	for (int i = 0; i < MB_GCRA_TRIES; i++) {
		mb_u64 open = *(volatile mb_u64 *)&state->open;

		if (open >= cap)
			return 0;
		if (__sync_val_compare_and_swap(&state->open, open, open + 1) == open)
			return 1;
	}
	mb_count(MB_COUNT_CONTENDED);
	return 0;
}

/* 0: refused. Without a cap, and beyond it in observe mode, the connection counts all the same. */
static __always_inline int mb_place_admit(const struct mb_qos *qos, struct mb_model_state *state,
					  const struct mb_origin *origin)
{
	if (qos->fields & MB_QOS_CONNECTIONS) {
		if (mb_place_take(state, qos->connections))
			return 1;
		if (qos->mode != MB_MODE_OBSERVE)
			return 0;
		__sync_fetch_and_add(&state->observed_connections, 1);
		mb_observed(origin, MB_REASON_CONNECTIONS);
	}
	__sync_fetch_and_add(&state->open, 1);
	return 1;
}

static __always_inline enum mb_gcra mb_rate_take(const struct mb_limit *limit, struct mb_bucket *bucket)
{
	if (limit->period_ns == MB_PERIOD_NEVER)
		return MB_GCRA_REFUSED;
	return mb_gcra_take(&bucket->tat_ns, bpf_ktime_get_ns(), limit->period_ns, limit->tolerance_ns);
}

/* 0: refused. */
static __always_inline int mb_rate_admit(const struct mb_qos *qos, const struct mb_origin *origin)
{
	const struct mb_limit *limit = &qos->limits[MB_LIMIT_CONNECTS];
	__u32 index = MB_BUCKET(origin->model, MB_LIMIT_CONNECTS);
	struct mb_bucket *bucket = bpf_map_lookup_elem(&buckets, &index);
	enum mb_gcra taken;

	if (!bucket || !limit->period_ns)
		return 1;
	taken = mb_rate_take(limit, bucket);
	if (taken == MB_GCRA_ADMITTED) {
		__sync_fetch_and_add(&bucket->admitted, 1);
		return 1;
	}
	if (qos->mode == MB_MODE_OBSERVE) {
		__sync_fetch_and_add(&bucket->observed, 1);
		mb_observed(origin, MB_REASON_RATE);
		return 1;
	}
	__sync_fetch_and_add(&bucket->refused, 1);
	if (taken == MB_GCRA_CONTENDED) {
		__sync_fetch_and_add(&bucket->contended, 1);
		mb_count(MB_COUNT_CONTENDED);
	}
	return 0;
}

/*
 * 0, with a place taken for origin->model; else the errno that the caller is to
 * see. A model without an entry governs nothing: origin->model becomes 0.
 */
static __always_inline int mb_admit(struct mb_origin *origin, __u32 slot, __u32 workload, int direct)
{
	struct mb_model *model = mb_model_get(slot);
	struct mb_model_state *state = mb_state_get(slot);
	struct mb_qos *qos;

	if (!model || !state)
		return 0;
	origin->model = slot;
	if (!mb_may_call(model, origin, workload, direct)) {
		mb_limited(origin, MB_REASON_ACCESS, MB_COUNT_LIMITED_ACCESS);
		return MB_ECONNREFUSED;
	}
	qos = mb_qos_of(model, model->version);
	if (!mb_place_admit(qos, state, origin)) {
		mb_limited(origin, MB_REASON_CONNECTIONS, MB_COUNT_LIMITED_CONNECTIONS);
		return MB_EAGAIN;
	}
	if (!mb_rate_admit(qos, origin)) {
		__sync_fetch_and_sub(&state->open, 1);
		mb_limited(origin, MB_REASON_RATE, MB_COUNT_LIMITED_RATE);
		return MB_EAGAIN;
	}
	__sync_fetch_and_add(&state->connects, 1);
	return 0;
}

#endif /* MODELBROKER_LIMIT_BPF_H */
