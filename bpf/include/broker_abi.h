/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The one description of everything that the BPF programs, the agent and the
 * proxy exchange: map keys and values, the origin record, event records and
 * counter numbers. Fixed-width types only, padding spelled out, network-order
 * fields end in _be. Swift imports this file through CBPFShim (and the proxy
 * through CLinux), so a layout can never differ between the two sides.
 *
 * Any change of a layout, of a map's shape or of a number's meaning raises
 * MB_ABI_VERSION. An agent that finds pins of another version carries their
 * content over, part by part by name; where a name has come to mean something
 * else, raise MB_ABI_FLOOR as well, and it refuses.
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

#ifndef MB_SHIFTED
#define MB_ABI_VERSION 4u
#define MB_SHIFT
#define MB_SHIFT_SIZE 0
#else
/* The same with other layouts: what the tests take over from, and have take over. */
#define MB_ABI_VERSION 1000u
#define MB_SHIFT mb_u64 shift;
#define MB_SHIFT_SIZE 8
#endif
/* The oldest version in which what has the same name means the same. */
#define MB_ABI_FLOOR 2u

/*
 * Socket option level of ours ("MB"): getsockopt MB_SO_ORIGIN yields struct mb_origin; setsockopt MB_SO_MODEL takes
 * struct mb_tag and puts the socket under that model's entry.
 */
#define MB_SOL_MODELBROKER 0x4d42
#define MB_SO_ORIGIN 1
#define MB_SO_MODEL 2

#define MB_AF_INET 2u
#define MB_AF_INET6 10u

#define MB_COMM_LEN 16
#define MB_MAX_CGROUP_DEPTH 16 /* ancestor levels searched for a workload */
#define MB_MAX_RULES 16384 /* capture rules; also entries of rule_counters */
#define MB_MAX_DESTINATIONS 65536 /* CIDR:port entries per family */
#define MB_MAX_WORKLOADS 65536
#define MB_MAX_FLOW_ORIGINS 131072
#define MB_EVENT_RING_BYTES (1u << 18)
#define MB_MAX_MODELS 4096 /* models with an entry; slots 1 to MB_MAX_MODELS, 0 is no model */
#define MB_MODEL_SLOTS (MB_MAX_MODELS + 1)
#define MB_MODEL_NAME 256 /* bytes, ended by a zero unless full */
#define MB_MAX_ACCESS 262144
#define MB_MAX_REFUSALS 65536
#define MB_MAX_METERS 16384
#define MB_MAX_ENDPOINTS 16384 /* slots of endpoint_state */
#define MB_MAX_SET_ENDPOINTS 32 /* endpoints of one model on the direct path */

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
	MB_SHIFT
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
	MB_PATH_DIRECT = 2, /* connect() picks an endpoint of `model` itself */
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
	mb_u32 model; /* slot of the model that this address is dedicated to, or 0 */
};

/*
 * `rule_counters`: array, index = rule id; counted by atomic adds. It is touched once for a captured connect, and one
 * for each CPU would take 512 KiB on every CPU.
 */
struct mb_rule_counters {
	MB_SHIFT
	mb_u64 captured; /* rewritten to the proxy */
	mb_u64 denied; /* path deny */
	mb_u64 direct; /* proxy down, let through */
	mb_u64 refused; /* proxy down, refused */
};

#define MB_WORKLOAD_EXEMPT 1u /* the broker itself: never captured */
#define MB_WORKLOAD_LISTED 2u /* its client has an allow list and is held to it */

/* `workloads`: hash, key = cgroup id (u64); applies to the whole subtree. */
struct mb_workload {
	mb_u32 client; /* 0: none; else 1 + position in the configuration */
	mb_u32 flags; /* MB_WORKLOAD_* */
};

#define MB_ORIGIN_FOREIGN_NETNS 1u /* caller is not in the host's namespace */
#define MB_ORIGIN_MAPPED 2u	    /* dialled as ::ffff:a.b.c.d; addr holds the v4 address */
#define MB_ORIGIN_DIRECT 4u	    /* path direct: the connection goes to an endpoint, not to the proxy */

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
	mb_u32 model; /* the rule's, or 0 */
	mb_u32 endpoint; /* slot in endpoint_state of the endpoint picked (path direct), or 0 */
	char comm[MB_COMM_LEN]; /* for display only */
};

/*
 * ---- Per-model QoS ----
 *
 * A limit is a generic cell rate algorithm (ITU-T I.371, virtual scheduling):
 * the bucket holds one theoretical arrival time, and gcra.h has the arithmetic
 * that kernel programs and proxy share.
 */
