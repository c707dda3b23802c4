/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Reads one direction of an HTTP/1 connection as its segments pass. All that
 * is looked at are lines: the first of a message, its fields, the sizes of
 * chunks; bodies are stepped over by their length, whatever they contain. A
 * line may be spread over any number of segments: its beginning waits at the
 * front of the side's window. What cannot be read (a malformed chunk, a head
 * out of order) sets the direction adrift until the next exchange begins.
 */
#ifndef MODELBROKER_HTTP_BPF_H
#define MODELBROKER_HTTP_BPF_H

#include "meter.bpf.h"

#define MB_HTTP_STEPS (1u << 16)
#define MB_HTTP_DIGITS 18 /* of a content-length: fits 64 bits */

struct mb_http {
	struct __sk_buff *skb;
	struct mb_meter_flow *flow;
	struct mb_meter *meter;
	__u32 at; /* offset in the skb of what follows the window's content */
	__u32 end; /* of the payload */
	__u32 line; /* where the line under way begins in the window */
	__u32 held; /* bytes in the window */
	mb_u64 feeds[2]; /* bit n: byte n of the window ends a line */
};

static __always_inline struct mb_http_side *mb_side(struct mb_meter_flow *flow, int response)
{
	return response ? &flow->sides[1] : &flow->sides[0];
}

static __always_inline void mb_unfollowed(struct mb_http *http)
{
	if (http->flow->flags & MB_METER_UNFOLLOWED)
		return;
	__sync_fetch_and_or(&http->flow->flags, MB_METER_UNFOLLOWED);
	__sync_fetch_and_add(&http->meter->unfollowed, 1);
}

static __always_inline __u32 mb_other_side(const struct mb_meter_flow *flow, int response)
{
	return response ? flow->requests : flow->answered;
}

static __always_inline void mb_drift(struct mb_http *http, int response)
{
	struct mb_http_side *side = mb_side(http->flow, response);

	side->phase = MB_HTTP_ADRIFT;
	side->mark = mb_other_side(http->flow, response);
}

static __always_inline void mb_lose(struct mb_http *http, int response)
{
	mb_unfollowed(http);
	mb_drift(http, response);
}

/* From here on it is not HTTP/1, in either direction. */
static __always_inline void mb_obscure(struct mb_http *http)
{
	__sync_fetch_and_or(&http->flow->flags, MB_METER_OPAQUE);
}

/* ---- The window ---- */

/* A byte of 1 for each byte of the word that is a line feed (exact: no carries between bytes). */
static __always_inline mb_u64 mb_feed_bytes(mb_u64 word)
{
	const mb_u64 low = 0x7f7f7f7f7f7f7f7full;

	word ^= 0x0a0a0a0a0a0a0a0aull;
	return (~(((word & low) + low) | word | low)) >> 7;
}

/* Bit n: byte n of these 64 is a line feed. */
static __always_inline mb_u64 mb_feeds64(const mb_u8 *bytes)
{
	mb_u64 mask = 0;

#pragma unroll
	for (int i = 0; i < 8; i++)
		mask |= mb_feed_bytes(*(const mb_u64 *)(bytes + 8 * i)) * 0x0102040810204080ull >> 56 << (8 * i);
	return mask;
}

static __always_inline void mb_feeds_find(struct mb_http *http, const struct mb_http_side *side)
{
	__u32 held = http->held;

	http->feeds[0] = mb_feeds64(side->window);
	http->feeds[1] = 0;
	if (held < 64)
		http->feeds[0] &= (1ull << held) - 1;
	if (held > 64)
		http->feeds[1] = mb_feeds64(side->window + 64);
	if (held > 64 && held < 128)
		http->feeds[1] &= (1ull << (held - 64)) - 1;
}

