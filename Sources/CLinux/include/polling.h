#ifndef CLINUX_POLLING_H
#define CLINUX_POLLING_H
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/*
 * epoll and accept4 are not in Swift's Glibc module, and enumerators with the top bit set do not import as numbers.
 */
#define CLINUX_EPOLL_EDGE 0x80000000u
#define CLINUX_EPOLL_IN 0x001u
#define CLINUX_EPOLL_OUT 0x004u
#define CLINUX_EPOLL_ERR 0x008u
#define CLINUX_EPOLL_HUP 0x010u
#define CLINUX_EPOLL_RDHUP 0x2000u

/* Adds `fd` with `events` and `data`. Returns 0 or -errno. */
int clinux_epoll_add(int epoll, int fd, uint32_t events, uint64_t data);

/*
 * Accepts a connection, non-blocking and close-on-exec. Returns the descriptor or -errno. `address` is a struct
 * sockaddr_storage, which is Glibc's to declare to Swift: two modules that declare one type hide it from each other.
 */
int clinux_accept(int listener, void *_Nonnull address);

/* Bytes that were written and have not been acknowledged by the peer (SIOCOUTQ), or -errno. */
int clinux_unacknowledged(int socket);

#endif
