/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A model's entry on a socket: marks (DSCP, priority, unsent limit) once for
 * each version of the entry, the pacing rate whenever its share has changed.
 *
 * `at` is what bpf_setsockopt() takes here: a sockops context, or the socket.
 * Callers hold the socket's lock.
 */
#ifndef MODELBROKER_APPLY_BPF_H
#define MODELBROKER_APPLY_BPF_H

#include "hold.bpf.h"
#include "settings.bpf.h"

#define MB_SOL_SOCKET 1
#define MB_SO_PRIORITY 12
#define MB_SO_MAX_PACING_RATE 47
#define MB_SOL_TCP 6
#define MB_TCP_NOTSENT_LOWAT 25
#define MB_TCP_BPF_SOCK_OPS_CB_FLAGS 1008 /* 6.12 */
#define MB_IP_TOS 1
#define MB_IPV6_TCLASS 67

#define MB_PACING_MOST 0xfffffffeull /* the option has 32 bits here, and all of them set is no limit */
#define MB_PACING_NONE 0xffffffffu

#define MB_CALLBACKS (BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG)

extern int LINUX_KERNEL_VERSION __kconfig;

/* Can callbacks be asked for outside of a sockops program? */
static __always_inline int mb_has_callback_option(void)
{
	return LINUX_KERNEL_VERSION >= ((6 << 16) | (12 << 8));
}

/* How a socket marks its packets. v6 sockets with a v4-mapped peer send IPv4, whose TOS programs cannot set. */
static __always_inline __u32 mb_marking(__u32 family, int mapped)
{
	return family == MB_AF_INET6 && mapped ? 0 : family;
}

static __always_inline void mb_option(void *at, struct mb_model_state *state, int level, int name, int value)
{
	if (!bpf_setsockopt(at, level, name, &value, sizeof(value)))
		return;
	mb_count(MB_COUNT_APPLY_FAILED);
	if (state)
		__sync_fetch_and_add(&state->apply_failed, 1);
}

static __always_inline void mb_apply_tos(void *at, struct mb_model_state *state, __u32 marking, int tos)
{
	if (marking == MB_AF_INET) {
		mb_option(at, state, MB_SOL_IP, MB_IP_TOS, tos);
	} else if (marking == MB_AF_INET6) {
		mb_option(at, state, MB_SOL_IPV6, MB_IPV6_TCLASS, tos);
	} else {
		mb_count(MB_COUNT_APPLY_FAILED);
		if (state)
			__sync_fetch_and_add(&state->apply_failed, 1);
	}
}

/* Setting the TOS resets the priority, which nobody has asked for. */
static __always_inline void mb_apply_tos_alone(void *at, struct mb_model_state *state, __u32 marking, int tos)
{
	int priority = 0;
	int known = !bpf_getsockopt(at, MB_SOL_SOCKET, MB_SO_PRIORITY, &priority, sizeof(priority));

	mb_apply_tos(at, state, marking, tos);
	if (known)
		mb_option(at, state, MB_SOL_SOCKET, MB_SO_PRIORITY, priority);
}

/* Which of the options an entry has a say in. */
static __always_inline __u8 mb_marks_of(const struct mb_qos *qos)
{
	__u8 marks = 0;

	if (qos->mode == MB_MODE_OBSERVE)
		return 0;
	if (qos->fields & MB_QOS_DSCP)
		marks |= MB_APPLIED_TOS;
	if (qos->fields & MB_QOS_PRIORITY || qos->sk_priority)
		marks |= MB_APPLIED_PRIORITY;
	if (qos->notsent_lowat)
		marks |= MB_APPLIED_LOWAT;
	return marks;
}

/*
 * What the entry says, and 0 for what an earlier one had set and this one does
 * not; the rest is the application's. TOS first: it resets the priority.
 */
static __always_inline void mb_apply_marks(void *at, struct mb_socket *held, struct mb_model_state *state,
					   const struct mb_qos *qos, __u32 marking)
{
	__u8 wanted = qos ? mb_marks_of(qos) : 0;
	__u8 touched = wanted | held->applied;

	int tos = wanted & MB_APPLIED_TOS ? qos->dscp << 2 : 0;

	if (touched & MB_APPLIED_TOS && touched & MB_APPLIED_PRIORITY)
		mb_apply_tos(at, state, marking, tos);
	else if (touched & MB_APPLIED_TOS)
		mb_apply_tos_alone(at, state, marking, tos);
	if (touched & MB_APPLIED_PRIORITY)
		mb_option(at, state, MB_SOL_SOCKET, MB_SO_PRIORITY,
			  wanted & MB_APPLIED_PRIORITY ? (int)qos->sk_priority : 0);
	if (touched & MB_APPLIED_LOWAT)
		mb_option(at, state, MB_SOL_TCP, MB_TCP_NOTSENT_LOWAT,
			  wanted & MB_APPLIED_LOWAT ? (int)qos->notsent_lowat : 0);
	held->applied = wanted;
}

