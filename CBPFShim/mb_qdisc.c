// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define _GNU_SOURCE
#include "mb_qdisc.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REQUEST_ROOM 1024
/* What the kernel fills one datagram of a dump with, at most. */
#define ANSWER_ROOM (64 << 10)
/* A list that changes each time it is read is given up. */
#define DUMP_TRIES 8
#define HTB_VERSION 3

struct request {
	struct nlmsghdr header;
	struct tcmsg tc;
	uint8_t attributes[REQUEST_ROOM];
};

static struct request request(uint16_t type, uint16_t flags, int ifindex, uint32_t parent, uint32_t handle)
{
	return (struct request){
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct tcmsg)),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
		.tc = {
			.tcm_family = AF_UNSPEC,
			.tcm_ifindex = ifindex,
			.tcm_parent = parent,
			.tcm_handle = handle,
		},
	};
}

static struct rtattr *put(struct request *request, uint16_t type, const void *data, size_t length)
{
	size_t start = NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)((uint8_t *)request + start);

	if (start + RTA_SPACE(length) > sizeof(*request))
		return NULL;
	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(length);
	if (length)
		memcpy(RTA_DATA(attribute), data, length);
	request->header.nlmsg_len = (uint32_t)(start + RTA_LENGTH(length));
	return attribute;
}

static void end_nest(struct request *request, struct rtattr *nest)
{
	nest->rta_len = (uint16_t)((uint8_t *)request + request->header.nlmsg_len - (uint8_t *)nest);
}

static int put_kind(struct request *request, const char *kind)
{
	size_t length = strlen(kind) + 1;

	if (length > MB_TC_KIND)
		return -EINVAL;
	return put(request, TCA_KIND, kind, length) ? 0 : -EMSGSIZE;
}

int mb_tc_open(struct mb_tc_socket *socket_)
{
	struct timeval patience = { .tv_sec = 5 };
	int on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	*socket_ = (struct mb_tc_socket){ .fd = -1 };
	if (fd < 0)
		return -errno;
	/* Without these the answers are only less telling. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	socket_->fd = fd;
	return 0;
}

void mb_tc_close(struct mb_tc_socket *socket_)
{
	if (socket_->fd >= 0)
		close(socket_->fd);
	socket_->fd = -1;
}

static int ask(struct mb_tc_socket *socket_, struct request *request)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	socket_->message[0] = 0;
	request->header.nlmsg_seq = ++socket_->sequence;
	if (sendto(socket_->fd, request, request->header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

/* One datagram of the kernel's, its length or -errno. */
static ssize_t hear(struct mb_tc_socket *socket_, void *buffer, size_t room)
{
	for (;;) {
		struct sockaddr_nl sender = { 0 };
		struct iovec space = { .iov_base = buffer, .iov_len = room };
		struct msghdr message = {
			.msg_name = &sender, .msg_namelen = sizeof(sender), .msg_iov = &space, .msg_iovlen = 1,
		};
		ssize_t length = recvmsg(socket_->fd, &message, 0);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (sender.nl_pid)
			continue; /* another process's */
		return message.msg_flags & MSG_TRUNC ? -EOVERFLOW : length;
	}
}

static int transact(struct mb_tc_socket *socket_, struct request *request)
{
	uint8_t buffer[2048];
	ssize_t length;
	int result = ask(socket_, request);

	if (result)
		return result;
	length = hear(socket_, buffer, sizeof(buffer));
	return length < 0 ? (int)length
			  : mb_tc_parse_ack(buffer, (size_t)length, socket_->sequence, socket_->message);
}

static uint16_t question(enum mb_tc_what what)
{
	switch (what) {
	case MB_TC_CLASSES:
		return RTM_GETTCLASS;
	case MB_TC_FILTERS:
		return RTM_GETTFILTER;
	default:
		return RTM_GETQDISC;
	}
}

static int dump_once(struct mb_tc_socket *socket_, enum mb_tc_what what, int ifindex, uint32_t parent,
		     struct mb_tc_list *list)
{
	struct request message = request(question(what), NLM_F_DUMP, ifindex, parent, 0);
	uint8_t *buffer = malloc(ANSWER_ROOM);
	int result = buffer ? ask(socket_, &message) : -ENOMEM;

	if (!result)
		result = 1;
	while (result > 0) {
		ssize_t length = hear(socket_, buffer, ANSWER_ROOM);

		result = length < 0 ? (int)length
				    : mb_tc_parse(buffer, (size_t)length, socket_->sequence, what, ifindex, list);
	}
	free(buffer);
	return result;
}

int mb_tc_dump(enum mb_tc_what what, int ifindex, uint32_t parent, struct mb_tc_list *list)
{
	int result = -EINTR;

	for (int i = 0; i < DUMP_TRIES && result == -EINTR; i++) {
		struct mb_tc_socket own;

		list->count = 0;
		/* A socket of its own: what is left of a dump that was given up must not answer the next question. */
		result = mb_tc_open(&own);
		if (result)
			return result;
		result = dump_once(&own, what, ifindex, parent, list);
		mb_tc_close(&own);
	}
	return result;
}

int mb_qdisc_replace(struct mb_tc_socket *socket_, int ifindex, uint32_t parent, uint32_t handle, const char *kind,
		     const void *options, size_t length)
{
	struct request message =
		request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, ifindex, parent, handle);
	int result = put_kind(&message, kind);

	if (result)
		return result;
	if (options && !put(&message, TCA_OPTIONS, options, length))
		return -EMSGSIZE;
	return transact(socket_, &message);
}