enum mb_limit_kind {
	MB_LIMIT_REQUESTS = 0,
	MB_LIMIT_TOKENS = 1,
	MB_LIMIT_CONNECTS = 2,
	MB_LIMIT_COUNT = 3,
};

#define MB_PERIOD_NEVER (~0ull) /* a limit of zero: nothing passes */

struct mb_limit {
	mb_u64 period_ns; /* what one unit costs; 0: unlimited */
	mb_u64 tolerance_ns; /* how far ahead of now the bucket may run: burst x period */
	mb_u64 units; /* as written: so many ... */
	mb_u64 window_ns; /* ... in this time */
	mb_u64 burst; /* units */
};

/* Which fields of struct mb_qos say something. */
#define MB_QOS_REQUESTS (1u << 0)
#define MB_QOS_TOKENS (1u << 1)
#define MB_QOS_CONNECTS (1u << 2)
#define MB_QOS_BURST (1u << 3) /* of requests, given apart from the rate */
#define MB_QOS_TOKEN_BURST (1u << 4)
#define MB_QOS_CONNECT_BURST (1u << 5)
#define MB_QOS_CONNECTIONS (1u << 6)
#define MB_QOS_BANDWIDTH (1u << 7)
#define MB_QOS_PRIORITY (1u << 8)
#define MB_QOS_DSCP (1u << 9)
#define MB_QOS_MODE (1u << 10)
#define MB_QOS_CLASS (1u << 11)

enum mb_qos_mode {
	MB_MODE_ENFORCE = 0,
	MB_MODE_OBSERVE = 1, /* counts what it would have refused; shapes nothing */
};

/* With node.qdisc: the HTB class of a model, see the agent's Qdisc. */
enum mb_qos_class {
	MB_CLASS_BEST_EFFORT = 0,
	MB_CLASS_BURSTABLE = 1,
	MB_CLASS_GUARANTEED = 2,
};

struct mb_qos {
	struct mb_limit limits[MB_LIMIT_COUNT];
	mb_u64 bandwidth; /* bytes per second, each direction; 0: none (only valid with MB_QOS_BANDWIDTH absent) */
	mb_u64 connections; /* open at once; valid with MB_QOS_CONNECTIONS */
	mb_u32 fields; /* MB_QOS_* */
	mb_u32 sk_priority; /* SO_PRIORITY to set: 0 to 7, or an HTB class id */
	mb_u32 notsent_lowat; /* TCP_NOTSENT_LOWAT in bytes; 0: the system's */
	mb_u8 priority; /* 0 to 7, as configured */
	mb_u8 dscp; /* 0 to 63; IP_TOS is this shifted left by two */
	mb_u8 mode; /* enum mb_qos_mode */
	mb_u8 service; /* enum mb_qos_class */
};

#define MB_MODEL_IN_USE 1u
#define MB_MODEL_PRIVATE 2u /* only clients with an entry in `access` may call it */
#define MB_MODEL_CLASSED 4u /* slot 0 only: sk_priority is MB_CLASS_ID(slot), a class of the HTB tree */

/* HTB class 1:(slot + 0x10) as SO_PRIORITY takes it. */
#define MB_CLASS_ID(slot) ((1u << 16) | ((slot) + 0x10))

/*
 * `models`: array, mapped into the proxy. What is in force is qos[version & 1]:
 * a writer (one at a time: it holds a lock on the pin directory) fills the
 * other one and then raises `version`, so that a reader sees all of a change or
 * nothing of it. Slot 0 is no model; its `version` counts the changes of all.
 */
struct mb_model {
	MB_SHIFT
	mb_u64 version;
	mb_u32 flags; /* MB_MODEL_* */
	mb_u32 pad;
	struct mb_qos qos[2]; /* in force: `file` with the fields of `live` over it */
	struct mb_qos file; /* the configuration's */
	struct mb_qos live; /* set by hand; outlives reload and restart */
	mb_u64 changed_ns; /* CLOCK_REALTIME of the last change by hand; 0: none */
	mb_u32 changed_uid; /* who */
	mb_u32 pad2;
	char name[MB_MODEL_NAME];
	mb_u8 spare[128 - MB_SHIFT_SIZE];
};

/* `buckets`: array, mapped into the proxy; index MB_BUCKET(slot, kind); one cache line each. */
#define MB_BUCKETS_PER_MODEL 4
#define MB_BUCKET(slot, kind) ((slot) * MB_BUCKETS_PER_MODEL + (kind))

