/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The one description of everything that the BPF programs, the agent and the
 * proxy exchange: map keys and values, the origin record, event records and
 * counter numbers. Fixed-width types only, padding spelled out, network-order
 * fields end in _be. Swift imports this file through CBPFShim (and the proxy
 * through CLinux), so a layout can never differ between the two sides.
 *
 * Any change of a layout, of a map's shape or of a number's meaning raises
 * MB_ABI_VERSION; the agent refuses to adopt pins of another version.
 */
#ifndef MODELBROKER_ABI_H
#define MODELBROKER_ABI_H

#ifndef __bpf__
#include <stdint.h>
typedef uint8_t mb_u8;
typedef uint16_t mb_u16;
typedef uint32_t mb_u32;
typedef uint64_t mb_u64;
#else
typedef unsigned char mb_u8;
typedef unsigned short mb_u16;
typedef unsigned int mb_u32;
typedef unsigned long long mb_u64;
#endif

#define MB_ABI_VERSION 2u

/* getsockopt level of ours ("MB"); MB_SO_ORIGIN yields struct mb_origin. */
#define MB_SOL_MODELBROKER 0x4d42
#define MB_SO_ORIGIN 1

#define MB_AF_INET 2u
#define MB_AF_INET6 10u

#define MB_COMM_LEN 16
#define MB_MAX_CGROUP_DEPTH 16 /* ancestor levels searched for a workload */
#define MB_MAX_RULES 16384 /* capture rules; also entries of rule_counters */
#define MB_MAX_DESTINATIONS 65536 /* CIDR:port entries per family */
#define MB_MAX_WORKLOADS 65536
#define MB_MAX_FLOW_ORIGINS 65536
#define MB_EVENT_RING_BYTES (1u << 20)

/* Which listener of the proxy: the slots of the `listeners` sockmap. */
enum mb_listener {
	MB_LISTENER_HOST4 = 0, /* callers in the host's network namespace */
	MB_LISTENER_HOST6 = 1,
	MB_LISTENER_POD4 = 2, /* callers in any other network namespace */
	MB_LISTENER_POD6 = 3,
	MB_LISTENER_COUNT = 4,
};

/* An address a captured connect() is rewritten to. v4 uses addr_be[0]. */
struct mb_target {
	mb_u32 addr_be[4];
	mb_u16 port_be;
	mb_u16 configured; /* 0: no such listener, callers of this kind can't be captured */
	mb_u32 pad;
};

/* `settings`: array, one entry. */
struct mb_settings {
	mb_u32 abi_version;
	mb_u32 pad;
	mb_u64 generation;		/* of the configuration in force */
	mb_u64 host_netns_cookie;
	struct mb_target targets[MB_LISTENER_COUNT];
};

/*
 * `rules4`, `rules6`: LPM tries. The port stands before the address, so one
 * look-up matches "this port exactly, longest CIDR"; the programs look up the
 * dialled port first and port 0 (any) second. prefixlen = 16 + CIDR bits.
 */
struct mb_rule_key4 {
	mb_u32 prefixlen;
	mb_u16 port_be;
	mb_u8 addr[4];
	mb_u8 pad[2]; /* never part of the prefix */
};

struct mb_rule_key6 {
	mb_u32 prefixlen;
	mb_u16 port_be;
	mb_u8 addr[16];
	mb_u8 pad[2];
};

enum mb_path {
	MB_PATH_PROXY = 0,
	MB_PATH_DENY = 1,
};

enum mb_when_down {
	MB_DOWN_DIRECT = 0,
	MB_DOWN_REFUSE = 1,
};

struct mb_rule {
	mb_u32 id; /* position in the configuration; index of rule_counters */
	mb_u8 path; /* enum mb_path */
	mb_u8 when_down; /* enum mb_when_down */
	mb_u16 pad;
};

/*
 * `rule_counters`: array, index = rule id; counted by atomic adds. It is touched once for a captured connect, and one
 * for each CPU would take 512 KiB on every CPU.
 */
struct mb_rule_counters {
	mb_u64 captured; /* rewritten to the proxy */
	mb_u64 denied; /* path deny */
	mb_u64 direct; /* proxy down, let through */
	mb_u64 refused; /* proxy down, refused */
};

#define MB_WORKLOAD_EXEMPT 1u /* the broker itself: never captured */

/* `workloads`: hash, key = cgroup id (u64); applies to the whole subtree. */
struct mb_workload {
	mb_u32 client; /* 0: none; else 1 + position in the configuration */
	mb_u32 flags; /* MB_WORKLOAD_* */
};

