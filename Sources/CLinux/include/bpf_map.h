#ifndef CLINUX_BPF_MAP_H
#define CLINUX_BPF_MAP_H
#include <stdint.h>

/*
 * Puts a socket into a slot of a sockmap, given the map's descriptor alone: bpf(2) has no libc wrapper, and the proxy
 * does not link libbpf. Needs no capability from Linux 5.19 on. Returns 0 or -errno.
 */
int clinux_sockmap_set(int map, uint32_t slot, int socket);

#endif
