/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MB_QDISC_H
#define MB_QDISC_H

#include <stddef.h>
#include <stdint.h>

/*
 * Queueing disciplines and HTB classes over rtnetlink, whose messages are built
 * and read with macros. Functions return -errno on failure; answers that the
 * kernel would not give are errors by name:
 *   -EBADMSG   a length leads out of the message, or an attribute is too short
 *   -EPROTO    a message that answers nothing that was asked
 *   -EINTR     the kernel's lists changed while they were read
 *   -EOVERFLOW more entries than MB_TC_MAX_ENTRIES, or a cut datagram
 */

#define MB_TC_KIND 16
#define MB_TC_OPTIONS 512
#define MB_TC_MESSAGE 160
#define MB_TC_MAX_ENTRIES 65536

#define MB_TC_ROOT 0xffffffffu	  /* parent of a device's outermost qdisc and of a qdisc's outermost class */
#define MB_TC_INGRESS 0xfffffff1u /* parent of ingress and clsact, which stand beside the root */

/* What the description of a qdisc or class held. */
#define MB_TC_HAS_STAB 1u	  /* a size table: the kernel tells only part of it */
#define MB_TC_OPTIONS_CUT 2u	  /* its options are longer than MB_TC_OPTIONS */
#define MB_TC_HAS_HTB 4u	  /* `htb` is filled: a class of HTB */
#define MB_TC_HAS_HTB_ROOT 8u	  /* `default_class` and `rate2quantum` are: an HTB qdisc */

struct mb_htb_class {
	uint64_t rate; /* bytes per second */
	uint64_t ceil;
	uint32_t buffer; /* psched ticks: what may be sent at once under `rate` */
	uint32_t cbuffer; /* under `ceil` */
	uint32_t quantum; /* bytes */
	uint32_t prio; /* 0 is served first */
};

struct mb_tc {
	int32_t ifindex;
	uint32_t handle;
	uint32_t parent;
	uint32_t info; /* of a class: handle of the qdisc in it */
	uint32_t flags; /* MB_TC_* */
	uint32_t options_length; /* bytes in `options` */
	char kind[MB_TC_KIND]; /* ended by a zero */
	uint8_t options[MB_TC_OPTIONS]; /* TCA_OPTIONS as it came */
	struct mb_htb_class htb;
	uint32_t default_class;
	uint32_t rate2quantum;
	uint64_t bytes;
	uint64_t packets;
	uint32_t drops;
	uint32_t overlimits;
	uint32_t backlog; /* bytes */
	uint32_t queued; /* packets */
};

struct mb_tc_list {
	struct mb_tc *_Nullable entries;
	size_t count;
	size_t capacity;
};

void mb_tc_free(struct mb_tc_list *_Nonnull list);

/* What is read. */
enum mb_tc_what {
	MB_TC_QDISCS,
	MB_TC_CLASSES,
	MB_TC_FILTERS,
};

/*
 * Reads one datagram that answers request `sequence` and appends what concerns
 * the device. 1: more is to come, 0: that was the end.
 */
int mb_tc_parse(const void *_Nullable bytes, size_t length, uint32_t sequence, enum mb_tc_what what, int ifindex,
		struct mb_tc_list *_Nonnull list);

/*
 * Reads an acknowledgement: the kernel's 0 or -errno, and its own words, if it
 * has any, in `message`.
 */
int mb_tc_parse_ack(const void *_Nullable bytes, size_t length, uint32_t sequence,
		    char message[_Nonnull MB_TC_MESSAGE]);

struct mb_tc_socket {
	int fd;
	uint32_t sequence;
	char message[MB_TC_MESSAGE]; /* the kernel's words about the last failure, or empty */
};

/* In the calling thread's network namespace. */
int mb_tc_open(struct mb_tc_socket *_Nonnull socket);
void mb_tc_close(struct mb_tc_socket *_Nonnull socket);

/* All qdiscs of the device, or the classes or filters of its qdisc `parent`. */
int mb_tc_dump(enum mb_tc_what what, int ifindex, uint32_t parent,
	       struct mb_tc_list *_Nonnull list);

/* Puts a qdisc in the place of what stands at `parent`; with the same handle and kind it is changed. */
int mb_qdisc_replace(struct mb_tc_socket *_Nonnull socket, int ifindex, uint32_t parent, uint32_t handle,
		     const char *_Nonnull kind, const void *_Nullable options, size_t length);
/* The same with HTB and its options. */
int mb_htb_replace(struct mb_tc_socket *_Nonnull socket, int ifindex, uint32_t handle, uint32_t default_class,
		   uint32_t rate2quantum);
/* Deletes the qdisc at `parent`; `handle` 0: whichever it is. */
int mb_qdisc_delete(struct mb_tc_socket *_Nonnull socket, int ifindex, uint32_t parent, uint32_t handle);

/* Makes a class or changes it. */
int mb_htb_class_replace(struct mb_tc_socket *_Nonnull socket, int ifindex, uint32_t parent, uint32_t id,
			 const struct mb_htb_class *_Nonnull parameters);
int mb_class_delete(struct mb_tc_socket *_Nonnull socket, int ifindex, uint32_t id);

/*
 * Does this kernel have HTB? 1 or 0; -errno: that cannot be told. Tried on the loopback device of a network namespace that
 * is made for it, for which it takes CAP_SYS_ADMIN.
 */
int mb_htb_probe(void);

#endif
