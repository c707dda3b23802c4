// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define _GNU_SOURCE
#include "mb_netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	struct nlmsghdr header;
	struct ifaddrmsg address;
	char attributes[64];
};

static void put(struct request *request, unsigned short type, const void *data, unsigned short length)
{
	struct rtattr *attribute =
		(struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(length);
	memcpy(RTA_DATA(attribute), data, length);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_LENGTH(length);
}

/* The kernel's acknowledgement: 0 or -errno. */
static int acknowledged(int fd)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char echo[256];
	} reply;
	ssize_t length;

	do
		length = recv(fd, &reply, sizeof(reply), 0);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	if ((size_t)length < sizeof(reply.header) + sizeof(int) || reply.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return reply.error.error;
}

static int transact(const struct request *request)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int result;

	if (fd < 0)
		return -errno;
	if (send(fd, request, request->header.nlmsg_len, 0) < 0)
		result = -errno;
	else
		result = acknowledged(fd);
	close(fd);
	return result;
}

static int change(unsigned short type, unsigned short flags, int family, const void *bytes)
{
	unsigned short length = family == AF_INET6 ? 16 : 4;
	struct request request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		},
		.address = {
			.ifa_family = (unsigned char)family,
			.ifa_prefixlen = (unsigned char)(length * 8),
			.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
			.ifa_scope = RT_SCOPE_HOST,
			.ifa_index = if_nametoindex("lo"),
		},
	};

	if (!request.address.ifa_index)
		return -errno;
	put(&request, IFA_LOCAL, bytes, length);
	put(&request, IFA_ADDRESS, bytes, length);
	return transact(&request);
}

int mb_lo_address_add(int family, const void *bytes)
{
	int result = change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, family, bytes);

	return result == -EEXIST ? 0 : result ? result : 1;
}

int mb_lo_address_remove(int family, const void *bytes)
{
	int result = change(RTM_DELADDR, 0, family, bytes);

	return result == -EADDRNOTAVAIL ? 0 : result ? result : 1;
}
