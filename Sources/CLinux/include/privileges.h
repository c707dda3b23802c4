#ifndef CLINUX_PRIVILEGES_H
#define CLINUX_PRIVILEGES_H
#include <stdbool.h>
#include <stdint.h>

/* Capability sets as bit masks, bit n = capability number n (linux/capability.h, whose macros Swift does not see). */
uint64_t clinux_capability_mask_bpf(void);	  /* CAP_BPF | CAP_NET_ADMIN | CAP_PERFMON */
uint64_t clinux_capability_mask_set_ids(void); /* CAP_SETUID | CAP_SETGID */

/*
 * Gives up, for good, every capability of the calling thread outside `keep`: permitted, effective, inheritable,
 * ambient and the bounding set. Only the calling thread changes, so call it while there is no other. Returns 0 or -errno.
 */
int clinux_keep_capabilities(uint64_t keep);

/* The calling thread's effective set, or 0 when it cannot be read. */
uint64_t clinux_effective_capabilities(void);

#endif
