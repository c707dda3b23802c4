#ifndef CLINUX_LOOPBACK_ADDRESS_H
#define CLINUX_LOOPBACK_ADDRESS_H
#include <stdbool.h>
#include <stdint.h>

/*
 * Adds an address to `lo` or removes it, as /32 or /128 (rtnetlink; its attribute macros are out of Swift's
 * reach). `address` holds 4 or 16 bytes in network order. The scope is host, so the node never picks it as the source
 * of its own traffic. Returns 0 or -errno: -EEXIST, -EADDRNOTAVAIL, -EPERM, …
 */
int clinux_loopback_address(bool add, int family, const uint8_t *_Nonnull address);

#endif