struct mb_bucket {
	MB_SHIFT
	mb_u64 tat_ns; /* theoretical arrival time, CLOCK_MONOTONIC */
	mb_u64 admitted; /* units */
	mb_u64 refused; /* units */
	mb_u64 observed; /* units that observe mode let pass and enforce mode would have refused */
	mb_u64 contended; /* refused because the swap was lost too often */
	mb_u64 spare[3 - MB_SHIFT_SIZE / 8];
};

/* Which way a tagged socket sends: bandwidth is a total for each direction. */
enum mb_leg {
	MB_LEG_RESPONSES = 0, /* towards the caller */
	MB_LEG_REQUESTS = 1, /* towards the endpoint */
	MB_LEG_COUNT = 2,
};

/* Value of setsockopt(MB_SOL_MODELBROKER, MB_SO_MODEL). */
struct mb_tag {
	mb_u32 model; /* slot; 0 takes the socket out again */
	mb_u32 client;
	mb_u8 leg; /* enum mb_leg */
	mb_u8 active; /* an exchange is under way: the socket takes part in the bandwidth's division */
	mb_u16 pad;
};

/* `sockets`: socket storage of every socket under a model. */
#define MB_SOCKET_OPEN 1u /* holds one of the model's open connections */
#define MB_SOCKET_STARTED 2u /* TCP_CONNECT_CB was seen: STATE_CB will give back what it holds */
#define MB_SOCKET_DIRECT 4u /* path direct: metered */
#define MB_SOCKET_TAGGED 8u /* sends under the model's entry: counted in `tagged` */
#define MB_SOCKET_BROKER 16u /* by MB_SO_MODEL: the broker's own sockops program looks after it */

/* What an entry has changed on a socket and must put back when it lets go. */
#define MB_APPLIED_TOS 1u
#define MB_APPLIED_PRIORITY 2u
#define MB_APPLIED_LOWAT 4u

struct mb_socket {
	mb_u32 model;
	mb_u32 client;
	mb_u8 leg;
	mb_u8 active;
	mb_u8 flags; /* MB_SOCKET_* */
	mb_u8 applied; /* MB_APPLIED_* */
	mb_u32 endpoint; /* slot in endpoint_state that counts this connection, or 0 */
	mb_u64 version; /* of the entry applied */
	mb_u64 pacing; /* bytes per second applied; 0: none */
};

/* `model_state`: array, index = slot; atomic adds. */
struct mb_model_state {
	MB_SHIFT
	mb_u64 open; /* connections that hold a place under `connections` */
	mb_u64 active[MB_LEG_COUNT]; /* sockets that divide the bandwidth */
	mb_u64 tagged; /* sockets under this model */
	mb_u64 connects; /* admitted by the connect programs */
	mb_u64 observed_connections; /* over the cap, let pass by observe mode */
	mb_u64 applied; /* times that options were set on a socket */
	mb_u64 apply_failed; /* setsockopt failures */
};

enum mb_reason {
	MB_REASON_RATE = 1, /* connects/s: EAGAIN */
	MB_REASON_CONNECTIONS = 2, /* open-connection cap: EAGAIN */
	MB_REASON_ACCESS = 3, /* may not call it: ECONNREFUSED */
	MB_REASON_NO_ENDPOINT = 4, /* path direct, none usable */
	MB_REASON_REQUESTS = 5, /* layer 7: 429 */
	MB_REASON_TOKENS = 6, /* layer 7: 429 */
};

/* `refusals`: hash -> u64, atomic adds. */
struct mb_refusal_key {
	mb_u32 model;
	mb_u32 client;
	mb_u32 reason; /* enum mb_reason */
};

/* `access`: hash -> u32 (enum mb_access). */
struct mb_access_key {
	mb_u32 model;
	mb_u32 client;
};

enum mb_access {
	MB_ACCESS_ALLOW = 1,
	MB_ACCESS_DENY = 2,
};

/* ---- Path direct ---- */

struct mb_endpoint {
	mb_u32 addr_be[4]; /* v4 in [0] */
	mb_u32 family;
	mb_u16 port_be;
	mb_u16 weight; /* 1 to 65535 */
	mb_u32 state; /* slot in endpoint_state, from 1 */
	mb_u32 usable; /* 0: unhealthy or drained */
};

/* `endpoint_sets`: hash, key = model slot; replaced as a whole. */
struct mb_endpoint_set {
	mb_u32 count;
	mb_u32 pad;
	struct mb_endpoint endpoints[MB_MAX_SET_ENDPOINTS];
};

