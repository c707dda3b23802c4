// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Capture: TCP connects to the configured destinations go to the proxy.
 *
 *   mb_connect4/6      at the caller's connect(): rule, workload, verdict;
 *                      rewrites the destination, leaves the origin in the socket
 *   mb_getpeername4/6  the caller still sees the address that it dialled
 *   mb_active          sockops on the caller's socket: before the SYN leaves, the
 *                      origin goes to `flow_origins`; at TCP_CLOSE it is taken back,
 *                      and so is what the socket held of its model
 *   mb_passive         sockops on the broker's sockets: binds the record in
 *                      `flow_origins` to the accepted one; keeps tagged ones at
 *                      their model's entry
 *   mb_getsockopt      answers the proxy: SO_ORIGINAL_DST, MB_SO_ORIGIN; moves the
 *                      origin from `flow_origins` into that socket
 *
 * The first three attach to the captured cgroup, the last two to the broker's
 * only. On any doubt the programs do what the rule says for a missing proxy,
 * and without a rule they let the connect pass; every failure is counted.
 */
#include "lib/base.bpf.h"
#include "lib/count.bpf.h"
#include "lib/lifetime.bpf.h"
#include "lib/origin.bpf.h"
#include "lib/rules.bpf.h"
#include "lib/settings.bpf.h"
#include "lib/sockopt.bpf.h"
#include "lib/tuple.bpf.h"
#include "lib/verdict.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int mb_is_tcp(struct bpf_sock_addr *ctx)
{
	return ctx->type == MB_SOCK_STREAM && ctx->protocol == MB_IPPROTO_TCP;
}

static __always_inline void mb_set_mapped(struct bpf_sock_addr *ctx, __u32 addr_be)
{
	ctx->user_ip6[0] = 0;
	ctx->user_ip6[1] = 0;
	ctx->user_ip6[2] = MB_MAPPED_BE;
	ctx->user_ip6[3] = addr_be;
}

static __always_inline void mb_set_v6(struct bpf_sock_addr *ctx, const __u32 *words)
{
	ctx->user_ip6[0] = words[0];
	ctx->user_ip6[1] = words[1];
	ctx->user_ip6[2] = words[2];
	ctx->user_ip6[3] = words[3];
}

static __always_inline void mb_dialled_v4(struct mb_origin *origin, __u32 addr_be)
{
	/* The kernel takes 0.0.0.0 for the loopback address; so must the rules. */
	if (!addr_be)
		addr_be = MB_LOOPBACK_BE;
	origin->family = MB_AF_INET;
	__builtin_memcpy(origin->addr, &addr_be, sizeof(addr_be));
}

/* As above for ::, which means 127.0.0.1 to a socket bound to a v4-mapped address. */
static __always_inline void mb_any_v6(struct bpf_sock_addr *ctx, __u32 *words)
{
	struct bpf_sock *sk = ctx->sk;

	words[3] = bpf_htonl(1);
	if (sk && mb_is_mapped(sk->src_ip6[0], sk->src_ip6[1], sk->src_ip6[2])) {
		words[2] = MB_MAPPED_BE;
		words[3] = MB_LOOPBACK_BE;
	}
}

static __always_inline void mb_dialled_v6(struct bpf_sock_addr *ctx, struct mb_origin *origin)
{
	__u32 words[4] = {
		ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3],
	};

	if (!(words[0] | words[1] | words[2] | words[3]))
		mb_any_v6(ctx, words);
	if (mb_is_mapped(words[0], words[1], words[2])) {
		origin->flags = MB_ORIGIN_MAPPED;
		mb_dialled_v4(origin, words[3]);
		return;
	}
	origin->family = MB_AF_INET6;
	__builtin_memcpy(origin->addr, words, sizeof(origin->addr));
}

SEC("cgroup/connect4")
int mb_connect4(struct bpf_sock_addr *ctx)
{
	struct mb_origin origin = {};
	struct mb_aim aim = {};
	struct mb_settings *set;
	int verdict;

	if (!mb_is_tcp(ctx))
		return MB_CONNECT_ALLOW;
	mb_count(MB_COUNT_CONNECTS);
	set = mb_settings_get();
	if (!set) {
		mb_count(MB_COUNT_NO_SETTINGS);
		return MB_CONNECT_ALLOW;
	}
	mb_dialled_v4(&origin, ctx->user_ip4);
	origin.port_be = (__u16)ctx->user_port;
	mb_connects_anew(ctx);
	verdict = mb_judge(ctx, set, mb_rule_find4(&origin), &origin, &aim);
	if (!mb_origin_is_wanted(&origin, &aim, verdict))
		mb_origin_forget(ctx);
	if (!aim.family)
		return verdict;
	ctx->user_ip4 = aim.addr_be[0];
	ctx->user_port = aim.port_be;
	return verdict;
}

SEC("cgroup/connect6")
int mb_connect6(struct bpf_sock_addr *ctx)
{
	struct mb_origin origin = {};
	struct mb_aim aim = {};
	struct mb_settings *set;
	struct mb_rule *rule;
	int verdict;

	if (!mb_is_tcp(ctx))
		return MB_CONNECT_ALLOW;
	mb_count(MB_COUNT_CONNECTS);
	set = mb_settings_get();
	if (!set) {
		mb_count(MB_COUNT_NO_SETTINGS);
		return MB_CONNECT_ALLOW;
	}
	mb_dialled_v6(ctx, &origin);
	origin.port_be = (__u16)ctx->user_port;
	rule = origin.family == MB_AF_INET ? mb_rule_find4(&origin) : mb_rule_find6(&origin);
	mb_connects_anew(ctx);
	verdict = mb_judge(ctx, set, rule, &origin, &aim);
	if (!mb_origin_is_wanted(&origin, &aim, verdict))
		mb_origin_forget(ctx);
	if (!aim.family)
		return verdict;
	if (aim.family == MB_AF_INET)
		mb_set_mapped(ctx, aim.addr_be[0]);
	else
		mb_set_v6(ctx, aim.addr_be);
	ctx->user_port = aim.port_be;
	return verdict;
}

