/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The key of `flow_origins`: a connection as the proxy's accepted socket sees
 * it. The caller's own socket sees the same connection mirrored; v4-mapped
 * addresses come out as AF_INET on both sides.
 */
#ifndef MODELBROKER_TUPLE_BPF_H
#define MODELBROKER_TUPLE_BPF_H

#include "base.bpf.h"

struct mb_ends {
	__u32 near_be[4];
	__u32 far_be[4];
	__u16 near_port_be;
	__u16 far_port_be;
	__u32 family;
};

/*
 * remote_port is in network order within 32 bits, local_port in host order. The
 * v4 fields are read first and as volatile: merged with the reads of the v6
 * fields they would need a computed context pointer, which the verifier refuses.
 */
static __always_inline void mb_ends_read(struct bpf_sock_ops *ops, struct mb_ends *ends)
{
	__u32 near4 = *(volatile __u32 *)&ops->local_ip4;
	__u32 far4 = *(volatile __u32 *)&ops->remote_ip4;

	ends->near_port_be = bpf_htons((__u16)ops->local_port);
	ends->far_port_be = bpf_htons((__u16)bpf_ntohl(ops->remote_port));
	ends->family = MB_AF_INET;
	ends->near_be[0] = near4;
	ends->far_be[0] = far4;
	if (ops->family != MB_AF_INET6)
		return;
	ends->far_be[0] = ops->remote_ip6[0];
	ends->far_be[1] = ops->remote_ip6[1];
	ends->far_be[2] = ops->remote_ip6[2];
	ends->far_be[3] = ops->remote_ip6[3];
	if (mb_is_mapped(ends->far_be[0], ends->far_be[1], ends->far_be[2])) {
		ends->far_be[0] = far4;
		ends->far_be[1] = ends->far_be[2] = ends->far_be[3] = 0;
		return;
	}
	ends->family = MB_AF_INET6;
	ends->near_be[0] = ops->local_ip6[0];
	ends->near_be[1] = ops->local_ip6[1];
	ends->near_be[2] = ops->local_ip6[2];
	ends->near_be[3] = ops->local_ip6[3];
}

/* Key from the caller's socket. */
static __always_inline void mb_tuple_active(struct bpf_sock_ops *ops, struct mb_tuple *key)
{
	struct mb_ends ends = {};

	mb_ends_read(ops, &ends);
	__builtin_memcpy(key->remote_be, ends.near_be, sizeof(key->remote_be));
	__builtin_memcpy(key->local_be, ends.far_be, sizeof(key->local_be));
	key->remote_port_be = ends.near_port_be;
	key->local_port_be = ends.far_port_be;
	key->family = ends.family;
}

/* Key from the proxy's accepted socket. */
static __always_inline void mb_tuple_passive(struct bpf_sock_ops *ops, struct mb_tuple *key)
{
	struct mb_ends ends = {};

	mb_ends_read(ops, &ends);
	__builtin_memcpy(key->remote_be, ends.far_be, sizeof(key->remote_be));
	__builtin_memcpy(key->local_be, ends.near_be, sizeof(key->local_be));
	key->remote_port_be = ends.far_port_be;
	key->local_port_be = ends.near_port_be;
	key->family = ends.family;
}

/*
 * The same key from the proxy's socket in a sockopt program; the local port is in host order there, too. Volatile for the
 * reason given at mb_ends_read().
 */
static __always_inline void mb_tuple_accepted(struct bpf_sock *sk, struct mb_tuple *key)
{
	__u32 near4 = *(volatile __u32 *)&sk->src_ip4;
	__u32 far4 = *(volatile __u32 *)&sk->dst_ip4;
	__u32 far[4] = { sk->dst_ip6[0], sk->dst_ip6[1], sk->dst_ip6[2], sk->dst_ip6[3] };

	key->remote_port_be = sk->dst_port;
	key->local_port_be = bpf_htons((__u16)sk->src_port);
	key->family = MB_AF_INET;
	key->remote_be[0] = far4;
	key->local_be[0] = near4;
	if (sk->family != MB_AF_INET6 || mb_is_mapped(far[0], far[1], far[2]))
		return;
	key->family = MB_AF_INET6;
	__builtin_memcpy(key->remote_be, far, sizeof(far));
	key->local_be[0] = sk->src_ip6[0];
	key->local_be[1] = sk->src_ip6[1];
	key->local_be[2] = sk->src_ip6[2];
	key->local_be[3] = sk->src_ip6[3];
}

#endif /* MODELBROKER_TUPLE_BPF_H */