int mb_htb_replace(struct mb_tc_socket *socket_, int ifindex, uint32_t handle, uint32_t default_class,
		   uint32_t rate2quantum)
{
	struct request message =
		request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, ifindex, TC_H_ROOT, handle);
	struct tc_htb_glob root = {
		.version = HTB_VERSION, .rate2quantum = rate2quantum, .defcls = default_class,
	};
	int result = put_kind(&message, "htb");
	struct rtattr *nest;

	if (result)
		return result;
	nest = put(&message, TCA_OPTIONS, NULL, 0);
	if (!nest || !put(&message, TCA_HTB_INIT, &root, sizeof(root)))
		return -EMSGSIZE;
	end_nest(&message, nest);
	return transact(socket_, &message);
}

int mb_qdisc_delete(struct mb_tc_socket *socket_, int ifindex, uint32_t parent, uint32_t handle)
{
	struct request message = request(RTM_DELQDISC, NLM_F_ACK, ifindex, parent, handle);

	return transact(socket_, &message);
}

/* With the link layer named, the kernel needs no table of the sizes' times. */
static struct tc_ratespec ratespec(uint64_t rate)
{
	return (struct tc_ratespec){
		.linklayer = TC_LINKLAYER_ETHERNET,
		.rate = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate,
	};
}

int mb_htb_class_replace(struct mb_tc_socket *socket_, int ifindex, uint32_t parent, uint32_t id,
			 const struct mb_htb_class *parameters)
{
	struct request message =
		request(RTM_NEWTCLASS, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, ifindex, parent, id);
	struct tc_htb_opt options = {
		.rate = ratespec(parameters->rate),
		.ceil = ratespec(parameters->ceil),
		.buffer = parameters->buffer,
		.cbuffer = parameters->cbuffer,
		.quantum = parameters->quantum,
		.prio = parameters->prio,
	};
	int result = put_kind(&message, "htb");
	struct rtattr *nest;

	if (result)
		return result;
	nest = put(&message, TCA_OPTIONS, NULL, 0);
	if (!nest || !put(&message, TCA_HTB_PARMS, &options, sizeof(options)))
		return -EMSGSIZE;
	if (parameters->rate > UINT32_MAX &&
	    !put(&message, TCA_HTB_RATE64, &parameters->rate, sizeof(parameters->rate)))
		return -EMSGSIZE;
	if (parameters->ceil > UINT32_MAX &&
	    !put(&message, TCA_HTB_CEIL64, &parameters->ceil, sizeof(parameters->ceil)))
		return -EMSGSIZE;
	end_nest(&message, nest);
	return transact(socket_, &message);
}

int mb_class_delete(struct mb_tc_socket *socket_, int ifindex, uint32_t id)
{
	struct request message = request(RTM_DELTCLASS, NLM_F_ACK, ifindex, 0, id);

	return transact(socket_, &message);
}
