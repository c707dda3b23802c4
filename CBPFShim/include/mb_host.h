/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MB_HOST_H
#define MB_HOST_H

#include <stdint.h>

/* Calls and constants that Swift's Glibc module lacks. */

/* SO_NETNS_COOKIE of a socket made for the purpose. */
int mb_netns_cookie(uint64_t *_Nonnull cookie);

/* Opens the cgroup with this id (a kernfs file handle) below an open cgroup2 mount; a descriptor, close-on-exec. */
int mb_cgroup_open(int mount, uint64_t id);

/* statfs(2) magic numbers: 1 yes, 0 no. */
int mb_is_bpffs(const char *_Nonnull path);
int mb_is_cgroup2(const char *_Nonnull path);

/* Mounts a BPF file system. */
int mb_mount_bpffs(const char *_Nonnull path);

/* Returns when the BPF programs of network hooks that ran when it was called have ended. */
void mb_wait_for_programs(void);

/* Has two paths of one file system change places: renameat2(2), RENAME_EXCHANGE. */
int mb_exchange_paths(const char *_Nonnull one, const char *_Nonnull other);

#endif
