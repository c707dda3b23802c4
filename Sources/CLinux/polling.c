#define _GNU_SOURCE
#include "include/polling.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int clinux_epoll_add(int epoll, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data = { .u64 = data } };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int clinux_accept(int listener, void *address)
{
	socklen_t length = sizeof(struct sockaddr_storage);
	int fd = accept4(listener, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int clinux_unacknowledged(int socket)
{
	int count = 0;

	return ioctl(socket, SIOCOUTQ, &count) < 0 ? -errno : count;
}
