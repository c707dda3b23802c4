/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The origin record and the two places that hold it: the socket itself (the
 * caller's, later the proxy's accepted one) and, while the connection is on
 * its way between the two, `flow_origins` under the connection's tuple.
 */
#ifndef MODELBROKER_ORIGIN_BPF_H
#define MODELBROKER_ORIGIN_BPF_H

#include "base.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mb_origin);
} origins SEC(".maps");

/*
 * An entry goes when the proxy takes it, or with the caller's socket before the
 * connection is established, or with the proxy's after. Not preallocated: a
 * free list of so many would hand out another cold entry each time.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MB_MAX_FLOW_ORIGINS);
	__type(key, struct mb_tuple);
	__type(value, struct mb_flow);
} flow_origins SEC(".maps");

/*
 * When `flow_origins` last took no entry. The connection that met it has its
 * SYN on the way and is lost; for a while those after it go as if there were no
 * proxy, and then one tries again.
 */
static volatile __u64 mb_origins_full_ns;

#define MB_ORIGINS_PAUSE_NS (100 * 1000 * 1000ULL)

static __always_inline int mb_origins_are_full(__u64 now)
{
	return now - mb_origins_full_ns < MB_ORIGINS_PAUSE_NS;
}

/* The caller's half of the record; destination, rule and workload are filled in by others. */
static __always_inline void mb_origin_caller(struct bpf_sock_addr *ctx, struct mb_origin *origin)
{
	origin->pid = bpf_get_current_pid_tgid() >> 32;
	origin->uid = (__u32)bpf_get_current_uid_gid();
	origin->cgroup = bpf_get_current_cgroup_id();
	origin->netns_cookie = bpf_get_netns_cookie(ctx);
	origin->socket_cookie = bpf_get_socket_cookie(ctx);
	origin->time_ns = bpf_ktime_get_ns();
	bpf_get_current_comm(origin->comm, sizeof(origin->comm));
}

/*
 * The socket's own origin: of the connection that it made itself. The proxy's
 * accepted sockets hold a record too, but that bears the cookie of another
 * socket, and their peer is not to be disguised.
 */
static __always_inline struct mb_origin *mb_origin_own(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct mb_origin *origin;

	if (!sk)
		return NULL;
	origin = bpf_sk_storage_get(&origins, sk, NULL, 0);
	if (!origin || origin->socket_cookie != bpf_get_socket_cookie(ctx))
		return NULL;
	return origin;
}

#endif /* MODELBROKER_ORIGIN_BPF_H */
