/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MB_LAYOUT_H
#define MB_LAYOUT_H

#include <bpf/libbpf.h>
#include <stddef.h>
#include <stdint.h>

#define MB_LEAF_PATH 96

enum mb_leaf_kind {
	MB_LEAF_INTEGER = 1,
	MB_LEAF_BYTES = 2, /* an array of single bytes: text, an address */
};

/* A part of a key or a value that has no parts itself. */
struct mb_leaf {
	char path[MB_LEAF_PATH]; /* `qos[1].limits[0].burst`; empty: the whole is one integer */
	uint32_t offset; /* bytes */
	uint32_t size;
	uint32_t kind; /* enum mb_leaf_kind */
};

/*
 * What the keys (or values) of a map consist of, from the object's BTF. Returns how many there are; none for a map whose
 * keys or values have no type. -E2BIG: more than `capacity`; -EINVAL: something other than integers, arrays and
 * structures of them.
 */
int mb_map_layout(const struct bpf_object *_Nonnull object, const struct bpf_map *_Nonnull map, int values,
		  struct mb_leaf *_Nonnull leaves, size_t capacity);

#endif
