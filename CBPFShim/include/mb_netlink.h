/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MB_NETLINK_H
#define MB_NETLINK_H

/*
 * Adds an address to `lo` or removes it (rtnetlink, whose messages are built
 * with macros). `bytes` is in network order, 4 or 16 by family. Returns 1 if
 * something changed, 0 if it was so already, -errno on failure.
 */
int mb_lo_address_add(int family, const void *_Nonnull bytes);
int mb_lo_address_remove(int family, const void *_Nonnull bytes);

#endif
