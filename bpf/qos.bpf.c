// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Per-model QoS at the socket; part of the object of capture.bpf.c, whose maps
 * it shares.
 *
 *   mb_setsockopt    on the broker's cgroup: MB_SO_MODEL tags a socket, and the
 *                    model's entry is applied to it at once
 *   mb_sock_release  on the captured cgroup: what a closed socket still holds,
 *                    because its connect() failed before it began
 *   mb_reapply       iter/tcp: brings all sockets of the reader's network
 *                    namespace to the entries in force; reading its pin runs it
 */
#include "lib/base.bpf.h"
#include "lib/tag.bpf.h"

/* Of the kernel's own types only the fields that are used; relocated to the running kernel's. */
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct in6_addr_words {
	__u32 words[4];
};

struct sock_common {
	unsigned short skc_family;
	struct in6_addr_words skc_v6_daddr;
} __attribute__((preserve_access_index));

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
} __attribute__((preserve_access_index));

SEC("cgroup/setsockopt")
int mb_setsockopt(struct bpf_sockopt *ctx)
{
	if (ctx->level == MB_SOL_MODELBROKER && ctx->optname == MB_SO_MODEL)
		return mb_tag_set(ctx);
	if (ctx->optlen > MB_SOCKOPT_PAGE)
		ctx->optlen = 0; /* longer than the kernel shows us: it takes the caller's own */
	return MB_SOCKOPT_GO_ON;
}

/* TCP_CLOSE is stored after STATE_CB has run, so what is closed here has had its callback, or will never have one. */
SEC("cgroup/sock_release")
int mb_sock_release(struct bpf_sock *sk)
{
	struct mb_socket *held;

	if (sk->state != BPF_TCP_CLOSE)
		return 1;
	held = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	if (held && held->flags)
		mb_let_go(held);
	return 1;
}

static __always_inline __u32 mb_marking_common(const struct sock_common *skc)
{
	__u32 words[3];

	if (skc->skc_family != MB_AF_INET6)
		return skc->skc_family;
	bpf_core_read(words, sizeof(words), &skc->skc_v6_daddr);
	return mb_marking(MB_AF_INET6, mb_is_mapped(words[0], words[1], words[2]));
}

/* The iterator holds the socket's lock. Each socket that changed makes one byte of output. */
SEC("iter/tcp")
int mb_reapply(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct mb_socket *held;
	struct tcp_sock *tcp;
	char mark = '.';
	int watch;

	if (!skc)
		return 0;
	tcp = bpf_skc_to_tcp_sock(skc);
	if (!tcp)
		return 0;
	held = bpf_sk_storage_get(&sockets, tcp, NULL, 0);
	if (!held || !(held->flags & MB_SOCKET_TAGGED))
		return 0;
	if (!mb_apply(tcp, held, mb_marking_common(skc), &watch))
		return 0;
	if (watch)
		mb_watch_socket(tcp, watch);
	bpf_seq_write(ctx->meta->seq, &mark, sizeof(mark));
	return 0;
}
