// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Meters of the path direct; part of the object of capture.bpf.c, whose maps it
 * shares.
 *
 *   mb_meter_egress   on the captured cgroup: requests and what is sent
 *   mb_meter_ingress  responses and what is received
 *
 * Both only look, and always let the packet pass. Counted, for each model and
 * client:
 *   bytes      TCP payload, every byte once, by its sequence number: sent when it
 *              first leaves, received when it first comes
 *   requests   a request line, when its end (or 48 bytes of it) has left
 *   responses  a final status line, likewise; interim ones (1xx) are in their
 *              status class only, except 101, which ends the reading of HTTP
 *   first byte from the request's first byte leaving to the final response's
 *              first byte arriving, for up to eight requests under way at once
 * Messages are told apart by their framing (content-length, chunks, HEAD, 204,
 * 304, CONNECT), so neither what bodies contain nor pipelining misleads them. A
 * response without framing lasts until the connection closes or, should the
 * caller think otherwise, until the next request. Segments out of order inside
 * a body do no harm; where a head is concerned the direction is given up until
 * the next exchange and the connection counted as unfollowed, as is one that
 * does not speak HTTP/1 from the start; its bytes still count.
 */
#include "lib/base.bpf.h"
#include "lib/http.bpf.h"

#define MB_METER_PASS 1
#define MB_READING_TRIES 512 /* for some microseconds: another CPU reads one segment meanwhile */
#define MB_TCP_SYN 0x02
#define MB_TCP_HEAD 20
#define MB_IP4_HEAD 20
#define MB_IP6_HEAD 40
#define MB_IP6_EXTENSIONS 3

struct mb_segment {
	__u32 seq; /* of the first byte of payload */
	__u32 bytes; /* of payload */
	__u32 offset; /* of the payload in the skb */
	__u32 syn;
};

/* Offset of the TCP header; 0: there is none in reach. */
static __always_inline __u32 mb_transport(const mb_u8 *ip, const mb_u8 *end)
{
	__u32 offset = MB_IP6_HEAD;
	mb_u8 next;

	if (ip + MB_IP4_HEAD > end)
		return 0;
	if (ip[0] >> 4 == 4)
		return ip[9] == MB_IPPROTO_TCP ? (ip[0] & 15) * 4 : 0;
	if (ip + MB_IP6_HEAD > end)
		return 0;
	next = ip[6];
	/* Hop-by-hop, routing and destination options. */
	for (int i = 0; i < MB_IP6_EXTENSIONS && (next == 0 || next == 43 || next == 60); i++) {
		if (offset > 1024 || ip + offset + 2 > end)
			return 0;
		next = ip[offset];
		offset += (ip[offset + 1] + 1) * 8;
	}
	return next == MB_IPPROTO_TCP ? offset : 0;
}

/* 0: not a segment that says anything. */
static __always_inline int mb_segment_read(struct __sk_buff *skb, struct mb_segment *segment)
{
	const mb_u8 *ip = (void *)(long)skb->data, *end = (void *)(long)skb->data_end, *tcp;
	__u32 transport = mb_transport(ip, end);

	if (!transport || transport > 4096)
		return 0;
	tcp = ip + transport;
	if (tcp + MB_TCP_HEAD > end)
		return 0;
	segment->syn = tcp[13] & MB_TCP_SYN;
	segment->seq = bpf_ntohl(*(const __u32 *)(tcp + 4)) + (segment->syn ? 1 : 0);
	segment->offset = transport + (tcp[12] >> 4) * 4;
	segment->bytes = skb->len > segment->offset ? skb->len - segment->offset : 0;
	return segment->bytes || segment->syn;
}

/* After trouble: is this where the next exchange begins? Nothing of this side is on its way then. */
static __always_inline int mb_is_next_exchange(const struct mb_meter_flow *flow, const struct mb_http_side *side,
					       __u32 seq, int response)
{
	if (side->phase != MB_HTTP_ADRIFT && !(side->flags & MB_HTTP_HOLE))
		return 0;
	if (seq != side->high || mb_other_side(flow, response) == side->mark)
		return 0;
	return response || flow->requests == flow->answered;
}