#define MB_ORIGIN_FOREIGN_NETNS 1u /* caller is not in the host's namespace */
#define MB_ORIGIN_MAPPED 2u	    /* dialled as ::ffff:a.b.c.d; addr holds the v4 address */

/* Who dialled what: kept in the caller's socket, handed to the proxy's. */
struct mb_origin {
	mb_u32 family; /* MB_AF_INET or MB_AF_INET6 */
	mb_u32 rule;
	mb_u8 addr[16]; /* destination dialled, network order; v4 in the first four */
	mb_u16 port_be;
	mb_u16 flags; /* MB_ORIGIN_* */
	mb_u32 client;
	mb_u32 pid; /* thread group id, in the initial pid namespace */
	mb_u32 uid;
	mb_u64 cgroup; /* of the calling process */
	mb_u64 workload; /* matched entry of `workloads` (itself or an ancestor), or 0 */
	mb_u64 netns_cookie;
	mb_u64 socket_cookie;
	mb_u64 time_ns; /* CLOCK_MONOTONIC */
	char comm[MB_COMM_LEN]; /* for display only */
};

/* `flow_origins`: LRU hash; the connection as the proxy's accepted socket sees it. */
struct mb_tuple {
	mb_u32 remote_be[4]; /* the caller; v4 in [0] */
	mb_u32 local_be[4];  /* the proxy's listener */
	mb_u16 remote_port_be;
	mb_u16 local_port_be;
	mb_u32 family; /* MB_AF_INET also for v4-mapped callers */
};

/*
 * Value of `flow_origins`. When the connection is established the record is
 * bound to it by the caller's initial sequence number, and the proxy's socket
 * takes it when the proxy asks: no record can serve a later connection between
 * the same two ends.
 */
struct mb_flow {
	struct mb_origin origin;
	mb_u32 sequence; /* of the caller's first byte */
	mb_u32 established; /* 0: `sequence` is not known yet */
};

enum mb_event_kind {
	MB_EVENT_DENIED = 1,
	MB_EVENT_REFUSED = 2, /* proxy down and the rule says refuse */
	MB_EVENT_DIRECT = 3, /* proxy down and the rule says direct */
};

/* `events`: ring buffer. */
struct mb_event {
	mb_u32 kind; /* enum mb_event_kind */
	mb_u32 pad;
	struct mb_origin origin;
};

/* `counters`: per-CPU array of u64, one for each of these. */
enum mb_counter {
	MB_COUNT_CONNECTS = 0,		/* connects that reached the programs (TCP) */
	MB_COUNT_EXEMPT = 1,		/* by the broker itself */
	MB_COUNT_UNMATCHED = 2,		/* no capture rule */
	MB_COUNT_CAPTURED = 3,
	MB_COUNT_DENIED = 4,
	MB_COUNT_DIRECT = 5,		/* proxy down, let through */
	MB_COUNT_REFUSED = 6,		/* proxy down, refused */
	MB_COUNT_NO_TARGET = 7,		/* caller's namespace has no listener to go to */
	MB_COUNT_NO_SETTINGS = 8,	/* settings map unreadable */
	MB_COUNT_STORAGE_FAILED = 9,	/* socket storage could not be made */
	MB_COUNT_ORIGIN_FULL = 10,	/* flow_origins update failed */
	MB_COUNT_ORIGIN_MISSING = 11,	/* proxy accepted a connection without an origin */
	MB_COUNT_EVENT_LOST = 12,	/* ring buffer full */
	MB_COUNT_RETVAL_FAILED = 13,	/* bpf_set_retval failed */
	MB_COUNT_SOCKOPT_SHORT = 14,	/* getsockopt buffer too small for the answer */
	MB_COUNT_LISTENER_MISSING = 15, /* no live listener in the sockmap */
	MB_COUNT_MAX = 16,
};

#define MB_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " changed size")
MB_ASSERT_SIZE(struct mb_target, 24);
MB_ASSERT_SIZE(struct mb_settings, 24 + 24 * MB_LISTENER_COUNT);
MB_ASSERT_SIZE(struct mb_rule_key4, 12);
MB_ASSERT_SIZE(struct mb_rule_key6, 24);
MB_ASSERT_SIZE(struct mb_rule, 8);
MB_ASSERT_SIZE(struct mb_rule_counters, 32);
MB_ASSERT_SIZE(struct mb_workload, 8);
MB_ASSERT_SIZE(struct mb_origin, 96);
MB_ASSERT_SIZE(struct mb_tuple, 40);
MB_ASSERT_SIZE(struct mb_flow, 104);
MB_ASSERT_SIZE(struct mb_event, 104);

#endif /* MODELBROKER_ABI_H */
