#ifndef CLINUX_BPF_MAP_H
#define CLINUX_BPF_MAP_H
#include <stdint.h>

/*
 * Puts a socket into a slot of a sockmap, given the map's descriptor alone: bpf(2) has no libc wrapper, and the proxy
 * does not link libbpf. Needs no capability from Linux 5.19 on. Returns 0 or -errno.
 */
int clinux_sockmap_set(int map, uint32_t slot, int socket);

/*
 * The cookie (SO_COOKIE) of the socket in a slot of a sockmap whose values are 64 bits wide. Returns 0 or -errno; -ENOENT
 * when there is none.
 */
int clinux_sockmap_cookie(int map, uint32_t slot, uint64_t *_Nonnull cookie);

/* What a listening TCP socket is told from others by. */
struct clinux_listener {
	int is_ipv6;
	uint64_t cookie; /* SO_COOKIE */
	uint64_t netns; /* SO_NETNS_COOKIE; 0: this kernel does not tell */
};

/* Looks at a descriptor. Returns 0, -EINVAL when it is no listening TCP socket over IPv4 or IPv6, or another -errno. */
int clinux_look_at_listener(int socket, struct clinux_listener *_Nonnull facts);

#endif