/* `endpoint_state`: array; atomic adds. */
struct mb_endpoint_state {
	MB_SHIFT
	mb_u64 open; /* connections now */
	mb_u64 picked; /* connects sent there */
	mb_u64 failed; /* of these, never established */
	mb_u64 failed_ns; /* CLOCK_MONOTONIC of the last failure; 0: none since a success */
};

/* `meters`: per-CPU hash, what direct flows did. */
struct mb_meter_key {
	mb_u32 model;
	mb_u32 client;
};

#define MB_STATUS_CLASSES 6 /* [0]: not a status; [1] 1xx ... [5] 5xx */

struct mb_meter {
	MB_SHIFT
	mb_u64 connections; /* established */
	mb_u64 requests;
	mb_u64 responses; /* final ones: 1xx are in `statuses` only, but for 101 */
	mb_u64 statuses[MB_STATUS_CLASSES];
	mb_u64 bytes_sent; /* TCP payload towards the endpoint, retransmissions not counted */
	mb_u64 bytes_received;
	mb_u64 first_byte_ns; /* sum over responses: request's first byte to response's first byte */
	mb_u64 first_bytes; /* responses in that sum */
	mb_u64 first_byte_max_ns;
	mb_u64 unfollowed; /* connections of which a part could not be read as HTTP/1; of that, only bytes are counted */
};

/* Where the reading of one direction of a direct flow stands. */
enum mb_http_phase {
	MB_HTTP_FIRST = 0, /* request line or status line */
	MB_HTTP_FIELD = 1,
	MB_HTTP_CHUNK = 2, /* line with a chunk's size */
	MB_HTTP_TRAILER = 3,
	MB_HTTP_BODY = 4, /* `left` bytes of body or chunk */
	MB_HTTP_ADRIFT = 5, /* lost, or a body until close: on again with the next exchange */
};

#define MB_HTTP_SYNCED 1u /* the SYN was seen: `next` is valid */
#define MB_HTTP_HOLE 2u /* segments from `hole` on came before those at `next` */
#define MB_HTTP_LONG 4u /* in the rest of a line longer than what is kept of it */
#define MB_HTTP_BEGUN 8u /* `begun_ns` is that of the message under way */
#define MB_HTTP_RESYNC 16u /* this should be a message, after being adrift */
#define MB_HTTP_CHUNKED 32u /* framing of the message under way */
#define MB_HTTP_SIZED 64u /* `left` is its content-length */
#define MB_HTTP_BARE 128u /* has no body whatever its fields say */
#define MB_HTTP_LAST 256u /* what follows its head is not HTTP */

#define MB_HTTP_WINDOW 128u /* bytes looked at together */
#define MB_HTTP_LINE 48u /* bytes of a line that are kept over segments; nothing of interest stands further right */

struct mb_http_side {
	mb_u64 left;
	mb_u64 begun_ns; /* first byte of the message under way */
	mb_u32 next; /* sequence number to read from */
	mb_u32 high; /* behind the highest one seen */
	mb_u32 hole;
	mb_u32 mark; /* adrift or with a hole: exchanges of the other direction at that time */
	mb_u16 phase; /* enum mb_http_phase */
	mb_u16 flags; /* MB_HTTP_* */
	mb_u32 held; /* bytes of an unfinished line at the front of `window` */
	mb_u8 window[MB_HTTP_WINDOW + 24]; /* the last 24 are there to be read over the end */
};

#define MB_METER_SIDES 2 /* [0] requests, [1] responses */
#define MB_METER_PENDING 8 /* requests under way whose time is kept */
#define MB_METER_OPAQUE 1u /* not HTTP/1, or no longer: only bytes are counted */
#define MB_METER_UNFOLLOWED 2u /* counted as such */

/* `meter_flows`: socket storage of a caller's socket on the path direct. */
struct mb_meter_flow {
	struct mb_meter_key key;
	mb_u32 requests; /* written by the egress program only */
	mb_u32 answered; /* written by the ingress program only */
	mb_u32 reading; /* an ingress program is at it */
	mb_u32 flags; /* MB_METER_* */
	mb_u64 heads; /* bit n % 64: request n is a HEAD */
	mb_u64 tunnels; /* likewise a CONNECT */
	mb_u64 begun_ns[MB_METER_PENDING]; /* first byte of request n % 8 */
	struct mb_http_side sides[MB_METER_SIDES];
};

/* `flow_origins`: hash; the connection as the proxy's accepted socket sees it. */
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
	MB_EVENT_LIMITED = 4, /* refused by the model's entry, or no endpoint of it is usable; `reason` says what */
};

