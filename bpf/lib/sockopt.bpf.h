/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* getsockopt() of the proxy on an accepted socket: where did the caller want to go, and who is it. */
#ifndef MODELBROKER_SOCKOPT_BPF_H
#define MODELBROKER_SOCKOPT_BPF_H

#include "count.bpf.h"
#include "origin.bpf.h"
#include "tuple.bpf.h"

#define MB_SOCKOPT_PAGE 4096 /* optval is cut to a page */

/* struct sockaddr_in and sockaddr_in6, whose headers clash with the BPF target's. */
struct mb_sockaddr4 {
	__u16 family;
	__u16 port_be;
	__u8 addr[4];
	__u8 zero[8];
};

struct mb_sockaddr6 {
	__u16 family;
	__u16 port_be;
	__u32 flowinfo;
	__u8 addr[16];
	__u32 scope;
};

/*
 * Moves the record that is bound to this socket into it: done when the proxy
 * asks rather than when the connection is established, since the latter runs
 * inside the caller's connect() where both ends are on this node.
 */
static __always_inline struct mb_origin *mb_origin_take(struct bpf_sock *sk)
{
	struct mb_tuple key = {};
	struct mb_origin *kept;
	struct mb_flow *flow;
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);

	if (!tcp)
		return NULL;
	mb_tuple_accepted(sk, &key);
	flow = bpf_map_lookup_elem(&flow_origins, &key);
	if (!flow || !flow->established || flow->sequence != tcp->rcv_nxt - (__u32)tcp->bytes_received)
		return NULL;
	kept = bpf_sk_storage_get(&origins, sk, &flow->origin, BPF_SK_STORAGE_GET_F_CREATE);
	if (!kept)
		mb_count(MB_COUNT_STORAGE_FAILED);
	bpf_map_delete_elem(&flow_origins, &key);
	return kept;
}

static __always_inline struct mb_origin *mb_origin_of(struct bpf_sockopt *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct mb_origin *origin;

	if (!sk)
		return NULL;
	origin = bpf_sk_storage_get(&origins, sk, NULL, 0);
	return origin ?: mb_origin_take(sk);
}

/*
 * The kernel has answered with an error of its own; this is the answer instead.
 * Volatile, since the verifier refuses the two stores merged into one.
 */
static __always_inline void mb_answered(struct bpf_sockopt *ctx, __s32 bytes)
{
	*(volatile __s32 *)&ctx->optlen = bytes;
	*(volatile __s32 *)&ctx->retval = 0;
}

static __always_inline void mb_answer_v4(struct bpf_sockopt *ctx)
{
	struct mb_origin *origin = mb_origin_of(ctx);
	struct mb_sockaddr4 *out = ctx->optval;

	if (!origin || origin->family != MB_AF_INET)
		return;
	if ((void *)(out + 1) > ctx->optval_end) {
		mb_count(MB_COUNT_SOCKOPT_SHORT);
		return;
	}
	__builtin_memset(out, 0, sizeof(*out));
	out->family = MB_AF_INET;
	out->port_be = origin->port_be;
	__builtin_memcpy(out->addr, origin->addr, sizeof(out->addr));
	mb_answered(ctx, sizeof(*out));
}

/* A v4 origin is told in v4-mapped form, and only to a v6 socket. */
static __always_inline void mb_answer_v6(struct bpf_sockopt *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct mb_origin *origin;
	struct mb_sockaddr6 *out = ctx->optval;

	if (!sk || sk->family != MB_AF_INET6)
		return;
	origin = mb_origin_of(ctx);
	if (!origin)
		return;
	if ((void *)(out + 1) > ctx->optval_end) {
		mb_count(MB_COUNT_SOCKOPT_SHORT);
		return;
	}
	__builtin_memset(out, 0, sizeof(*out));
	out->family = MB_AF_INET6;
	out->port_be = origin->port_be;
	if (origin->family == MB_AF_INET6) {
		__builtin_memcpy(out->addr, origin->addr, sizeof(out->addr));
	} else {
		out->addr[10] = 0xff;
		out->addr[11] = 0xff;
		__builtin_memcpy(out->addr + 12, origin->addr, 4);
	}
	mb_answered(ctx, sizeof(*out));
}

static __always_inline void mb_answer_origin(struct bpf_sockopt *ctx)
{
	struct mb_origin *origin = mb_origin_of(ctx);
	struct mb_origin *out = ctx->optval;

	if (!origin)
		return;
	if ((void *)(out + 1) > ctx->optval_end) {
		mb_count(MB_COUNT_SOCKOPT_SHORT);
		return;
	}
	__builtin_memcpy(out, origin, sizeof(*out));
	mb_answered(ctx, sizeof(*out));
}

#endif /* MODELBROKER_SOCKOPT_BPF_H */
