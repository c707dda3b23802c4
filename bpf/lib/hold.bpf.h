/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Places under a model's open-connection cap: taken at connect(), held by the
 * socket, given back when it closes, connects anew, or goes without ever having
 * begun. Whoever touches a socket's storage holds that socket's lock, but for
 * mb_sock_release(), which acts only on closed sockets: nobody else does then.
 */
#ifndef MODELBROKER_HOLD_BPF_H
#define MODELBROKER_HOLD_BPF_H

#include "endpoint.bpf.h"
#include "meter.bpf.h"
#include "socket.bpf.h"

static __always_inline void mb_place_give(__u32 slot)
{
	struct mb_model_state *state = mb_state_get(slot);

	if (state)
		__sync_fetch_and_sub(&state->open, 1);
}

/* Everything that the socket counts for; its options stay as they are. */
static __always_inline void mb_let_go(struct mb_socket *held)
{
	struct mb_model_state *state = mb_state_get(held->model);

	if (state) {
		mb_delist(held, state);
		if (held->flags & MB_SOCKET_OPEN)
			__sync_fetch_and_sub(&state->open, 1);
	}
	if (held->endpoint) {
		if (!(held->flags & MB_SOCKET_STARTED))
			mb_direct_outcome(held->endpoint, 1); /* no way there, or no port left for it */
		mb_direct_drop(held->endpoint);
	}
	held->model = 0;
	held->flags = 0;
	held->endpoint = 0;
	held->version = 0;
}

/* Leaves the place in the caller's socket; 0: that failed, nothing is held. */
static __always_inline int mb_hold(struct bpf_sock_addr *ctx, const struct mb_origin *origin)
{
	struct bpf_sock *sk = ctx->sk;
	struct mb_socket *held;

	if (!sk)
		return 0;
	held = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!held)
		return 0;
	held->model = origin->model;
	held->client = origin->client;
	held->leg = MB_LEG_REQUESTS;
	held->active = 0;
	held->flags = MB_SOCKET_OPEN;
	if (origin->flags & MB_ORIGIN_DIRECT) {
		held->flags |= MB_SOCKET_DIRECT;
		mb_meter_open(sk, origin->model, origin->client);
	}
	held->endpoint = origin->endpoint;
	held->version = 0;
	return 1;
}

#endif /* MODELBROKER_HOLD_BPF_H */
