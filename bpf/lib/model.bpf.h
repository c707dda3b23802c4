/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The models' entries, their buckets and what is counted for them. */
#ifndef MODELBROKER_MODEL_BPF_H
#define MODELBROKER_MODEL_BPF_H

#include "count.bpf.h"

/* Written by the agent and the CLI through a mapping; the programs only read it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MB_MODEL_SLOTS);
	__type(key, __u32);
	__type(value, struct mb_model);
} models SEC(".maps");

/* Charged by the programs and, through a mapping, by the proxy: atomics only. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MB_MODEL_SLOTS * MB_BUCKETS_PER_MODEL);
	__type(key, __u32);
	__type(value, struct mb_bucket);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MB_MODEL_SLOTS);
	__type(key, __u32);
	__type(value, struct mb_model_state);
} model_state SEC(".maps");

/* NULL, counted: nobody has that slot. Never slot 0, which is no model. */
static __always_inline struct mb_model *mb_model_get(__u32 slot)
{
	struct mb_model *model = slot ? bpf_map_lookup_elem(&models, &slot) : NULL;

	if (model && model->flags & MB_MODEL_IN_USE)
		return model;
	mb_count(MB_COUNT_MODEL_MISSING);
	return NULL;
}

static __always_inline struct mb_model_state *mb_state_get(__u32 slot)
{
	return bpf_map_lookup_elem(&model_state, &slot);
}

/* The entry of this version; the other of the two is the writer's to fill. */
static __always_inline struct mb_qos *mb_qos_of(struct mb_model *model, mb_u64 version)
{
	return version & 1 ? &model->qos[1] : &model->qos[0];
}

/*
 * What the model's sockets share, in bytes per second; 0: as much as they like.
 * Observe mode shapes nothing, and where the sockets go to an HTB class, the
 * class says how much beyond the bandwidth they may try for: see QoS+Shaping.
 */
static __always_inline mb_u64 mb_bandwidth(const struct mb_qos *qos)
{
	if (qos->mode == MB_MODE_OBSERVE)
		return 0;
	if (qos->sk_priority < MB_CLASS_ID(0) || qos->service == MB_CLASS_GUARANTEED)
		return qos->bandwidth;
	return qos->service == MB_CLASS_BURSTABLE ? qos->bandwidth + qos->bandwidth / 2 : 0;
}

/* What one socket of the leg may send, in bytes per second; 0: as much as it likes. */
static __always_inline mb_u64 mb_share(const struct mb_qos *qos, const struct mb_model_state *state, __u8 leg)
{
	mb_u64 bandwidth = mb_bandwidth(qos);
	mb_u64 active = leg == MB_LEG_RESPONSES ? state->active[MB_LEG_RESPONSES] : state->active[MB_LEG_REQUESTS];

	if (!bandwidth)
		return 0;
	if (active > 1)
		bandwidth /= active;
	return bandwidth ? bandwidth : 1;
}

#endif /* MODELBROKER_MODEL_BPF_H */