SEC("cgroup/getpeername4")
int mb_getpeername4(struct bpf_sock_addr *ctx)
{
	struct mb_origin *origin = mb_origin_own(ctx);
	__u32 addr_be;

	if (origin && origin->family == MB_AF_INET) {
		__builtin_memcpy(&addr_be, origin->addr, sizeof(addr_be));
		ctx->user_ip4 = addr_be;
		ctx->user_port = origin->port_be;
	}
	return 1;
}

SEC("cgroup/getpeername6")
int mb_getpeername6(struct bpf_sock_addr *ctx)
{
	struct mb_origin *origin = mb_origin_own(ctx);
	__u32 words[4];

	if (!origin)
		return 1;
	__builtin_memcpy(words, origin->addr, sizeof(words));
	if (origin->family == MB_AF_INET)
		mb_set_mapped(ctx, words[0]);
	else
		mb_set_v6(ctx, words);
	ctx->user_port = origin->port_be;
	return 1;
}

/* The SYN has not left yet, so the proxy (or an engine here) cannot accept before the entry is there. */
static __always_inline void mb_flow_open(struct bpf_sock_ops *ops)
{
	struct bpf_sock *sk = ops->sk;
	struct mb_tuple key = {};
	struct mb_flow flow = {};
	struct mb_origin *origin;

	if (!sk)
		return;
	origin = bpf_sk_storage_get(&origins, sk, NULL, 0);
	if (!origin)
		return;
	mb_tuple_active(ops, &key);
	__builtin_memcpy(&flow.origin, origin, sizeof(flow.origin));
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	if (bpf_map_update_elem(&flow_origins, &key, &flow, BPF_ANY)) {
		mb_count(MB_COUNT_ORIGIN_FULL);
		mb_origins_full_ns = bpf_ktime_get_ns();
	}
}

/*
 * A connection that never was established takes its entry along. One that was
 * leaves it to the proxy, which may not have asked yet: a caller may send its
 * request and be gone.
 */
static __always_inline void mb_flow_close(struct bpf_sock_ops *ops)
{
	struct mb_tuple key = {};
	struct mb_flow *flow;

	mb_tuple_active(ops, &key);
	flow = bpf_map_lookup_elem(&flow_origins, &key);
	if (flow && !flow->established && flow->origin.socket_cookie == bpf_get_socket_cookie(ops))
		bpf_map_delete_elem(&flow_origins, &key);
}

SEC("sockops")
int mb_active(struct bpf_sock_ops *ops)
{
	switch (ops->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		mb_flow_open(ops);
		mb_socket_starts(ops);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		mb_socket_established(ops);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		mb_socket_accepted(ops);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		mb_socket_measured(ops, 0);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ops->args[1] != BPF_TCP_CLOSE)
			break;
		mb_flow_close(ops);
		mb_socket_closes(ops, 0);
		break;
	}
	return 1;
}

/* Binds the record to the connection: both numbers grow alike, so their difference stays what it is now. */
static __always_inline void mb_accept_open(struct bpf_sock_ops *ops)
{
	struct mb_tuple key = {};
	struct mb_flow *flow;

	mb_tuple_passive(ops, &key);
	flow = bpf_map_lookup_elem(&flow_origins, &key);
	if (flow && !flow->established) {
		flow->sequence = ops->rcv_nxt - (__u32)ops->bytes_received;
		flow->established = 1;
	} else if (mb_is_target(&key)) {
		mb_count(MB_COUNT_ORIGIN_MISSING);
	}
}

/* A proxy that has died, or has closed without asking, leaves no record behind. */
static __always_inline void mb_accept_close(struct bpf_sock_ops *ops)
{
	struct mb_tuple key = {};
	struct mb_flow *flow;

	mb_tuple_passive(ops, &key);
	flow = bpf_map_lookup_elem(&flow_origins, &key);
	if (flow && flow->established && flow->sequence == ops->rcv_nxt - (__u32)ops->bytes_received)
		bpf_map_delete_elem(&flow_origins, &key);
}

/*
 * The broker's sockets are watched from the start where MB_SO_MODEL cannot ask
 * for it later, and where mb_reapply() does not reach them.
 */
SEC("sockops")
int mb_passive(struct bpf_sock_ops *ops)
{
	switch (ops->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		mb_accept_open(ops);
		mb_watch_here(ops, 0);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		mb_watch_here(ops, 0);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		mb_socket_measured(ops, 1);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ops->args[1] != BPF_TCP_CLOSE)
			break;
		mb_accept_close(ops);
		mb_socket_closes(ops, 1);
		break;
	}
	return 1;
}

SEC("cgroup/getsockopt")
int mb_getsockopt(struct bpf_sockopt *ctx)
{
	if (ctx->level == MB_SOL_IP && ctx->optname == MB_SO_ORIGINAL_DST)
		mb_answer_v4(ctx);
	else if (ctx->level == MB_SOL_IPV6 && ctx->optname == MB_SO_ORIGINAL_DST)
		mb_answer_v6(ctx);
	else if (ctx->level == MB_SOL_MODELBROKER && ctx->optname == MB_SO_ORIGIN)
		mb_answer_origin(ctx);
	else if (ctx->optlen > MB_SOCKOPT_PAGE)
		ctx->optlen = 0; /* longer than the kernel shows us: keep its own answer */
	return 1;
}

#include "qos.bpf.c"
#include "meter.bpf.c"
#include "carry.bpf.c"
