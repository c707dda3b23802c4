/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MB_OBJECT_H
#define MB_OBJECT_H

#include <bpf/libbpf.h>
#include <stddef.h>

/* The compiled bpf/capture.bpf.c (with MB_SHIFTED the variant of it that has this); #embed is C only. */
const void *_Nonnull mb_capture_object(size_t *_Nonnull length);

/* bpf_object__open_mem(): its options need a C macro. NULL with errno on failure. */
struct bpf_object *_Nullable mb_object_open(const void *_Nonnull bytes, size_t length, const char *_Nonnull name);

/* Runs a raw tracepoint's program once, with these as its arguments; what it returned, or -1 with errno. */
int mb_program_run(int program, const void *_Nonnull context, size_t length);

#endif
