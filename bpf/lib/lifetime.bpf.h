/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A governed socket's life as sockops sees it. Nothing here acts on a socket without storage in `sockets`. */
#ifndef MODELBROKER_LIFETIME_BPF_H
#define MODELBROKER_LIFETIME_BPF_H

#include "apply.bpf.h"
#include "origin.bpf.h"
#include "tuple.bpf.h"

static __always_inline struct mb_socket *mb_held_of(struct bpf_sock_ops *ops)
{
	struct bpf_sock *sk = ops->sk;

	return sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
}

static __always_inline __u32 mb_marking_here(struct bpf_sock_ops *ops)
{
	struct mb_ends ends = {};

	mb_ends_read(ops, &ends);
	return mb_marking(ops->family, ends.family == MB_AF_INET);
}

static __always_inline void mb_apply_here(struct bpf_sock_ops *ops, struct mb_socket *held)
{
	int watch;

	mb_apply(ops, held, mb_marking_here(ops), &watch);
	mb_watch_here(ops, watch);
}

/* The SYN is about to leave: from here on TCP_CLOSE is sure to be seen. Marks go on before the first packet. */
static __always_inline void mb_socket_starts(struct bpf_sock_ops *ops)
{
	struct mb_socket *held = mb_held_of(ops);
	struct mb_model_state *state;

	if (!held || !held->model || held->flags & MB_SOCKET_BROKER)
		return;
	held->flags |= MB_SOCKET_STARTED;
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	state = mb_state_get(held->model);
	if (!(held->flags & MB_SOCKET_DIRECT) || !state)
		return;
	mb_enlist(held, state);
	mb_apply_here(ops, held);
}

/* A caller's socket on the path direct takes its part of the bandwidth while it is open. */
static __always_inline void mb_socket_established(struct bpf_sock_ops *ops)
{
	struct mb_socket *held = mb_held_of(ops);
	struct mb_model_state *state;

	if (!held || !(held->flags & MB_SOCKET_TAGGED) || held->flags & MB_SOCKET_BROKER)
		return;
	if (held->endpoint)
		mb_direct_outcome(held->endpoint, 0);
	if (held->flags & MB_SOCKET_DIRECT)
		mb_meter_established(ops->sk);
	state = mb_state_get(held->model);
	if (!state)
		return;
	mb_activate(held, state);
	mb_apply_here(ops, held);
}

/* An engine on this node has accepted a direct flow: what it sends are the model's responses. */
static __always_inline void mb_socket_accepted(struct bpf_sock_ops *ops)
{
	struct bpf_sock *sk = ops->sk;
	struct mb_tuple key = {};
	struct mb_model_state *state;
	struct mb_flow *flow;
	struct mb_socket *held;

	if (!sk)
		return;
	mb_tuple_passive(ops, &key);
	flow = bpf_map_lookup_elem(&flow_origins, &key);
	if (!flow || !(flow->origin.flags & MB_ORIGIN_DIRECT) || !flow->origin.model)
		return;
	state = mb_state_get(flow->origin.model);
	held = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!held || !state) {
		mb_count(MB_COUNT_SOCKET_FAILED);
		return;
	}
	held->model = flow->origin.model;
	held->client = flow->origin.client;
	held->leg = MB_LEG_RESPONSES;
	held->flags = 0;
	mb_enlist(held, state);
	mb_activate(held, state);
	bpf_map_delete_elem(&flow_origins, &key);
	mb_apply_here(ops, held);
}

/* `brokers`: the program of the broker's own cgroup looks after the sockets that the broker has tagged. */
static __always_inline int mb_is_looked_after(const struct mb_socket *held, int brokers)
{
	return held->flags && !(held->flags & MB_SOCKET_BROKER) == !brokers;
}

static __always_inline void mb_socket_closes(struct bpf_sock_ops *ops, int brokers)
{
	struct mb_socket *held = mb_held_of(ops);

	if (!held || !mb_is_looked_after(held, brokers))
		return;
	if (held->endpoint && ops->args[0] == BPF_TCP_SYN_SENT)
		mb_direct_outcome(held->endpoint, 1);
	if (held->flags & MB_SOCKET_DIRECT)
		mb_meter_close(ops->sk);
	mb_let_go(held);
}

/* What a changed entry, or the others' coming and going, means to this socket. */
static __always_inline void mb_socket_measured(struct bpf_sock_ops *ops, int brokers)
{
	struct mb_socket *held = mb_held_of(ops);
	int watch;

	if (held && held->flags & MB_SOCKET_TAGGED && mb_is_looked_after(held, brokers))
		mb_apply(ops, held, mb_marking_here(ops), &watch);
}

#endif /* MODELBROKER_LIFETIME_BPF_H */