/* `events`: ring buffer. */
struct mb_event {
	mb_u32 kind; /* enum mb_event_kind */
	mb_u16 reason; /* enum mb_reason with MB_EVENT_LIMITED, else 0 */
	mb_u16 observed; /* 1: it was let pass, by observe mode or for want of an endpoint, as the rule says */
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
	MB_COUNT_LIMITED_RATE = 16, /* connects refused by a model's connect rate */
	MB_COUNT_LIMITED_CONNECTIONS = 17, /* by its open-connection cap */
	MB_COUNT_LIMITED_ACCESS = 18, /* by its access rule */
	MB_COUNT_ENDPOINT_PICKED = 19, /* path direct */
	MB_COUNT_ENDPOINT_NONE = 20, /* path direct, no usable endpoint */
	MB_COUNT_REFUSAL_FULL = 21, /* `refusals` took no more keys */
	MB_COUNT_METER_FULL = 22, /* `meters` took no more keys */
	MB_COUNT_SOCKET_FAILED = 23, /* `sockets` storage could not be made */
	MB_COUNT_MODEL_MISSING = 24, /* a rule or a tag names a slot that is not in use */
	MB_COUNT_TAGS = 25, /* MB_SO_MODEL taken */
	MB_COUNT_TAG_INVALID = 26, /* MB_SO_MODEL malformed */
	MB_COUNT_APPLIED = 27, /* entries applied to sockets */
	MB_COUNT_APPLY_FAILED = 28, /* an option was refused by the kernel */
	MB_COUNT_CONTENDED = 29, /* a bucket or a cap was fought over too long; refused */
	MB_COUNT_MAX = 32,
};

/* ---- Taking over from another version ---- */

/* Maps in which programs count. */
enum mb_carried {
	MB_CARRY_COUNTERS = 1,
	MB_CARRY_RULE_COUNTERS = 2,
	MB_CARRY_BUCKETS = 3,
	MB_CARRY_MODEL_STATE = 4,
	MB_CARRY_ENDPOINT_STATE = 5,
	MB_CARRY_REFUSALS = 6,
	MB_CARRY_METERS = 7,
};

/* What mb_carry() is to do: eight bytes of an entry. */
struct mb_carriage {
	mb_u32 map; /* enum mb_carried */
	mb_u32 raises; /* 0: `amount` is added; 1: there shall be no less than `amount` */
	mb_u64 key[2]; /* its bytes, from the front */
	mb_u64 word; /* which of the value's words; of a per-CPU map it is this CPU's */
	mb_u64 amount; /* in two's complement */
};

#define MB_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " changed size")
MB_ASSERT_SIZE(struct mb_target, 24);
MB_ASSERT_SIZE(struct mb_settings, 24 + 24 * MB_LISTENER_COUNT + MB_SHIFT_SIZE);
MB_ASSERT_SIZE(struct mb_rule_key4, 12);
MB_ASSERT_SIZE(struct mb_rule_key6, 24);
MB_ASSERT_SIZE(struct mb_rule, 12);
MB_ASSERT_SIZE(struct mb_rule_counters, 32 + MB_SHIFT_SIZE);
MB_ASSERT_SIZE(struct mb_workload, 8);
MB_ASSERT_SIZE(struct mb_origin, 104);
MB_ASSERT_SIZE(struct mb_tuple, 40);
MB_ASSERT_SIZE(struct mb_flow, 112);
MB_ASSERT_SIZE(struct mb_event, 112);
MB_ASSERT_SIZE(struct mb_limit, 40);
MB_ASSERT_SIZE(struct mb_qos, 152);
MB_ASSERT_SIZE(struct mb_model, 1024);
MB_ASSERT_SIZE(struct mb_bucket, 64);
MB_ASSERT_SIZE(struct mb_tag, 12);
MB_ASSERT_SIZE(struct mb_socket, 32);
MB_ASSERT_SIZE(struct mb_model_state, 64 + MB_SHIFT_SIZE);
MB_ASSERT_SIZE(struct mb_endpoint, 32);
MB_ASSERT_SIZE(struct mb_endpoint_set, 8 + 32 * MB_MAX_SET_ENDPOINTS);
MB_ASSERT_SIZE(struct mb_endpoint_state, 32 + MB_SHIFT_SIZE);
MB_ASSERT_SIZE(struct mb_meter, 120 + MB_SHIFT_SIZE);
MB_ASSERT_SIZE(struct mb_http_side, 192);
MB_ASSERT_SIZE(struct mb_meter_flow, 488);
MB_ASSERT_SIZE(struct mb_carriage, 40);

#endif /* MODELBROKER_ABI_H */