/* Index of the first line feed at or behind `from`; http->held: there is none. */
static __always_inline __u32 mb_feed_after(const struct mb_http *http, __u32 from)
{
	mb_u64 mask;

	if (from < 64) {
		mask = http->feeds[0] >> from;
		if (mask)
			return from + __builtin_ctzll(mask);
		from = 64;
	}
	mask = from < 128 ? http->feeds[1] >> (from - 64) : 0;
	return mask ? from + __builtin_ctzll(mask) : http->held;
}

/* The barrier keeps both bounds of the result in the register that the helper gets. */
static __always_inline __u32 mb_at_most(__u32 value, __u32 most)
{
	if (value > most)
		value = most;
	asm volatile("" : "+r"(value));
	return value <= most ? value : 0;
}

/* Fills the window from the skb, behind the `kept` bytes at its front. 0: nothing could be read. */
static __always_inline int mb_window_fill(struct mb_http *http, struct mb_http_side *side, __u32 kept)
{
	__u32 bytes = http->end - http->at;
	long error;

	if (kept) {
		kept &= 63;
		bytes = mb_at_most(bytes, MB_HTTP_WINDOW - MB_HTTP_LINE);
		if (!bytes || kept >= MB_HTTP_LINE)
			return 0;
		error = bpf_skb_load_bytes(http->skb, http->at, side->window + kept, bytes);
	} else {
		bytes = mb_at_most(bytes, MB_HTTP_WINDOW);
		if (!bytes)
			return 0;
		error = bpf_skb_load_bytes(http->skb, http->at, side->window, bytes);
	}
	if (error)
		return 0;
	http->at += bytes;
	http->held = kept + bytes;
	http->line = 0;
	mb_feeds_find(http, side);
	return 1;
}

/* ---- Lines: `line` is where it begins in the window, `size` its length there, of which at least 48 bytes count ---- */

static __always_inline mb_u64 mb_word(const struct mb_http_side *side, __u32 at)
{
	return *(const mb_u64 *)&side->window[at & (MB_HTTP_WINDOW - 1)];
}

static __always_inline mb_u8 mb_byte(const struct mb_http_side *side, __u32 at)
{
	return side->window[at & (MB_HTTP_WINDOW - 1)];
}

#define MB_LOWER 0x2020202020202020ull

/* "content-", "length:", "transfer", "-encodin", "g:" as little-endian words; letters in lower case. */
#define MB_CONTENT_ 0x2d746e65746e6f63ull
#define MB_LENGTH_ 0x3a6874676e656cull
#define MB_TRANSFER 0x726566736e617274ull
#define MB__ENCODIN 0x6e69646f636e652dull
#define MB_G_ 0x3a67ull
#define MB_HTTP_1_ 0x2e312f50545448ull
#define MB_56 0xffffffffffffffull

static __always_inline int mb_is_content_length(const struct mb_http_side *side, __u32 line)
{
	return (mb_word(side, line) | MB_LOWER) == MB_CONTENT_ &&
	       ((mb_word(side, line + 8) | MB_LOWER) & MB_56) == MB_LENGTH_;
}

static __always_inline int mb_is_transfer_encoding(const struct mb_http_side *side, __u32 line)
{
	return (mb_word(side, line) | MB_LOWER) == MB_TRANSFER &&
	       (mb_word(side, line + 8) | MB_LOWER) == MB__ENCODIN &&
	       ((mb_word(side, line + 16) | MB_LOWER) & 0xffff) == MB_G_;
}

/* What loops or branches much is a function of its own (and global), so that the verifier walks it once. */

__noinline mb_u64 mb_decimal(const struct mb_http_side *side, __u32 at, __u32 end)
{
	mb_u64 value = 0;

	if (!side)
		return 0;
	for (int i = 0; i < 32 && at < end; i++, at++) {
		mb_u8 byte = mb_byte(side, at);

		if (byte >= '0' && byte <= '9')
			value = value * 10 + (byte - '0');
		else if (value || (byte != ' ' && byte != '\t'))
			break;
	}
	return value;
}

