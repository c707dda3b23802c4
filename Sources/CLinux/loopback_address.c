#define _GNU_SOURCE
#include "loopback_address.h"
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	struct nlmsghdr header;
	struct ifaddrmsg address;
	char attributes[128];
};

static void attach(struct request *request, unsigned short type, const void *value, size_t size)
{
	struct rtattr *attribute = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));
	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), value, size);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

/* Sends the request and reads the kernel's acknowledgement: 0 or -errno. */
static int transact(int socket, const struct request *request)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	union {
		struct nlmsghdr header;
		char buffer[1024];
	} answer;

	if (sendto(socket, request, request->header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	ssize_t got;
	do
		got = recv(socket, &answer, sizeof(answer), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (!NLMSG_OK(&answer.header, (size_t)got) || answer.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return ((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
}

int clinux_loopback_address(bool add, int family, const uint8_t *address)
{
	size_t size = family == AF_INET6 ? 16 : 4;
	struct request request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			.nlmsg_type = add ? RTM_NEWADDR : RTM_DELADDR,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0),
			.nlmsg_seq = 1,
		},
		.address = {
			.ifa_family = (unsigned char)family,
			.ifa_prefixlen = (unsigned char)(size * 8),
			.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
			.ifa_scope = RT_SCOPE_HOST,
			.ifa_index = if_nametoindex("lo"),
		},
	};
	attach(&request, IFA_LOCAL, address, size);
	attach(&request, IFA_ADDRESS, address, size);

	int socket_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (socket_fd < 0)
		return -errno;
	int result = transact(socket_fd, &request);
	close(socket_fd);
	return result;
}
