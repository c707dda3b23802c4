/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Path direct: which endpoint of a model a connect goes to. */
#ifndef MODELBROKER_ENDPOINT_BPF_H
#define MODELBROKER_ENDPOINT_BPF_H

#include "base.bpf.h"
#include "socket.bpf.h"

/*
 * The endpoint for this connect in *aim and its slot of endpoint_state in
 * origin->endpoint, counted as open; 0: none is usable. Called with the model's
 * limits already passed; rule->model is not 0.
 */
static __always_inline int mb_direct_pick(struct bpf_sock_addr *ctx, const struct mb_rule *rule,
					  struct mb_origin *origin, struct mb_aim *aim)
{
	(void)ctx;
	(void)rule;
	(void)origin;
	(void)aim;
	return 0;
}

/* The connection that mb_direct_pick() counted there is over, or never began. */
static __always_inline void mb_direct_drop(__u32 endpoint)
{
	(void)endpoint;
}

/* It was established (failed = 0), or was given up before that. */
static __always_inline void mb_direct_outcome(__u32 endpoint, int failed)
{
	(void)endpoint;
	(void)failed;
}

#endif /* MODELBROKER_ENDPOINT_BPF_H */
