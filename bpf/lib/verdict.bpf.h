/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What becomes of a connect(): the part that both families share. */
#ifndef MODELBROKER_VERDICT_BPF_H
#define MODELBROKER_VERDICT_BPF_H

#include "count.bpf.h"
#include "endpoint.bpf.h"
#include "event.bpf.h"
#include "limit.bpf.h"
#include "origin.bpf.h"
#include "rules.bpf.h"
#include "settings.bpf.h"
#include "workload.bpf.h"

/* Return values of a connect program. */
#define MB_CONNECT_REJECT 0
#define MB_CONNECT_ALLOW 1

/* Before 5.18 there is no bpf_set_retval(): the caller then sees EPERM instead of the errno. */
static __always_inline int mb_refuse(int error)
{
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_set_retval) || bpf_set_retval(-error))
		mb_count(MB_COUNT_RETVAL_FAILED);
	return MB_CONNECT_REJECT;
}

static __always_inline int mb_deny(const struct mb_origin *origin)
{
	mb_count(MB_COUNT_DENIED);
	mb_count_rule(origin->rule, MB_OUTCOME_DENIED);
	mb_event_send(MB_EVENT_DENIED, origin);
	return mb_refuse(MB_ECONNREFUSED);
}

/* No way to the proxy, or to an endpoint: what the rule says. */
static __always_inline int mb_proxy_down(const struct mb_origin *origin, const struct mb_rule *rule)
{
	__u16 reason = origin->flags & MB_ORIGIN_DIRECT ? MB_REASON_NO_ENDPOINT : 0;

	if (rule->when_down == MB_DOWN_REFUSE) {
		mb_count(MB_COUNT_REFUSED);
		mb_count_rule(origin->rule, MB_OUTCOME_REFUSED);
		if (reason)
			mb_refusal_count(origin, reason);
		mb_event_reason(reason ? MB_EVENT_LIMITED : MB_EVENT_REFUSED, origin, reason, 0);
		return mb_refuse(MB_ECONNREFUSED);
	}
	mb_count(MB_COUNT_DIRECT);
	mb_count_rule(origin->rule, MB_OUTCOME_DIRECT);
	mb_event_reason(reason ? MB_EVENT_LIMITED : MB_EVENT_DIRECT, origin, reason, reason != 0);
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

static __always_inline int mb_to_proxy(struct bpf_sock_addr *ctx, struct mb_settings *set,
				       const struct mb_rule *rule, struct mb_origin *origin,
				       struct mb_aim *aim)
{
	struct mb_target *target = mb_target_find(set, origin);

	if (!target)
		return mb_proxy_down(origin, rule);
	if (mb_origins_are_full(origin->time_ns)) {
		mb_count(MB_COUNT_ORIGIN_FULL);
		return mb_proxy_down(origin, rule);
	}
	if (!mb_origin_keep(ctx, origin)) {
		mb_count(MB_COUNT_STORAGE_FAILED);
		return mb_proxy_down(origin, rule);
	}
	mb_count(MB_COUNT_CAPTURED);
	mb_count_rule(origin->rule, MB_OUTCOME_CAPTURED);
	__builtin_memcpy(aim->addr_be, target->addr_be, sizeof(aim->addr_be));
	aim->port_be = target->port_be;
	aim->family = origin->family;
	return MB_CONNECT_ALLOW;
}

static __always_inline int mb_to_endpoint(struct bpf_sock_addr *ctx, const struct mb_rule *rule,
					  struct mb_origin *origin, struct mb_aim *aim)
{
	int picked = 0;

	if (origin->model) {
		origin->flags |= MB_ORIGIN_DIRECT;
		picked = mb_direct_pick(ctx, origin, aim);
	}
	if (!mb_origin_keep(ctx, origin)) {
		mb_count(MB_COUNT_STORAGE_FAILED);
		if (picked)
			mb_direct_drop(origin->endpoint);
		origin->endpoint = 0;
		aim->family = 0;
		return mb_proxy_down(origin, rule);
	}
	if (!picked) {
		mb_count(MB_COUNT_ENDPOINT_NONE);
		return mb_proxy_down(origin, rule);
	}
	mb_count(MB_COUNT_ENDPOINT_PICKED);
	mb_count_rule(origin->rule, MB_OUTCOME_CAPTURED);
	return MB_CONNECT_ALLOW;
}

/* With a place taken for the model: the socket holds it from here on, unless the connect goes nowhere. */
static __always_inline int mb_settle(struct bpf_sock_addr *ctx, const struct mb_rule *rule,
				     struct mb_origin *origin, struct mb_aim *aim, int verdict)
{
	if (verdict == MB_CONNECT_ALLOW) {
		if (mb_hold(ctx, origin))
			return verdict;
		mb_count(MB_COUNT_SOCKET_FAILED);
		aim->family = 0;
		verdict = mb_proxy_down(origin, rule);
		if (origin->endpoint)
			mb_direct_drop(origin->endpoint);
	}
	mb_place_give(origin->model);
	return verdict;
}

/* Is there a record in the socket that this connect has use for? The address dialled may itself be an engine's. */
static __always_inline int mb_origin_is_wanted(const struct mb_origin *origin, const struct mb_aim *aim, int verdict)
{
	return verdict == MB_CONNECT_ALLOW && (aim->family || origin->flags & MB_ORIGIN_DIRECT);
}

/*
 * `origin` comes with family, addr, port_be and flags of the address dialled
 * and `rule` is what matched it, or NULL. Sets *aim when the destination is to
 * be rewritten; returns the program's return value.
 */
static __always_inline int mb_judge(struct bpf_sock_addr *ctx, struct mb_settings *set,
				    struct mb_rule *rule, struct mb_origin *origin, struct mb_aim *aim)
{
	__u32 workload;
	int result;

	if (!rule) {
		mb_count(MB_COUNT_UNMATCHED);
		return MB_CONNECT_ALLOW;
	}
	workload = mb_identify(origin);
	if (workload & MB_WORKLOAD_EXEMPT) {
		mb_count(MB_COUNT_EXEMPT);
		return MB_CONNECT_ALLOW;
	}
	origin->rule = rule->id;
	mb_origin_caller(ctx, origin);
	if (origin->netns_cookie != set->host_netns_cookie)
		origin->flags |= MB_ORIGIN_FOREIGN_NETNS;
	if (rule->path == MB_PATH_DENY)
		return mb_deny(origin);
	if (rule->model) {
		result = mb_admit(origin, rule->model, workload, rule->path == MB_PATH_DIRECT);
		if (result)
			return mb_refuse(result);
	}
	if (rule->path == MB_PATH_DIRECT)
		result = mb_to_endpoint(ctx, rule, origin, aim);
	else
		result = mb_to_proxy(ctx, set, rule, origin, aim);
	return origin->model ? mb_settle(ctx, rule, origin, aim, result) : result;
}

#endif /* MODELBROKER_VERDICT_BPF_H */