/* ~0: no such number. */
__noinline mb_u64 mb_hexadecimal(const struct mb_http_side *side, __u32 at, __u32 end)
{
	mb_u64 value = 0;
	int digits = 0;

	if (!side)
		return ~0ull;
	for (int i = 0; i < 15 && at < end; i++, at++) {
		mb_u8 byte = mb_byte(side, at), letter = byte | 0x20;

		if (byte >= '0' && byte <= '9')
			value = value << 4 | (byte - '0');
		else if (letter >= 'a' && letter <= 'f')
			value = value << 4 | (letter - 'a' + 10);
		else
			break;
		digits++;
	}
	return digits ? value : ~0ull;
}

static __always_inline void mb_request_line(struct mb_http *http, struct mb_http_side *side, __u32 line)
{
	struct mb_meter_flow *flow = http->flow;
	__u32 method = (__u32)mb_word(side, line), n = flow->requests;
	mb_u64 bit = 1ull << (n & 63);

	/* "PRI " opens HTTP/2. */
	if ((mb_u8)method < 'A' || (mb_u8)method > 'Z' || method == 0x20495250) {
		if (side->flags & MB_HTTP_RESYNC) {
			mb_drift(http, 0);
			return;
		}
		mb_unfollowed(http);
		mb_obscure(http);
		return;
	}
	flow->begun_ns[n % MB_METER_PENDING] = side->begun_ns;
	flow->heads = method == 0x44414548 ? flow->heads | bit : flow->heads & ~bit;
	flow->tunnels = method == 0x4e4e4f43 ? flow->tunnels | bit : flow->tunnels & ~bit;
	__sync_fetch_and_add(&flow->requests, 1); /* after what it publishes */
	__sync_fetch_and_add(&http->meter->requests, 1);
	side->flags = MB_HTTP_SYNCED | (side->flags & MB_HTTP_HOLE);
	side->phase = MB_HTTP_FIELD;
	side->left = 0;
}

static __always_inline void mb_status_count(struct mb_http *http, __u32 class)
{
	if (class >= MB_STATUS_CLASSES)
		class = 0;
	__sync_fetch_and_add(&http->meter->statuses[class], 1);
}

/* The answer to the oldest request under way, if there is one; the flags that its method gives the response. */
static __always_inline __u16 mb_answer(struct mb_http *http, struct mb_http_side *side, __u32 class)
{
	struct mb_meter_flow *flow = http->flow;
	struct mb_meter *meter = http->meter;
	__u32 n = flow->answered, pending = flow->requests - n;
	mb_u64 took = side->begun_ns - flow->begun_ns[n % MB_METER_PENDING];
	__u16 flags = 0;

	__sync_fetch_and_add(&meter->responses, 1);
	mb_status_count(http, class);
	if ((__s32)pending <= 0)
		return 0;
	if (flow->heads >> (n & 63) & 1)
		flags |= MB_HTTP_BARE;
	if (flow->tunnels >> (n & 63) & 1 && class == 2)
		flags |= MB_HTTP_LAST;
	__sync_fetch_and_add(&flow->answered, 1);
	if (pending > MB_METER_PENDING || (__s64)took < 0)
		return flags;
	__sync_fetch_and_add(&meter->first_byte_ns, took);
	__sync_fetch_and_add(&meter->first_bytes, 1);
	if (took > meter->first_byte_max_ns)
		meter->first_byte_max_ns = took;
	return flags;
}