/* All that was seen beyond the hole was seen without being read: that is well only within a body. */
static __always_inline void mb_leap(struct mb_http *http, struct mb_http_side *side, int response)
{
	__u32 bytes = side->high - side->next;

	side->flags &= ~MB_HTTP_HOLE;
	side->next = side->high;
	if (!bytes || side->phase == MB_HTTP_ADRIFT)
		return;
	if (side->phase != MB_HTTP_BODY || side->flags & MB_HTTP_LONG || side->left < bytes) {
		mb_lose(http, response);
		return;
	}
	side->left -= bytes;
	if (!side->left)
		mb_body_ended(side);
}

static __always_inline void mb_hole(struct mb_meter_flow *flow, struct mb_http_side *side, __u32 seq, int response)
{
	if (!(side->flags & MB_HTTP_HOLE)) {
		side->flags |= MB_HTTP_HOLE;
		side->mark = mb_other_side(flow, response);
		side->hole = seq;
	} else if ((__s32)(seq - side->hole) < 0) {
		side->hole = seq;
	}
}

static __always_inline void mb_meter_bytes(struct mb_meter *meter, struct mb_http_side *side, __u32 end, int response)
{
	__u32 fresh = end - side->high;

	if ((__s32)fresh <= 0)
		return;
	side->high = end;
	if (response)
		__sync_fetch_and_add(&meter->bytes_received, fresh);
	else
		__sync_fetch_and_add(&meter->bytes_sent, fresh);
}

static __always_inline void mb_meter_payload(struct mb_http *http, const struct mb_segment *segment, int response)
{
	struct mb_meter_flow *flow = http->flow;
	struct mb_http_side *side = mb_side(flow, response);
	__u32 end = segment->seq + segment->bytes, known;
	int next = mb_is_next_exchange(flow, side, segment->seq, response);

	mb_meter_bytes(http->meter, side, end, response);
	if (flow->flags & MB_METER_OPAQUE)
		return;
	if (next) {
		side->phase = MB_HTTP_FIRST;
		side->flags = MB_HTTP_SYNCED | MB_HTTP_RESYNC;
		side->held = 0;
		side->next = segment->seq;
	}
	if (side->phase == MB_HTTP_ADRIFT)
		return;
	known = side->next - segment->seq;
	if ((__s32)known < 0) {
		mb_hole(flow, side, segment->seq, response);
		return;
	}
	if (known >= segment->bytes)
		return;
	http->at = segment->offset + known;
	http->end = segment->offset + segment->bytes;
	mb_http_read(http, response);
	side->next = end;
	if (side->flags & MB_HTTP_HOLE && (__s32)(end - side->hole) >= 0)
		mb_leap(http, side, response);
}

static __always_inline void mb_meter_segment(struct __sk_buff *skb, struct mb_meter_flow *flow, int response)
{
	struct mb_http http = { .skb = skb, .flow = flow };
	struct mb_http_side *side = mb_side(flow, response);
	struct mb_segment segment = {};

	if (!mb_segment_read(skb, &segment))
		return;
	if (segment.syn && !(side->flags & MB_HTTP_SYNCED)) {
		side->flags |= MB_HTTP_SYNCED;
		side->next = side->high = segment.seq;
	}
	if (!segment.bytes || !(side->flags & MB_HTTP_SYNCED))
		return;
	http.meter = bpf_map_lookup_elem(&meters, &flow->key);
	if (http.meter)
		mb_meter_payload(&http, &segment, response);
}

static __always_inline struct mb_meter_flow *mb_meter_flow_of(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk ? bpf_sk_storage_get(&meter_flows, sk, NULL, 0) : NULL;
}

/* Segments of one socket leave one after another: the sender holds the socket's lock. */
SEC("cgroup_skb/egress")
int mb_meter_egress(struct __sk_buff *skb)
{
	struct mb_meter_flow *flow = mb_meter_flow_of(skb);

	if (flow)
		mb_meter_segment(skb, flow, 0);
	return MB_METER_PASS;
}

/*
 * Segments arrive here before the socket's lock is taken, so two CPUs may have
 * one each. They take turns; whichever is too late for that leaves a hole, which
 * is filled, or given up at the next exchange.
 */
SEC("cgroup_skb/ingress")
int mb_meter_ingress(struct __sk_buff *skb)
{
	struct mb_meter_flow *flow = mb_meter_flow_of(skb);

	if (!flow)
		return MB_METER_PASS;
	for (int i = 0; i < MB_READING_TRIES; i++) {
		if (__sync_val_compare_and_swap(&flow->reading, 0, 1))
			continue;
		mb_meter_segment(skb, flow, 1);
		__sync_lock_test_and_set(&flow->reading, 0);
		break;
	}
	return MB_METER_PASS;
}
