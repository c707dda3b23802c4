/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What direct flows did, per model and client. Entry and per-socket record are
 * made at connect(), in the caller's context, so that the packet path never has
 * to; a socket without a record is none of the meter's business.
 */
#ifndef MODELBROKER_METER_BPF_H
#define MODELBROKER_METER_BPF_H

#include "count.bpf.h"

#define MB_EEXIST 17

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MB_MAX_METERS);
	__type(key, struct mb_meter_key);
	__type(value, struct mb_meter);
} meters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mb_meter_flow);
} meter_flows SEC(".maps");

/* 0: `meters` takes no more keys; counted. */
static __always_inline int mb_meter_make(const struct mb_meter_key *key)
{
	struct mb_meter fresh = {};
	long error;

	if (bpf_map_lookup_elem(&meters, key))
		return 1;
	error = bpf_map_update_elem(&meters, key, &fresh, BPF_NOEXIST);
	if (!error || error == -MB_EEXIST)
		return 1;
	mb_count(MB_COUNT_METER_FULL);
	return 0;
}

/* The connect goes on, metered or not. */
static __always_inline void mb_meter_open(struct bpf_sock *sk, __u32 model, __u32 client)
{
	struct mb_meter_key key = { .model = model, .client = client };
	struct mb_meter_flow *flow;

	if (!mb_meter_make(&key))
		return;
	flow = bpf_sk_storage_get(&meter_flows, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (flow)
		flow->key = key;
	else
		mb_count(MB_COUNT_SOCKET_FAILED);
}

/* The socket's connection is over; the next one begins with a new record. */
static __always_inline void mb_meter_close(struct bpf_sock *sk)
{
	if (sk)
		bpf_sk_storage_delete(&meter_flows, sk);
}

static __always_inline void mb_meter_established(struct bpf_sock *sk)
{
	struct mb_meter_flow *flow = sk ? bpf_sk_storage_get(&meter_flows, sk, NULL, 0) : NULL;
	struct mb_meter *meter = flow ? bpf_map_lookup_elem(&meters, &flow->key) : NULL;

	if (meter)
		__sync_fetch_and_add(&meter->connections, 1);
}

#endif /* MODELBROKER_METER_BPF_H */