static __always_inline void mb_status_line(struct mb_http *http, struct mb_http_side *side, __u32 line, __u32 size)
{
	mb_u64 first = mb_word(side, line), second = mb_word(side, line + 8);
	__u32 class = (__u32)(second >> 8 & 0xff) - '0';
	__u16 flags = MB_HTTP_SYNCED | (side->flags & MB_HTTP_HOLE);

	if (size < 12 || (first & MB_56) != MB_HTTP_1_ || (second & 0xff) != ' ' || class < 1 || class > 9) {
		if (side->flags & MB_HTTP_RESYNC) {
			mb_drift(http, 1);
			return;
		}
		if ((__s32)(http->flow->requests - http->flow->answered) > 0)
			mb_answer(http, side, 0);
		mb_unfollowed(http);
		mb_obscure(http);
		return;
	}
	second = second >> 16 & 0xffff; /* the last two digits */
	if (class == 1 && second != 0x3130) {
		mb_status_count(http, 1);
		flags |= MB_HTTP_BARE;
	} else {
		flags |= mb_answer(http, side, class);
	}
	if (class == 1 && second == 0x3130) /* 101: switching protocols */
		flags |= MB_HTTP_LAST;
	if ((class == 2 || class == 3) && second == 0x3430) /* 204, 304 */
		flags |= MB_HTTP_BARE;
	side->flags = flags;
	side->phase = MB_HTTP_FIELD;
	side->left = 0;
}

/* The empty line: what comes now is the body, by the first of these that applies. */
static __always_inline void mb_head_end(struct mb_http *http, struct mb_http_side *side, int response)
{
	if (side->flags & MB_HTTP_LAST) {
		mb_obscure(http);
		return;
	}
	side->phase = MB_HTTP_FIRST;
	if (side->flags & MB_HTTP_BARE)
		return;
	if (side->flags & MB_HTTP_CHUNKED)
		side->phase = MB_HTTP_CHUNK;
	else if (side->left)
		side->phase = MB_HTTP_BODY;
	else if (response && !(side->flags & MB_HTTP_SIZED))
		mb_drift(http, 1); /* until the connection closes */
}

__noinline int mb_field_line(struct mb_http_side *side, __u32 line, __u32 size)
{
	mb_u8 letter;

	if (!side)
		return 0;
	letter = mb_byte(side, line) | 0x20;
	if (letter == 'c' && size > 15 && mb_is_content_length(side, line)) {
		side->left = mb_decimal(side, line + 15, line + size);
		side->flags |= MB_HTTP_SIZED;
	} else if (letter == 't' && size > 18 && mb_is_transfer_encoding(side, line)) {
		side->flags |= MB_HTTP_CHUNKED;
	}
	return 1;
}

static __always_inline void mb_chunk_line(struct mb_http *http, struct mb_http_side *side, __u32 line, __u32 size,
					  int response)
{
	mb_u64 bytes = mb_hexadecimal(side, line, line + size);

	if (bytes == ~0ull) {
		mb_lose(http, response);
		return;
	}
	side->left = bytes + 2; /* and the line end behind it */
	side->phase = bytes ? MB_HTTP_BODY : MB_HTTP_TRAILER;
}

static __always_inline void mb_line_read(struct mb_http *http, struct mb_http_side *side, __u32 size, int response)
{
	__u32 line = http->line;
	int empty = !size || (size == 1 && mb_byte(side, line) == '\r');

	switch (side->phase) {
	case MB_HTTP_FIRST:
		if (empty) /* some put line ends between messages */
			side->flags &= ~MB_HTTP_BEGUN;
		else if (response)
			mb_status_line(http, side, line, size);
		else
			mb_request_line(http, side, line);
		break;
	case MB_HTTP_FIELD:
		if (empty)
			mb_head_end(http, side, response);
		else
			mb_field_line(side, line, size);
		break;
	case MB_HTTP_CHUNK:
		mb_chunk_line(http, side, line, size, response);
		break;
	case MB_HTTP_TRAILER:
		if (empty)
			side->phase = MB_HTTP_FIRST;
		break;
	}
}

/* ---- Steps ---- */

/* Bytes of the segment that have not been read. */
static __always_inline __u32 mb_unread(const struct mb_http *http)
{
	return http->end - http->at + (http->held - http->line);
}

static __always_inline void mb_body_ended(struct mb_http_side *side)
{
	side->phase = side->flags & MB_HTTP_CHUNKED ? MB_HTTP_CHUNK : MB_HTTP_FIRST;
}

