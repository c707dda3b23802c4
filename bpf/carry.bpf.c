// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Counts of another version; part of the object of capture.bpf.c, whose maps it
 * shares.
 *
 *   mb_carry   attached nowhere: an agent that takes over from another version
 *              runs it to add what the former programs have counted to what
 *              these count at the same time. From outside, a count of theirs
 *              could get lost between reading and writing.
 */
#include "lib/base.bpf.h"
#include "lib/endpoint.bpf.h"
#include "lib/limit.bpf.h"
#include "lib/meter.bpf.h"

#define MB_CARRY_TRIES 64

union mb_carry_key {
	mb_u64 words[2];
	__u32 index;
	struct mb_refusal_key refusal;
	struct mb_meter_key meter;
};

/* `count` words are there. 1: it was not one of them, or the map had no room for the entry. */
static __always_inline int mb_carry_into(mb_u64 *value, mb_u64 count, mb_u64 word, const struct mb_carriage *what)
{
	mb_u64 amount = what->amount, held;

	if (!value || word >= count)
		return 1;
	value += word;
	if (!what->raises) {
		__sync_fetch_and_add(value, amount);
		return 0;
	}
	for (int i = 0; i < MB_CARRY_TRIES; i++) {
		held = *(volatile mb_u64 *)value;
		if (held >= amount || __sync_val_compare_and_swap(value, held, amount) == held)
			return 0;
	}
	return 1;
}

static __always_inline mb_u64 *mb_carry_refusal(const struct mb_refusal_key *key)
{
	mb_u64 none = 0;

	if (!bpf_map_lookup_elem(&refusals, key))
		bpf_map_update_elem(&refusals, key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&refusals, key);
}

#define MB_WORDS(type) (sizeof(type) / sizeof(mb_u64))

SEC("raw_tp")
int mb_carry(struct bpf_raw_tracepoint_args *ctx)
{
	const struct mb_carriage *what = (const void *)ctx->args;
	union mb_carry_key key = { .words = { what->key[0], what->key[1] } };
	mb_u64 word = what->word;

	switch (what->map) {
	case MB_CARRY_COUNTERS:
		return mb_carry_into(bpf_map_lookup_elem(&counters, &key.index), 1, word, what);
	case MB_CARRY_RULE_COUNTERS:
		return mb_carry_into(bpf_map_lookup_elem(&rule_counters, &key.index), MB_WORDS(struct mb_rule_counters), word,
				     what);
	case MB_CARRY_BUCKETS:
		return mb_carry_into(bpf_map_lookup_elem(&buckets, &key.index), MB_WORDS(struct mb_bucket), word, what);
	case MB_CARRY_MODEL_STATE:
		return mb_carry_into(bpf_map_lookup_elem(&model_state, &key.index), MB_WORDS(struct mb_model_state), word,
				     what);
	case MB_CARRY_ENDPOINT_STATE:
		return mb_carry_into(bpf_map_lookup_elem(&endpoint_state, &key.index), MB_WORDS(struct mb_endpoint_state),
				     word, what);
	case MB_CARRY_REFUSALS:
		return mb_carry_into(mb_carry_refusal(&key.refusal), 1, word, what);
	case MB_CARRY_METERS:
		mb_meter_make(&key.meter);
		return mb_carry_into(bpf_map_lookup_elem(&meters, &key.meter), MB_WORDS(struct mb_meter), word, what);
	}
	return 1;
}
