// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "mb_caps.h"

#include <errno.h>
#include <sys/capability.h>

static int holds(uint64_t set, cap_value_t value)
{
	return value < 64 && (set >> value & 1);
}

int mb_caps_effective(uint64_t *set)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t flag;

	if (!caps)
		return -errno;
	*set = 0;
	for (cap_value_t value = 0; value < 64 && CAP_IS_SUPPORTED(value); value++)
		if (!cap_get_flag(caps, value, CAP_EFFECTIVE, &flag) && flag == CAP_SET)
			*set |= UINT64_C(1) << value;
	cap_free(caps);
	return 0;
}

static int drop_bounding(uint64_t kept)
{
	for (cap_value_t value = 0; CAP_IS_SUPPORTED(value); value++)
		if (!holds(kept, value) && cap_get_bound(value) > 0 && cap_drop_bound(value))
			return -errno;
	return 0;
}

static int limit(cap_t caps, uint64_t kept)
{
	cap_flag_value_t had;

	for (cap_value_t value = 0; CAP_IS_SUPPORTED(value); value++) {
		if (cap_get_flag(caps, value, CAP_PERMITTED, &had))
			return -errno;
		if (!holds(kept, value))
			had = CAP_CLEAR;
		if (cap_set_flag(caps, CAP_PERMITTED, 1, &value, had) ||
		    cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, had) ||
		    cap_set_flag(caps, CAP_INHERITABLE, 1, &value, CAP_CLEAR))
			return -errno;
	}
	return cap_set_proc(caps) ? -errno : 0;
}

int mb_caps_keep(uint64_t set)
{
	cap_t caps;
	int error = drop_bounding(set);

	if (error)
		return error;
	if (CAP_AMBIENT_SUPPORTED() && cap_reset_ambient())
		return -errno;
	caps = cap_get_proc();
	if (!caps)
		return -errno;
	error = limit(caps, set);
	cap_free(caps);
	return error;
}
