// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Answers of rtnetlink about qdiscs and classes. Nothing in them is trusted: each length is held against what is left. */
#define _GNU_SOURCE
#include "mb_qdisc.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#ifndef NLM_F_DUMP_INTR
#define NLM_F_DUMP_INTR 0x10
#endif

struct span {
	const uint8_t *bytes;
	size_t length;
};

typedef int (*attribute_reader)(struct mb_tc *entry, uint16_t type, struct span value);

/* Calls `read` for each attribute. They are not aligned in memory that was not read by recv(), hence the copies. */
static int each_attribute(struct span span, struct mb_tc *entry, attribute_reader read)
{
	while (span.length) {
		struct rtattr head;
		size_t whole;
		int result;

		if (span.length < sizeof(head))
			return -EBADMSG;
		memcpy(&head, span.bytes, sizeof(head));
		if (head.rta_len < sizeof(head) || head.rta_len > span.length)
			return -EBADMSG;
		result = read(entry, head.rta_type & NLA_TYPE_MASK,
			      (struct span){ span.bytes + sizeof(head), head.rta_len - sizeof(head) });
		if (result)
			return result;
		whole = RTA_ALIGN(head.rta_len);
		if (whole > span.length)
			whole = span.length;
		span.bytes += whole;
		span.length -= whole;
	}
	return 0;
}

/* The kernel appends to its structures as it grows: longer is fine, shorter is not. */
static int copy(void *to, size_t size, struct span value)
{
	if (value.length < size)
		return -EBADMSG;
	memcpy(to, value.bytes, size);
	return 0;
}

static int read_htb_option(struct mb_tc *entry, uint16_t type, struct span value)
{
	struct tc_htb_opt options;
	struct tc_htb_glob root;
	int result = 0;

	switch (type) {
	case TCA_HTB_PARMS:
		result = copy(&options, sizeof(options), value);
		if (result)
			return result;
		/* The 64-bit rates may have come before. */
		if (!entry->htb.rate)
			entry->htb.rate = options.rate.rate;
		if (!entry->htb.ceil)
			entry->htb.ceil = options.ceil.rate;
		entry->htb.buffer = options.buffer;
		entry->htb.cbuffer = options.cbuffer;
		entry->htb.quantum = options.quantum;
		entry->htb.prio = options.prio;
		entry->flags |= MB_TC_HAS_HTB;
		break;
	case TCA_HTB_RATE64:
		result = copy(&entry->htb.rate, sizeof(entry->htb.rate), value);
		break;
	case TCA_HTB_CEIL64:
		result = copy(&entry->htb.ceil, sizeof(entry->htb.ceil), value);
		break;
	case TCA_HTB_INIT:
		result = copy(&root, sizeof(root), value);
		if (result)
			return result;
		entry->default_class = root.defcls;
		entry->rate2quantum = root.rate2quantum;
		entry->flags |= MB_TC_HAS_HTB_ROOT;
		break;
	}
	return result;
}

static int read_statistic(struct mb_tc *entry, uint16_t type, struct span value)
{
	/* gnet_stats_basic ends in padding that not every kernel sends. */
	struct {
		uint64_t bytes;
		uint32_t packets;
	} __attribute__((packed)) basic;
	struct gnet_stats_queue queue;
	int result = 0;

	switch (type) {
	case TCA_STATS_BASIC:
		result = copy(&basic, sizeof(basic), value);
		if (result)
			return result;
		entry->bytes = basic.bytes;
		if (!entry->packets)
			entry->packets = basic.packets;
		break;
	case TCA_STATS_PKT64:
		result = copy(&entry->packets, sizeof(entry->packets), value);
		break;
	case TCA_STATS_QUEUE:
		result = copy(&queue, sizeof(queue), value);
		if (result)
			return result;
		entry->drops = queue.drops;
		entry->overlimits = queue.overlimits;
		entry->backlog = queue.backlog;
		entry->queued = queue.qlen;
		break;
	}
	return result;
}

static int keep_options(struct mb_tc *entry, struct span value)
{
	if (value.length > sizeof(entry->options)) {
		entry->flags |= MB_TC_OPTIONS_CUT;
		return 0;
	}
	memcpy(entry->options, value.bytes, value.length);
	entry->options_length = (uint32_t)value.length;
	return 0;
}

static int keep_kind(struct mb_tc *entry, struct span value)
{
	/* A name without its end, or one that is too long, is no name of the kernel's. */
	if (!value.length || value.length > sizeof(entry->kind) || value.bytes[value.length - 1])
		return -EBADMSG;
	memcpy(entry->kind, value.bytes, value.length);
	return 0;
}

static int read_attribute(struct mb_tc *entry, uint16_t type, struct span value)
{
	switch (type) {
	case TCA_KIND:
		return keep_kind(entry, value);
	case TCA_OPTIONS:
		return keep_options(entry, value);
	case TCA_STATS2:
		return each_attribute(value, entry, read_statistic);
	case TCA_STAB:
		entry->flags |= MB_TC_HAS_STAB;
		return 0;
	default:
		return 0;
	}
}

static struct mb_tc *room(struct mb_tc_list *list)
{
	size_t capacity = list->capacity ? list->capacity * 2 : 16;
	struct mb_tc *entries;

	if (list->count < list->capacity)
		return &list->entries[list->count];
	if (list->count >= MB_TC_MAX_ENTRIES)
		return NULL;
	entries = realloc(list->entries, capacity * sizeof(*entries));
	if (!entries)
		return NULL;
	list->entries = entries;
	list->capacity = capacity;
	return &entries[list->count];
}

