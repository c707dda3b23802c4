#define _GNU_SOURCE
#include "fdpass.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t clinux_send_with_descriptors(int socket, const void *bytes, size_t count, const int *fds, size_t fd_count)
{
	union {
		struct cmsghdr align;
		char buffer[CMSG_SPACE(CLINUX_MAX_DESCRIPTORS * sizeof(int))];
	} control;
	struct iovec data = {.iov_base = (void *)bytes, .iov_len = count};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (fd_count > CLINUX_MAX_DESCRIPTORS)
		return -EINVAL;
	if (fd_count > 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.buffer;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
	}
	ssize_t sent;
	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

ssize_t clinux_send_with_descriptor(int socket, const void *bytes, size_t count, int fd)
{
	return clinux_send_with_descriptors(socket, bytes, count, &fd, fd >= 0);
}

/* Keeps the descriptors of a control message for which there is room, closes the rest. */
static void take_descriptors(struct cmsghdr *header, int *fds, size_t limit, size_t *kept)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t index = 0; index < count; index++) {
		int fd;
		memcpy(&fd, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
		if (*kept < limit)
			fds[(*kept)++] = fd;
		else
			close(fd);
	}
}

ssize_t clinux_receive_with_descriptors(int socket, void *bytes, size_t count, int *fds, size_t limit, size_t *fd_count)
{
	union {
		struct cmsghdr align;
		char buffer[CMSG_SPACE(CLINUX_MAX_DESCRIPTORS * sizeof(int))];
	} control;
	struct iovec data = {.iov_base = bytes, .iov_len = count};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.buffer, .msg_controllen = sizeof(control.buffer)};

	*fd_count = 0;
	ssize_t got;
	do
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
			take_descriptors(header, fds, limit, fd_count);
	/* There is room for as many as a message can carry: what is missing the kernel could not give us. */
	if (message.msg_flags & MSG_CTRUNC) {
		while (*fd_count > 0)
			close(fds[--*fd_count]);
		return -EMFILE;
	}
	return got;
}

ssize_t clinux_receive_with_descriptor(int socket, void *bytes, size_t count, int *fd)
{
	size_t kept;

	*fd = -1;
	return clinux_receive_with_descriptors(socket, bytes, count, fd, 1, &kept);
}

int clinux_peer(int socket, pid_t *pid, uid_t *uid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*pid = peer.pid;
	*uid = peer.uid;
	return 0;
}
