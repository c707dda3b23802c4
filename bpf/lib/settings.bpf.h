/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The settings in force, and which listener a caller belongs to. */
#ifndef MODELBROKER_SETTINGS_BPF_H
#define MODELBROKER_SETTINGS_BPF_H

#include "base.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mb_settings);
} settings SEC(".maps");

/* Listening sockets only, never payload; a socket leaves when it closes. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, MB_LISTENER_COUNT);
	__type(key, __u32);
	__type(value, mb_u64);
} listeners SEC(".maps");

/* NULL until the agent has written them, or if another ABI wrote them. */
static __always_inline struct mb_settings *mb_settings_get(void)
{
	__u32 zero = 0;
	struct mb_settings *found = bpf_map_lookup_elem(&settings, &zero);

	if (!found || found->abi_version != MB_ABI_VERSION)
		return NULL;
	return found;
}

/* Works from every network namespace, unlike bpf_sk_lookup_tcp(). */
static __always_inline int mb_listener_alive(__u32 slot)
{
	struct bpf_sock *sk = bpf_map_lookup_elem(&listeners, &slot);
	int alive;

	if (!sk)
		return 0;
	alive = sk->state == BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return alive;
}

static __always_inline int mb_target_is(const struct mb_target *target, const struct mb_tuple *key)
{
	if (!target->configured || target->port_be != key->local_port_be ||
	    target->addr_be[0] != key->local_be[0])
		return 0;
	return key->family == MB_AF_INET || (target->addr_be[1] == key->local_be[1] &&
					     target->addr_be[2] == key->local_be[2] &&
					     target->addr_be[3] == key->local_be[3]);
}

/* Was this connection made to a capture listener, not to the gateway or the admin port? */
static __always_inline int mb_is_target(const struct mb_tuple *key)
{
	struct mb_settings *set = mb_settings_get();

	if (!set)
		return 0;
	if (key->family == MB_AF_INET)
		return mb_target_is(&set->targets[MB_LISTENER_HOST4], key) ||
		       mb_target_is(&set->targets[MB_LISTENER_POD4], key);
	return mb_target_is(&set->targets[MB_LISTENER_HOST6], key) ||
	       mb_target_is(&set->targets[MB_LISTENER_POD6], key);
}

#endif /* MODELBROKER_SETTINGS_BPF_H */