static __always_inline int mb_apply_pacing(void *at, struct mb_socket *held, struct mb_model_state *state,
					   mb_u64 share)
{
	__u32 rate = share ? (share > MB_PACING_MOST ? MB_PACING_MOST : share) : MB_PACING_NONE;

	if (held->pacing == share)
		return 0;
	mb_option(at, state, MB_SOL_SOCKET, MB_SO_MAX_PACING_RATE, (int)rate);
	held->pacing = share;
	return 1;
}

/* The socket leaves its model: what was changed goes back, what it counted for is given up. */
static __always_inline void mb_apply_nothing(void *at, struct mb_socket *held, __u32 marking)
{
	if (held->applied)
		mb_apply_marks(at, held, NULL, NULL, marking);
	mb_apply_pacing(at, held, NULL, 0);
	mb_let_go(held);
}

/*
 * Brings a tagged socket to its entry in force; true if that changed anything.
 * *watch becomes true when the socket's own callbacks are to keep it there: it
 * has a share that others' coming and going changes.
 */
static __always_inline int mb_apply(void *at, struct mb_socket *held, __u32 marking, int *watch)
{
	struct mb_model_state *state = mb_state_get(held->model);
	struct mb_model *model = mb_model_get(held->model);
	int changed = 0;
	mb_u64 version;
	struct mb_qos *qos;

	*watch = 0;
	if (!model || !state) {
		mb_apply_nothing(at, held, marking);
		return 1;
	}
	version = model->version;
	qos = mb_qos_of(model, version);
	*watch = mb_bandwidth(qos) != 0;
	if (held->version != version) {
		mb_apply_marks(at, held, state, qos, marking);
		held->version = version;
		changed = 1;
	}
	changed |= mb_apply_pacing(at, held, state, mb_share(qos, state, held->leg));
	if (changed) {
		__sync_fetch_and_add(&state->applied, 1);
		mb_count(MB_COUNT_APPLIED);
	}
	return changed;
}

/* Outside of sockops: has the socket's callbacks run. Before 6.12 they run for all of the broker's sockets. */
static __always_inline void mb_watch_socket(void *at, int rtt)
{
	int flags = 0, wanted;

	if (!mb_has_callback_option())
		return;
	if (bpf_getsockopt(at, MB_SOL_TCP, MB_TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags)))
		flags = 0;
	wanted = flags | BPF_SOCK_OPS_STATE_CB_FLAG | (rtt ? BPF_SOCK_OPS_RTT_CB_FLAG : 0);
	if (wanted != flags &&
	    bpf_setsockopt(at, MB_SOL_TCP, MB_TCP_BPF_SOCK_OPS_CB_FLAGS, &wanted, sizeof(wanted)))
		mb_count(MB_COUNT_APPLY_FAILED);
}

/* A connect() on a socket that made one before: nothing of that is left. A tag of the broker's stays. */
static __always_inline void mb_connects_anew(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct mb_socket *held;

	if (!sk)
		return;
	held = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	if (!held || held->flags & MB_SOCKET_BROKER)
		return;
	if (held->flags & MB_SOCKET_DIRECT)
		mb_meter_close(sk);
	if (held->flags)
		mb_let_go(held);
	if (held->applied | held->pacing)
		mb_apply_nothing(ctx, held, ctx->family);
}

/* In sockops. A socket of another network namespace is out of mb_reapply()'s reach, and is always watched. */
static __always_inline void mb_watch_here(struct bpf_sock_ops *ops, int rtt)
{
	struct mb_settings *set = mb_settings_get();
	__u32 flags = ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG;

	if (rtt || !mb_has_callback_option() || !set || bpf_get_netns_cookie(ops) != set->host_netns_cookie)
		flags |= BPF_SOCK_OPS_RTT_CB_FLAG;
	bpf_sock_ops_cb_flags_set(ops, flags);
}

#endif /* MODELBROKER_APPLY_BPF_H */
