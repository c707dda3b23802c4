// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define _GNU_SOURCE
#include "mb_host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define FILEID_KERNFS 0xfe /* of the kernel's exportfs.h */

int mb_netns_cookie(uint64_t *cookie)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(*cookie);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &length))
		error = -errno;
	close(fd);
	return error;
}

int mb_cgroup_open(int mount, uint64_t id)
{
	struct {
		struct file_handle head;
		unsigned char id[sizeof(uint64_t)];
	} handle = { .head = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS } };
	int fd;

	memcpy(handle.id, &id, sizeof(id));
	fd = open_by_handle_at(mount, &handle.head, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int has_magic(const char *path, unsigned long magic)
{
	struct statfs found;

	return statfs(path, &found) == 0 && (unsigned long)found.f_type == magic;
}

int mb_is_bpffs(const char *path)
{
	return has_magic(path, BPF_FS_MAGIC);
}

int mb_is_cgroup2(const char *path)
{
	return has_magic(path, CGROUP2_SUPER_MAGIC);
}

int mb_mount_bpffs(const char *path)
{
	return mount("bpf", path, "bpf", 0, "mode=0700") ? -errno : 0;
}

int mb_exchange_paths(const char *one, const char *other)
{
	return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) ? -errno : 0;
}

void mb_wait_for_programs(void)
{
	/* An RCU grace period. Where processors without a tick (nohz_full) make it unavailable, much longer than any runs. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(100 * 1000);
}
