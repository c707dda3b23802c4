/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Capture rules: the dialled port exactly first, any port second; the longest CIDR wins within each. */
#ifndef MODELBROKER_RULES_BPF_H
#define MODELBROKER_RULES_BPF_H

#include "base.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MB_MAX_DESTINATIONS);
	__type(key, struct mb_rule_key4);
	__type(value, struct mb_rule);
} rules4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MB_MAX_DESTINATIONS);
	__type(key, struct mb_rule_key6);
	__type(value, struct mb_rule);
} rules6 SEC(".maps");

static __always_inline struct mb_rule *mb_rule_find4(const struct mb_origin *dialled)
{
	struct mb_rule_key4 key = { .prefixlen = 16 + 32, .port_be = dialled->port_be };
	struct mb_rule *rule;

	__builtin_memcpy(key.addr, dialled->addr, sizeof(key.addr));
	rule = bpf_map_lookup_elem(&rules4, &key);
	if (rule)
		return rule;
	key.port_be = 0;
	return bpf_map_lookup_elem(&rules4, &key);
}

static __always_inline struct mb_rule *mb_rule_find6(const struct mb_origin *dialled)
{
	struct mb_rule_key6 key = { .prefixlen = 16 + 128, .port_be = dialled->port_be };
	struct mb_rule *rule;

	__builtin_memcpy(key.addr, dialled->addr, sizeof(key.addr));
	rule = bpf_map_lookup_elem(&rules6, &key);
	if (rule)
		return rule;
	key.port_be = 0;
	return bpf_map_lookup_elem(&rules6, &key);
}

#endif /* MODELBROKER_RULES_BPF_H */
