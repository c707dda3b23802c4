/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Who connects: the nearest known ancestor of the calling process's cgroup. */
#ifndef MODELBROKER_WORKLOAD_BPF_H
#define MODELBROKER_WORKLOAD_BPF_H

#include "base.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MB_MAX_WORKLOADS);
	__type(key, mb_u64);
	__type(value, struct mb_workload);
} workloads SEC(".maps");

/*
 * Fills in workload and client from the deepest entry on the way from the root
 * to the caller, so a new container below a known slice needs no entry of its
 * own, and returns that entry's flags. Walking down costs as many steps as the
 * cgroup is deep. An exempt ancestor exempts all below it: no entry of a
 * client's can break the loop guard.
 */
static __always_inline __u32 mb_identify(struct mb_origin *origin)
{
	__u32 flags = 0;

	for (int level = 0; level < MB_MAX_CGROUP_DEPTH; level++) {
		mb_u64 id = bpf_get_current_ancestor_cgroup_id(level);
		struct mb_workload *entry;

		if (!id)
			break;
		entry = bpf_map_lookup_elem(&workloads, &id);
		if (!entry)
			continue;
		flags = entry->flags;
		if (flags & MB_WORKLOAD_EXEMPT)
			return flags;
		origin->workload = id;
		origin->client = entry->client;
	}
	return flags;
}

#endif /* MODELBROKER_WORKLOAD_BPF_H */
