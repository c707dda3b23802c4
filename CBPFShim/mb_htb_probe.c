/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#define _GNU_SOURCE
#include "mb_qdisc.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#define LOOPBACK 1 /* the first device of every network namespace */

/* The namespace is the thread's alone and goes with it. */
static void *probe(void *result)
{
	struct mb_tc_socket socket;
	int *answer = result;

	if (unshare(CLONE_NEWNET)) {
		*answer = -errno;
		return NULL;
	}
	*answer = mb_tc_open(&socket);
	if (*answer)
		return NULL;
	*answer = mb_htb_replace(&socket, LOOPBACK, 1 << 16, 2, 10);
	mb_tc_close(&socket);
	return NULL;
}

int mb_htb_probe(void)
{
	pthread_t thread;
	int answer = 0;
	int error = pthread_create(&thread, NULL, probe, &answer);

	if (error)
		return -error;
	pthread_join(thread, NULL);
	/* The kernel knows no qdisc of this kind, and has no module of it. */
	if (answer == -ENOENT || answer == -EOPNOTSUPP)
		return 0;
	return answer ? answer : 1;
}
