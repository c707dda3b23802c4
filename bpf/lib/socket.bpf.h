/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a socket under a model holds; kept in the socket itself, all zero once it has let go. */
#ifndef MODELBROKER_SOCKET_BPF_H
#define MODELBROKER_SOCKET_BPF_H

#include "model.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mb_socket);
} sockets SEC(".maps");

static __always_inline void mb_activate(struct mb_socket *held, struct mb_model_state *state)
{
	if (held->active)
		return;
	held->active = 1;
	if (held->leg == MB_LEG_RESPONSES)
		__sync_fetch_and_add(&state->active[MB_LEG_RESPONSES], 1);
	else
		__sync_fetch_and_add(&state->active[MB_LEG_REQUESTS], 1);
}

static __always_inline void mb_deactivate(struct mb_socket *held, struct mb_model_state *state)
{
	if (!held->active)
		return;
	held->active = 0;
	if (held->leg == MB_LEG_RESPONSES)
		__sync_fetch_and_sub(&state->active[MB_LEG_RESPONSES], 1);
	else
		__sync_fetch_and_sub(&state->active[MB_LEG_REQUESTS], 1);
}

/* Puts the socket under the entry of held->model; what is to be applied, mb_apply() does. */
static __always_inline void mb_enlist(struct mb_socket *held, struct mb_model_state *state)
{
	if (held->flags & MB_SOCKET_TAGGED)
		return;
	held->flags |= MB_SOCKET_TAGGED;
	held->version = 0;
	__sync_fetch_and_add(&state->tagged, 1);
}

static __always_inline void mb_delist(struct mb_socket *held, struct mb_model_state *state)
{
	mb_deactivate(held, state);
	if (!(held->flags & MB_SOCKET_TAGGED))
		return;
	held->flags &= ~(MB_SOCKET_TAGGED | MB_SOCKET_BROKER);
	__sync_fetch_and_sub(&state->tagged, 1);
}

#endif /* MODELBROKER_SOCKET_BPF_H */
