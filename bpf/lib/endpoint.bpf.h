/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Path direct: which endpoint of a model a connect goes to. The usable one with
 * the fewest open connections for its weight, (open + 1) / weight; the search
 * begins at a place that depends on the socket, so that equals share. Endpoints
 * that failed within the last second come only when nothing else is left.
 */
#ifndef MODELBROKER_ENDPOINT_BPF_H
#define MODELBROKER_ENDPOINT_BPF_H

#include "base.bpf.h"
#include "socket.bpf.h"

#define MB_REST_NS 1000000000ull /* how long a failed endpoint is passed over */
#define MB_PICK_TRIES 8

/* Replaced as a whole, so a program sees one set or the other. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MB_MAX_MODELS);
	__type(key, __u32);
	__type(value, struct mb_endpoint_set);
} endpoint_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MB_MAX_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct mb_endpoint_state);
} endpoint_state SEC(".maps");

/* What the caller's socket can be connected to. */
#define MB_REACH_V4 1u
#define MB_REACH_V6 2u
#define MB_REACH_LOOPBACK 4u

struct mb_choice {
	mb_u64 now_ns;
	mb_u64 open; /* of the endpoint found, when it was looked at */
	__u32 reach; /* MB_REACH_* */
	__u32 start; /* where the search begins */
	__u32 rested; /* only endpoints without a failure in the last second */
	__u32 found; /* index in the set */
};

struct sock_common___bound {
	unsigned char skc_ipv6only : 1;
} __attribute__((preserve_access_index));

/* May an IPv6 socket send IPv4? Unknown counts as no. */
static __always_inline int mb_is_dual(struct bpf_sock *sk)
{
	struct sock_common___bound *common = (void *)bpf_skc_to_tcp6_sock(sk);

	return common && !BPF_CORE_READ_BITFIELD(common, skc_ipv6only);
}

/* A socket bound to an address stays with that address's family. */
static __always_inline __u32 mb_reach_v6(struct bpf_sock *sk)
{
	__u32 w0 = sk->src_ip6[0], w1 = sk->src_ip6[1], w2 = sk->src_ip6[2], w3 = sk->src_ip6[3];

	if (mb_is_mapped(w0, w1, w2))
		return MB_REACH_V4;
	if (w0 | w1 | w2 | w3)
		return MB_REACH_V6;
	return mb_is_dual(sk) ? MB_REACH_V4 | MB_REACH_V6 : MB_REACH_V6;
}

static __always_inline __u32 mb_reach(struct bpf_sock_addr *ctx, const struct mb_origin *origin)
{
	struct bpf_sock *sk = ctx->sk;
	__u32 reach = origin->flags & MB_ORIGIN_FOREIGN_NETNS ? 0 : MB_REACH_LOOPBACK;

	if (!sk)
		return 0;
	return reach | (ctx->family == MB_AF_INET6 ? mb_reach_v6(sk) : MB_REACH_V4);
}

