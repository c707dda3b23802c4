/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What becomes of a connect(): the part that both families share. */
#ifndef MODELBROKER_VERDICT_BPF_H
#define MODELBROKER_VERDICT_BPF_H

#include "count.bpf.h"
#include "event.bpf.h"
#include "origin.bpf.h"
#include "rules.bpf.h"
#include "settings.bpf.h"
#include "workload.bpf.h"

/* Return values of a connect program. */
#define MB_CONNECT_REJECT 0
#define MB_CONNECT_ALLOW 1

/*
 * Before 5.18 there is no bpf_set_retval(): the caller then sees EPERM instead
 * of ECONNREFUSED.
 */
static __always_inline int mb_refuse(void)
{
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_set_retval) ||
	    bpf_set_retval(-MB_ECONNREFUSED))
		mb_count(MB_COUNT_RETVAL_FAILED);
	return MB_CONNECT_REJECT;
}

static __always_inline int mb_deny(const struct mb_origin *origin)
{
	mb_count(MB_COUNT_DENIED);
	mb_count_rule(origin->rule, MB_OUTCOME_DENIED);
	mb_event_send(MB_EVENT_DENIED, origin);
	return mb_refuse();
}

/* No way to the proxy: what the rule says. */
static __always_inline int mb_proxy_down(const struct mb_origin *origin, const struct mb_rule *rule)
{
	if (rule->when_down == MB_DOWN_REFUSE) {
		mb_count(MB_COUNT_REFUSED);
		mb_count_rule(origin->rule, MB_OUTCOME_REFUSED);
		mb_event_send(MB_EVENT_REFUSED, origin);
		return mb_refuse();
	}
	mb_count(MB_COUNT_DIRECT);
	mb_count_rule(origin->rule, MB_OUTCOME_DIRECT);
	mb_event_send(MB_EVENT_DIRECT, origin);
	return MB_CONNECT_ALLOW;
}

/* The target for a caller of this family and namespace, or NULL, counted. */
static __always_inline struct mb_target *mb_target_find(struct mb_settings *set,
							 const struct mb_origin *origin)
{
	__u32 slot = origin->family == MB_AF_INET ? MB_LISTENER_HOST4 : MB_LISTENER_HOST6;

	if (origin->flags & MB_ORIGIN_FOREIGN_NETNS)
		slot += MB_LISTENER_POD4;
	if (slot >= MB_LISTENER_COUNT || !set->targets[slot].configured) {
		mb_count(MB_COUNT_NO_TARGET);
		return NULL;
	}
	if (!mb_listener_alive(slot)) {
		mb_count(MB_COUNT_LISTENER_MISSING);
		return NULL;
	}
	return &set->targets[slot];
}

/* Leaves the record in the caller's socket for sockops and getpeername. */
static __always_inline int mb_origin_keep(struct bpf_sock_addr *ctx, const struct mb_origin *origin)
{
	struct bpf_sock *sk = ctx->sk;
	struct mb_origin *kept;

	if (!sk)
		return 0;
	kept = bpf_sk_storage_get(&origins, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!kept)
		return 0;
	__builtin_memcpy(kept, origin, sizeof(*kept));
	return 1;
}

/* A connect that is not captured must not find the record of an earlier one. */
static __always_inline void mb_origin_forget(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (sk)
		bpf_sk_storage_delete(&origins, sk);
}

/*
 * `origin` comes with family, addr, port_be and flags of the address dialled
 * and `rule` is what matched it, or NULL. Sets *target when the destination is
 * to be rewritten; returns the program's return value.
 */
static __always_inline int mb_judge(struct bpf_sock_addr *ctx, struct mb_settings *set,
				    struct mb_rule *rule, struct mb_origin *origin,
				    struct mb_target **target)
{
	struct mb_target *found;

	if (!rule) {
		mb_count(MB_COUNT_UNMATCHED);
		return MB_CONNECT_ALLOW;
	}
	if (mb_identify(origin)) {
		mb_count(MB_COUNT_EXEMPT);
		return MB_CONNECT_ALLOW;
	}
	origin->rule = rule->id;
	mb_origin_caller(ctx, origin);
	if (origin->netns_cookie != set->host_netns_cookie)
		origin->flags |= MB_ORIGIN_FOREIGN_NETNS;
	if (rule->path == MB_PATH_DENY)
		return mb_deny(origin);
	found = mb_target_find(set, origin);
	if (!found)
		return mb_proxy_down(origin, rule);
	if (!mb_origin_keep(ctx, origin)) {
		mb_count(MB_COUNT_STORAGE_FAILED);
		return mb_proxy_down(origin, rule);
	}
	mb_count(MB_COUNT_CAPTURED);
	mb_count_rule(origin->rule, MB_OUTCOME_CAPTURED);
	*target = found;
	return MB_CONNECT_ALLOW;
}

#endif /* MODELBROKER_VERDICT_BPF_H */
