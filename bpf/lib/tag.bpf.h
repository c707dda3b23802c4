/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* setsockopt(MB_SOL_MODELBROKER, MB_SO_MODEL): the broker puts a socket of its own under a model. */
#ifndef MODELBROKER_TAG_BPF_H
#define MODELBROKER_TAG_BPF_H

#include "apply.bpf.h"

#define MB_SOCKOPT_REFUSED 0
#define MB_SOCKOPT_GO_ON 1

static __always_inline int mb_tag_refuse(int error)
{
	mb_count(MB_COUNT_TAG_INVALID);
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_set_retval) || bpf_set_retval(-error))
		mb_count(MB_COUNT_RETVAL_FAILED);
	return MB_SOCKOPT_REFUSED;
}

/* Ours, done: the kernel is not to look at it. */
static __always_inline int mb_tag_taken(struct bpf_sockopt *ctx)
{
	ctx->optlen = -1;
	return MB_SOCKOPT_GO_ON;
}

static __always_inline int mb_tag_is_sound(const struct mb_tag *tag, const struct bpf_sock *sk)
{
	return tag->leg < MB_LEG_COUNT && tag->active <= 1 && !tag->pad && sk->type == MB_SOCK_STREAM &&
	       sk->protocol == MB_IPPROTO_TCP && sk->state != BPF_TCP_LISTEN;
}

static __always_inline __u32 mb_marking_of(const struct bpf_sock *sk)
{
	return mb_marking(sk->family, sk->family == MB_AF_INET6 &&
					      mb_is_mapped(sk->dst_ip6[0], sk->dst_ip6[1], sk->dst_ip6[2]));
}

static __always_inline void mb_tag_put(struct bpf_sock *sk, struct mb_socket *held, const struct mb_tag *tag)
{
	struct mb_model_state *state;
	int fresh, watch;

	if (held->model != tag->model || held->leg != tag->leg)
		mb_let_go(held);
	state = mb_state_get(tag->model);
	if (!state)
		return;
	fresh = !(held->flags & MB_SOCKET_TAGGED);
	held->model = tag->model;
	held->client = tag->client;
	held->leg = tag->leg;
	mb_enlist(held, state);
	held->flags |= MB_SOCKET_BROKER;
	if (tag->active)
		mb_activate(held, state);
	else
		mb_deactivate(held, state);
	mb_apply(sk, held, mb_marking_of(sk), &watch);
	if (fresh || watch)
		mb_watch_socket(sk, watch);
}

static __always_inline int mb_tag_set(struct bpf_sockopt *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct mb_tag *tag = ctx->optval;
	struct mb_socket *held;

	if (!sk || (void *)(tag + 1) > ctx->optval_end || ctx->optlen != sizeof(*tag) || !mb_tag_is_sound(tag, sk))
		return mb_tag_refuse(MB_EINVAL);
	if (tag->model && !mb_model_get(tag->model))
		return mb_tag_refuse(MB_ENOENT);
	mb_count(MB_COUNT_TAGS);
	held = bpf_sk_storage_get(&sockets, sk, NULL, tag->model ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (held && tag->model) {
		mb_tag_put(sk, held, tag);
	} else if (held) {
		mb_apply_nothing(sk, held, mb_marking_of(sk));
	} else if (tag->model) {
		mb_count(MB_COUNT_SOCKET_FAILED);
		return mb_tag_refuse(MB_ENOMEM);
	}
	return mb_tag_taken(ctx);
}

#endif /* MODELBROKER_TAG_BPF_H */
