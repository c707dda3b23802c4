/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What every program needs: the kernel's context structures (UAPI, so no
 * vmlinux.h), the helpers, the shared ABI and a few constants whose headers
 * cannot be included for the BPF target.
 */
#ifndef MODELBROKER_BASE_BPF_H
#define MODELBROKER_BASE_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>

#include "../include/broker_abi.h"

#define MB_SOCK_STREAM 1
#define MB_IPPROTO_TCP 6
#define MB_ENOENT 2
#define MB_EAGAIN 11
#define MB_ENOMEM 12
#define MB_EINVAL 22
#define MB_ECONNREFUSED 111

#define MB_SOL_IP 0
#define MB_SOL_IPV6 41
#define MB_SO_ORIGINAL_DST 80 /* IP6T_SO_ORIGINAL_DST has the same number */

#define MB_LOOPBACK_BE bpf_htonl(0x7f000001)
#define MB_MAPPED_BE bpf_htonl(0xffff) /* third word of ::ffff:0:0/96 */

/* Where a connect() goes instead; family 0: where it was going. */
struct mb_aim {
	__u32 addr_be[4]; /* v4 in [0] */
	__u16 port_be;
	__u16 family;
};

/* True for ::ffff:a.b.c.d, given the first three words of the address. */
static __always_inline int mb_is_mapped(__u32 w0, __u32 w1, __u32 w2)
{
	return w0 == 0 && w1 == 0 && w2 == MB_MAPPED_BE;
}

#endif /* MODELBROKER_BASE_BPF_H */
