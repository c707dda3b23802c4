#ifndef CLINUX_FDPASS_H
#define CLINUX_FDPASS_H
#include <stddef.h>
#include <sys/types.h>

/*
 * Descriptors beside bytes on a Unix stream socket (SCM_RIGHTS). Swift cannot
 * write the CMSG_* macros.
 */

/* Descriptors that one message can carry. */
#define CLINUX_MAX_DESCRIPTORS 64

/*
 * Sends bytes with `fd_count` descriptors, in that order, beside the first of them. Returns how many bytes went out, or
 * -errno; -EINVAL when there are more descriptors than a message can carry.
 */
ssize_t clinux_send_with_descriptors(int socket, const void *_Nonnull bytes, size_t count, const int *_Nullable fds,
				     size_t fd_count);

/*
 * Receives bytes and up to `limit` descriptors (close-on-exec), in the order in which they were sent; any further ones
 * are closed. Returns the bytes read (0: end), or -errno; -EMFILE when this process may not have as many descriptors: those
 * are lost, and so are the bytes.
 */
ssize_t clinux_receive_with_descriptors(int socket, void *_Nonnull bytes, size_t count, int *_Nonnull fds, size_t limit,
					size_t *_Nonnull fd_count);

/* Sends bytes with `fd` beside the first of them (fd < 0: none). Returns how many went out, or -errno. */
ssize_t clinux_send_with_descriptor(int socket, const void *_Nonnull bytes, size_t count, int fd);

/*
 * Receives bytes and at most one descriptor (close-on-exec); *fd is -1 when none came. Any further ones are
 * closed. Returns the bytes read (0: end), or -errno.
 */
ssize_t clinux_receive_with_descriptor(int socket, void *_Nonnull bytes, size_t count, int *_Nonnull fd);

/* Who is at the other end of a Unix socket (SO_PEERCRED). Returns 0 or -errno. */
int clinux_peer(int socket, pid_t *_Nonnull pid, uid_t *_Nonnull uid);

#endif
