// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define _GNU_SOURCE
#include "mb_log.h"

#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The end of a log matters, and a verifier's log can be 16 MiB long. */
#define KEEP (1u << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *kept;
static size_t kept_length;

static void append(const char *text, size_t length)
{
	char *grown;

	if (length > KEEP) {
		text += length - KEEP;
		length = KEEP;
	}
	if (kept_length + length > KEEP) {
		size_t excess = kept_length + length - KEEP;

		memmove(kept, kept + excess, kept_length - excess);
		kept_length -= excess;
	}
	grown = realloc(kept, kept_length + length);
	if (!grown)
		return;
	kept = grown;
	memcpy(kept + kept_length, text, length);
	kept_length += length;
}

static int keep(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *text = NULL;
	int length;

	if (level == LIBBPF_DEBUG)
		return 0;
	length = vasprintf(&text, format, arguments);
	if (length <= 0)
		return 0;
	pthread_mutex_lock(&lock);
	append(text, (size_t)length);
	pthread_mutex_unlock(&lock);
	free(text);
	return length;
}

char *mb_log_take(size_t *length)
{
	char *taken;

	pthread_mutex_lock(&lock);
	taken = kept;
	*length = kept_length;
	kept = NULL;
	kept_length = 0;
	pthread_mutex_unlock(&lock);
	return taken;
}

void mb_log_start(void)
{
	size_t length;

	libbpf_set_print(keep);
	free(mb_log_take(&length));
}
