/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Events: connects that did not go where their rule would have sent them, or met a model's limit. */
#ifndef MODELBROKER_EVENT_BPF_H
#define MODELBROKER_EVENT_BPF_H

#include "count.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MB_EVENT_RING_BYTES);
} events SEC(".maps");

/* `reason` (enum mb_reason) and `observed` are those of MB_EVENT_LIMITED, else 0. */
static __always_inline void mb_event_reason(__u32 kind, const struct mb_origin *origin, __u16 reason,
					    __u16 observed)
{
	struct mb_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		mb_count(MB_COUNT_EVENT_LOST);
		return;
	}
	event->kind = kind;
	event->reason = reason;
	event->observed = observed;
	__builtin_memcpy(&event->origin, origin, sizeof(event->origin));
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void mb_event_send(__u32 kind, const struct mb_origin *origin)
{
	mb_event_reason(kind, origin, 0, 0);
}

#endif /* MODELBROKER_EVENT_BPF_H */
