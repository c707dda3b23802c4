#define _GNU_SOURCE
#include "include/bpf_map.h"

#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int clinux_sockmap_set(int map, uint32_t slot, int socket)
{
	uint64_t value = (uint64_t)socket;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = (uint64_t)(uintptr_t)&slot;
	attr.value = (uint64_t)(uintptr_t)&value;
	attr.flags = BPF_ANY;
	return syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

int clinux_sockmap_cookie(int map, uint32_t slot, uint64_t *cookie)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = (uint64_t)(uintptr_t)&slot;
	attr.value = (uint64_t)(uintptr_t)cookie;
	return syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

static int number_option(int socket, int name, int *value)
{
	socklen_t size = sizeof(*value);

	return getsockopt(socket, SOL_SOCKET, name, value, &size) < 0 ? -errno : 0;
}

int clinux_look_at_listener(int socket, struct clinux_listener *facts)
{
	int domain, type, protocol, listens;
	socklen_t size = sizeof(facts->cookie);
	int result = number_option(socket, SO_DOMAIN, &domain);

	if (!result)
		result = number_option(socket, SO_TYPE, &type);
	if (!result)
		result = number_option(socket, SO_PROTOCOL, &protocol);
	if (!result)
		result = number_option(socket, SO_ACCEPTCONN, &listens);
	if (result)
		return result;
	if ((domain != AF_INET && domain != AF_INET6) || type != SOCK_STREAM || protocol != IPPROTO_TCP || !listens)
		return -EINVAL;
	facts->is_ipv6 = domain == AF_INET6;
	if (getsockopt(socket, SOL_SOCKET, SO_COOKIE, &facts->cookie, &size) < 0)
		return -errno;
	size = sizeof(facts->netns);
	if (getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &facts->netns, &size) < 0)
		facts->netns = 0;
	return 0;
}