static int read_entry(struct span span, int ifindex, struct mb_tc_list *list)
{
	struct tcmsg head;
	struct mb_tc *entry;
	int result = copy(&head, sizeof(head), span);

	if (result)
		return result;
	if (head.tcm_ifindex != ifindex)
		return 0;
	entry = room(list);
	if (!entry)
		return list->count >= MB_TC_MAX_ENTRIES ? -EOVERFLOW : -ENOMEM;
	memset(entry, 0, sizeof(*entry));
	entry->ifindex = head.tcm_ifindex;
	entry->handle = head.tcm_handle;
	entry->parent = head.tcm_parent;
	entry->info = head.tcm_info;
	result = each_attribute(
		(struct span){ span.bytes + NLMSG_ALIGN(sizeof(head)), span.length - NLMSG_ALIGN(sizeof(head)) }, entry,
		read_attribute);
	/* Options mean what the kind says, and that may stand behind them. */
	if (!result && !strcmp(entry->kind, "htb"))
		result = each_attribute((struct span){ entry->options, entry->options_length }, entry, read_htb_option);
	if (!result)
		list->count++;
	return result;
}

static uint16_t answer_type(enum mb_tc_what what)
{
	switch (what) {
	case MB_TC_CLASSES:
		return RTM_NEWTCLASS;
	case MB_TC_FILTERS:
		return RTM_NEWTFILTER;
	default:
		return RTM_NEWQDISC;
	}
}

/* The error number in NLMSG_ERROR and NLMSG_DONE; never a positive one. */
static int verdict(struct span payload)
{
	int32_t error;

	if (copy(&error, sizeof(error), payload) || error > 0)
		return -EBADMSG;
	return error;
}

static int read_message(const struct nlmsghdr *head, struct span payload, enum mb_tc_what what, int ifindex,
			struct mb_tc_list *list)
{
	int result;

	if (head->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EINTR;
	switch (head->nlmsg_type) {
	case NLMSG_DONE:
		return payload.length ? verdict(payload) : 0;
	case NLMSG_ERROR:
		result = verdict(payload);
		return result ? result : -EPROTO;
	case NLMSG_NOOP:
		return 1;
	}
	if (head->nlmsg_type != answer_type(what))
		return -EPROTO;
	result = read_entry(payload, ifindex, list);
	return result ? result : 1;
}

/* Takes the next message off the datagram. */
static int next_message(struct span *span, uint32_t sequence, struct nlmsghdr *head, struct span *payload)
{
	size_t whole;

	if (copy(head, sizeof(*head), *span))
		return -EBADMSG;
	if (head->nlmsg_len < sizeof(*head) || head->nlmsg_len > span->length)
		return -EBADMSG;
	if (head->nlmsg_seq != sequence)
		return -EPROTO;
	*payload = (struct span){ span->bytes + NLMSG_HDRLEN, head->nlmsg_len - NLMSG_HDRLEN };
	whole = NLMSG_ALIGN(head->nlmsg_len);
	if (whole > span->length)
		whole = span->length;
	span->bytes += whole;
	span->length -= whole;
	return 0;
}

int mb_tc_parse(const void *bytes, size_t length, uint32_t sequence, enum mb_tc_what what, int ifindex,
		struct mb_tc_list *list)
{
	struct span span = { bytes, length };

	if (!length)
		return -EBADMSG;
	while (span.length) {
		struct nlmsghdr head;
		struct span payload;
		int result = next_message(&span, sequence, &head, &payload);

		if (!result)
			result = read_message(&head, payload, what, ifindex, list);
		if (result <= 0)
			return result;
	}
	return 1;
}

/* The attributes behind an acknowledgement; what is wrong with them is no reason to lose its verdict. */
static void read_words(struct span span, char message[MB_TC_MESSAGE])
{
	while (span.length >= sizeof(struct nlattr)) {
		struct nlattr head;
		size_t whole, length;

		memcpy(&head, span.bytes, sizeof(head));
		if (head.nla_len < sizeof(head) || head.nla_len > span.length)
			return;
		length = head.nla_len - sizeof(head);
		if ((head.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG && length) {
			if (length > MB_TC_MESSAGE - 1)
				length = MB_TC_MESSAGE - 1;
			memcpy(message, span.bytes + sizeof(head), length);
			message[length] = 0;
			return;
		}
		whole = NLA_ALIGN(head.nla_len);
		if (whole > span.length)
			return;
		span.bytes += whole;
		span.length -= whole;
	}
}

int mb_tc_parse_ack(const void *bytes, size_t length, uint32_t sequence, char message[MB_TC_MESSAGE])
{
	struct span span = { bytes, length }, payload;
	struct nlmsghdr head, echoed;
	size_t skipped = sizeof(int32_t) + sizeof(echoed);
	int result = next_message(&span, sequence, &head, &payload);

	message[0] = 0;
	if (result)
		return result;
	if (head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	result = verdict(payload);
	if (result == -EBADMSG || !(head.nlmsg_flags & NLM_F_ACK_TLVS) || payload.length < skipped)
		return result;
	memcpy(&echoed, payload.bytes + sizeof(int32_t), sizeof(echoed));
	/* Unless it is capped, the whole request stands before the words. */
	if (!(head.nlmsg_flags & NLM_F_CAPPED)) {
		if (echoed.nlmsg_len < sizeof(echoed) || echoed.nlmsg_len > payload.length - sizeof(int32_t))
			return result;
		skipped = sizeof(int32_t) + NLMSG_ALIGN(echoed.nlmsg_len);
	}
	if (skipped < payload.length)
		read_words((struct span){ payload.bytes + skipped, payload.length - skipped }, message);
	return result;
}

void mb_tc_free(struct mb_tc_list *list)
{
	free(list->entries);
	memset(list, 0, sizeof(*list));
}
