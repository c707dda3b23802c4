/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What Swift cannot call by itself: libbpf's va_list callback and option
 * structs, the embedded objects, libcap's opaque types, netlink's macros and
 * calls that no libc header of Swift's Glibc module has. Everything else of
 * libbpf is called from Swift as it is. Functions return -errno on failure
 * unless they say otherwise.
 */
#ifndef CBPFSHIM_H
#define CBPFSHIM_H

#include <stddef.h>
#include <stdint.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../bpf/include/broker_abi.h"
#include "../../bpf/include/gcra.h"
#include "mb_atomic.h"
#include "mb_caps.h"
#include "mb_host.h"
#include "mb_layout.h"
#include "mb_log.h"
#include "mb_netlink.h"
#include "mb_object.h"
#include "mb_qdisc.h"

#endif
