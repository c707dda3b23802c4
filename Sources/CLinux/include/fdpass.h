#ifndef CLINUX_FDPASS_H
#define CLINUX_FDPASS_H
#include <stddef.h>
#include <sys/types.h>

/*
 * Descriptors beside bytes on a Unix stream socket (SCM_RIGHTS). Swift cannot
 * write the CMSG_* macros.
 */

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
