// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "mb_object.h"

#include <bpf/bpf.h>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
#if !__has_embed("../bpf/build/capture.bpf.o")
#error "bpf/build/capture.bpf.o is missing: run make -C bpf"
#endif
/* libbpf parses it in place as ELF, which wants eight-byte alignment. */
static const unsigned char capture[] __attribute__((aligned(8))) = {
#ifndef MB_SHIFTED
#embed "../bpf/build/capture.bpf.o"
#else
#embed "../bpf/build/shifted.bpf.o"
#endif
};
#pragma clang diagnostic pop

const void *mb_capture_object(size_t *length)
{
	*length = sizeof(capture);
	return capture;
}

struct bpf_object *mb_object_open(const void *bytes, size_t length, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);

	return bpf_object__open_mem(bytes, length, &options);
}

int mb_program_run(int program, const void *context, size_t length)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = (__u32)length);
	int result = bpf_prog_test_run_opts(program, &options);

	return result < 0 ? result : (int)(options.retval & 0x7fffffff);
}