static __always_inline void mb_body_pass(struct mb_http *http, struct mb_http_side *side)
{
	__u32 bytes = mb_unread(http), within = http->held - http->line;

	if (bytes > side->left)
		bytes = (__u32)side->left;
	side->left -= bytes;
	if (bytes < within) {
		http->line += bytes;
	} else {
		http->at += bytes - within;
		http->line = http->held = 0;
	}
	if (!side->left)
		mb_body_ended(side);
}

/* The segment ends within a line: keeps its beginning for the next one. */
static __always_inline void mb_line_keep(struct mb_http *http, struct mb_http_side *side, __u32 bytes)
{
	__u32 line = http->line & (MB_HTTP_WINDOW - 1);

	if (line) {
#pragma unroll
		for (int i = 0; i < (int)MB_HTTP_LINE; i += 8)
			*(mb_u64 *)&side->window[i] = mb_word(side, line + i);
	}
	side->held = bytes;
	http->line = http->held = 0;
}

/* No line end in what the window holds. 0: the segment is used up. */
static __always_inline int mb_line_open(struct mb_http *http, struct mb_http_side *side, int response)
{
	__u32 bytes = http->held - http->line;

	if (side->flags & MB_HTTP_LONG || bytes >= MB_HTTP_LINE) {
		if (!(side->flags & MB_HTTP_LONG))
			mb_line_read(http, side, bytes, response);
		side->flags |= MB_HTTP_LONG;
		http->line = http->held = 0;
		return http->at < http->end;
	}
	if (http->at >= http->end) {
		mb_line_keep(http, side, bytes);
		return 0;
	}
	http->at -= bytes; /* once more from the line's beginning */
	http->held = http->line = 0;
	return 1;
}

static __always_inline void mb_message_begins(struct mb_http_side *side)
{
	if (side->phase != MB_HTTP_FIRST || side->flags & MB_HTTP_BEGUN)
		return;
	side->flags |= MB_HTTP_BEGUN;
	side->begun_ns = bpf_ktime_get_ns();
}

/* One line, one stretch of a body, or one filling of the window. 1: that was the last. */
static __always_inline long mb_http_step(struct mb_http *http, int response)
{
	struct mb_http_side *side = mb_side(http->flow, response);
	__u32 feed, kept;

	if (http->flow->flags & MB_METER_OPAQUE || side->phase == MB_HTTP_ADRIFT || !mb_unread(http))
		return 1;
	if (side->phase == MB_HTTP_BODY && !(side->flags & MB_HTTP_LONG)) {
		mb_body_pass(http, side);
		return 0;
	}
	mb_message_begins(side);
	if (http->line >= http->held) {
		kept = side->held;
		side->held = 0;
		if (!mb_window_fill(http, side, kept)) {
			mb_lose(http, response);
			return 1;
		}
	}
	feed = mb_feed_after(http, http->line);
	if (feed >= http->held)
		return !mb_line_open(http, side, response);
	if (side->flags & MB_HTTP_LONG)
		side->flags &= ~MB_HTTP_LONG;
	else
		mb_line_read(http, side, feed - http->line, response);
	http->line = feed + 1;
	return 0;
}

static long mb_request_step(__u32 index, struct mb_http *http)
{
	(void)index;
	return mb_http_step(http, 0);
}

static long mb_response_step(__u32 index, struct mb_http *http)
{
	(void)index;
	return mb_http_step(http, 1);
}

/* Reads the payload between http->at and http->end, which continues what was read before. */
static __always_inline void mb_http_read(struct mb_http *http, int response)
{
	if (response)
		bpf_loop(MB_HTTP_STEPS, mb_response_step, http, 0);
	else
		bpf_loop(MB_HTTP_STEPS, mb_request_step, http, 0);
	if (mb_unread(http) && mb_side(http->flow, response)->phase != MB_HTTP_ADRIFT &&
	    !(http->flow->flags & MB_METER_OPAQUE))
		mb_lose(http, response);
}

#endif /* MODELBROKER_HTTP_BPF_H */