static __always_inline int mb_is_loopback(const struct mb_endpoint *endpoint)
{
	if (endpoint->family == MB_AF_INET)
		return (endpoint->addr_be[0] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
	return !(endpoint->addr_be[0] | endpoint->addr_be[1] | endpoint->addr_be[2]) &&
	       endpoint->addr_be[3] == bpf_htonl(1);
}

static __always_inline int mb_is_reachable(const struct mb_endpoint *endpoint, __u32 reach)
{
	if (!endpoint->usable)
		return 0;
	if (!(reach & (endpoint->family == MB_AF_INET ? MB_REACH_V4 : MB_REACH_V6)))
		return 0;
	return reach & MB_REACH_LOOPBACK || !mb_is_loopback(endpoint);
}

/* Global, so that the verifier walks the search once. 1: choice->found is the best. */
__noinline int mb_endpoint_best(struct mb_endpoint_set *set, struct mb_choice *choice)
{
	mb_u64 weight = 0, load = 0;

	if (!set || !choice)
		return 0;
	for (__u32 i = 0; i < MB_MAX_SET_ENDPOINTS && i < set->count; i++) {
		__u32 at = choice->start + i;
		struct mb_endpoint *endpoint;
		struct mb_endpoint_state *state;

		if (at >= set->count)
			at -= set->count;
		at &= MB_MAX_SET_ENDPOINTS - 1;
		endpoint = &set->endpoints[at];
		if (!mb_is_reachable(endpoint, choice->reach))
			continue;
		state = bpf_map_lookup_elem(&endpoint_state, &endpoint->state);
		if (!state)
			continue;
		if (choice->rested && state->failed_ns && (__s64)(choice->now_ns - state->failed_ns) < (__s64)MB_REST_NS)
			continue;
		if (weight && (state->open + 1) * weight >= load * endpoint->weight)
			continue;
		choice->found = at;
		choice->open = state->open;
		load = state->open + 1;
		weight = endpoint->weight;
	}
	return weight != 0;
}

static __always_inline struct mb_endpoint *mb_endpoint_find(struct mb_endpoint_set *set,
							    struct mb_choice *choice)
{
	choice->rested = 1;
	if (!mb_endpoint_best(set, choice)) {
		choice->rested = 0;
		if (!mb_endpoint_best(set, choice))
			return NULL;
	}
	return &set->endpoints[choice->found & (MB_MAX_SET_ENDPOINTS - 1)];
}

/*
 * Counts the connection if the endpoint is still as it was when it was the best: connects that come together must
 * not all take the same one. The last try counts anyway: that costs balance, never a connect.
 */
static __always_inline int mb_endpoint_take(const struct mb_endpoint *endpoint, mb_u64 open, int last)
{
	struct mb_endpoint_state *state = bpf_map_lookup_elem(&endpoint_state, &endpoint->state);

	if (!state)
		return 0;
	if (last)
		__sync_fetch_and_add(&state->open, 1);
	else if (__sync_val_compare_and_swap(&state->open, open, open + 1) != open)
		return 0;
	__sync_fetch_and_add(&state->picked, 1);
	return 1;
}

/*
 * The endpoint for this connect in *aim and its slot of endpoint_state in
 * origin->endpoint, counted as open; 0: none is usable. Called with the model's
 * limits already passed; origin->model is not 0.
 */
static __always_inline int mb_direct_pick(struct bpf_sock_addr *ctx, struct mb_origin *origin, struct mb_aim *aim)
{
	struct mb_endpoint_set *set = bpf_map_lookup_elem(&endpoint_sets, &origin->model);
	struct mb_choice choice = { .now_ns = origin->time_ns };

	if (!set || !set->count)
		return 0;
	choice.reach = mb_reach(ctx, origin);
	/* Cookies are handed out in runs to each CPU, so their low bits alone would follow a pattern. */
	choice.start = (__u32)((origin->socket_cookie * 0x9e3779b97f4a7c15ull) >> 33) % set->count;
	for (int i = 0; i < MB_PICK_TRIES; i++) {
		struct mb_endpoint *endpoint = mb_endpoint_find(set, &choice);

		if (!endpoint)
			return 0;
		if (!mb_endpoint_take(endpoint, choice.open, i == MB_PICK_TRIES - 1))
			continue;
		__builtin_memcpy(aim->addr_be, endpoint->addr_be, sizeof(aim->addr_be));
		aim->port_be = endpoint->port_be;
		aim->family = (__u16)endpoint->family;
		origin->endpoint = endpoint->state;
		return 1;
	}
	return 0;
}

/* The connection that mb_direct_pick() counted there is over, or never began. */
static __always_inline void mb_direct_drop(__u32 endpoint)
{
	struct mb_endpoint_state *state = bpf_map_lookup_elem(&endpoint_state, &endpoint);

	if (state)
		__sync_fetch_and_sub(&state->open, 1);
}

/* It was established (failed = 0), or was given up before that. */
static __always_inline void mb_direct_outcome(__u32 endpoint, int failed)
{
	struct mb_endpoint_state *state = bpf_map_lookup_elem(&endpoint_state, &endpoint);

	if (!state)
		return;
	if (failed) {
		__sync_fetch_and_add(&state->failed, 1);
		state->failed_ns = bpf_ktime_get_ns();
	} else if (state->failed_ns) {
		state->failed_ns = 0;
	}
}

#endif /* MODELBROKER_ENDPOINT_BPF_H */
