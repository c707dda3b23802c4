#define _GNU_SOURCE
#include "privileges.h"
#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#define BIT(capability) (UINT64_C(1) << (capability))

uint64_t clinux_capability_mask_bpf(void)
{
	return BIT(CAP_BPF) | BIT(CAP_NET_ADMIN) | BIT(CAP_PERFMON);
}

uint64_t clinux_capability_mask_set_ids(void)
{
	return BIT(CAP_SETUID) | BIT(CAP_SETGID);
}

/* Raises `keep`, as far as the thread has it, in permitted and effective; clears the rest. */
static int set_sets(uint64_t keep)
{
	cap_t now = cap_get_proc();
	cap_t next = cap_init();
	int result = now && next ? 0 : -errno;

	for (cap_value_t capability = 0; result == 0 && capability < cap_max_bits(); capability++) {
		cap_flag_value_t permitted = CAP_CLEAR;
		if (!(keep & BIT(capability)) || cap_get_flag(now, capability, CAP_PERMITTED, &permitted) < 0)
			continue;
		if (permitted == CAP_SET && (cap_set_flag(next, CAP_PERMITTED, 1, &capability, CAP_SET) < 0 ||
					     cap_set_flag(next, CAP_EFFECTIVE, 1, &capability, CAP_SET) < 0))
			result = -errno;
	}
	if (result == 0 && cap_set_proc(next) < 0)
		result = -errno;
	cap_free(next);
	cap_free(now);
	return result;
}

int clinux_keep_capabilities(uint64_t keep)
{
	/* The bounding set first: dropping from it takes CAP_SETPCAP, which goes with the rest. */
	for (cap_value_t capability = 0; capability < cap_max_bits(); capability++)
		if (!(keep & BIT(capability)) && cap_get_bound(capability) == 1 && cap_drop_bound(capability) < 0)
			return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return set_sets(keep);
}

uint64_t clinux_effective_capabilities(void)
{
	uint64_t mask = 0;
	cap_t now = cap_get_proc();
	if (!now)
		return 0;
	for (cap_value_t capability = 0; capability < cap_max_bits(); capability++) {
		cap_flag_value_t effective = CAP_CLEAR;
		if (cap_get_flag(now, capability, CAP_EFFECTIVE, &effective) == 0 && effective == CAP_SET)
			mask |= BIT(capability);
	}
	cap_free(now);
	return mask;
}
