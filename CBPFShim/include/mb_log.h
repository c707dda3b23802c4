/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MB_LOG_H
#define MB_LOG_H

#include <stddef.h>

/*
 * libbpf reports through a callback that takes a va_list, which Swift cannot
 * implement. These two keep what it says, the verifier's log included, instead
 * of letting it go to stderr. One capture at a time: the caller takes turns.
 */

/* Installs the callback and forgets what was kept. */
void mb_log_start(void);

/* What was said since mb_log_start(); *length bytes, to be freed by the caller. NULL: nothing. */
char *_Nullable mb_log_take(size_t *_Nonnull length);

#endif
