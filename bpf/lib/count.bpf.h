/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counters: one set for the plane, one for each capture rule. */
#ifndef MODELBROKER_COUNT_BPF_H
#define MODELBROKER_COUNT_BPF_H

#include "base.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MB_COUNT_MAX);
	__type(key, __u32);
	__type(value, mb_u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MB_MAX_RULES);
	__type(key, __u32);
	__type(value, struct mb_rule_counters);
} rule_counters SEC(".maps");

/* Softirq may interrupt a program on the same CPU, hence the atomic add here, too. */
static __always_inline void mb_count(__u32 which)
{
	mb_u64 *value = bpf_map_lookup_elem(&counters, &which);

	if (value)
		__sync_fetch_and_add(value, 1);
}

enum mb_outcome {
	MB_OUTCOME_CAPTURED,
	MB_OUTCOME_DENIED,
	MB_OUTCOME_DIRECT,
	MB_OUTCOME_REFUSED,
};

static __always_inline void mb_count_rule(__u32 rule, enum mb_outcome outcome)
{
	struct mb_rule_counters *entry = bpf_map_lookup_elem(&rule_counters, &rule);

	if (!entry)
		return;
	switch (outcome) {
	case MB_OUTCOME_CAPTURED:
		__sync_fetch_and_add(&entry->captured, 1);
		break;
	case MB_OUTCOME_DENIED:
		__sync_fetch_and_add(&entry->denied, 1);
		break;
	case MB_OUTCOME_DIRECT:
		__sync_fetch_and_add(&entry->direct, 1);
		break;
	case MB_OUTCOME_REFUSED:
		__sync_fetch_and_add(&entry->refused, 1);
		break;
	}
}

#endif /* MODELBROKER_COUNT_BPF_H */
