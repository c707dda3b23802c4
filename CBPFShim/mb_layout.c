// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "mb_layout.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MB_LAYOUT_DEPTH 8

struct mb_walk {
	const struct btf *btf;
	struct mb_leaf *leaves;
	size_t capacity;
	size_t count;
	char path[MB_LEAF_PATH];
};

static int mb_walk_type(struct mb_walk *walk, uint32_t id, uint32_t offset, int depth);

static int mb_walk_leaf(struct mb_walk *walk, uint32_t offset, uint32_t size, uint32_t kind)
{
	struct mb_leaf *leaf;

	if (walk->count == walk->capacity)
		return -E2BIG;
	leaf = &walk->leaves[walk->count++];
	memcpy(leaf->path, walk->path, sizeof(leaf->path));
	leaf->offset = offset;
	leaf->size = size;
	leaf->kind = kind;
	return 0;
}

/* Walks what lies one step further down, and takes the step back. */
static int mb_walk_step(struct mb_walk *walk, const char *step, uint32_t id, uint32_t offset, int depth)
{
	size_t length = strlen(walk->path);
	int result;

	if (length + strlen(step) >= sizeof(walk->path))
		return -E2BIG;
	strcpy(walk->path + length, step);
	result = mb_walk_type(walk, id, offset, depth + 1);
	walk->path[length] = 0;
	return result;
}

static int mb_walk_struct(struct mb_walk *walk, const struct btf_type *type, uint32_t offset, int depth)
{
	const struct btf_member *members = btf_members(type);
	char step[MB_LEAF_PATH];
	int result;

	for (int i = 0; i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(walk->btf, members[i].name_off);
		uint32_t bits = btf_member_bit_offset(type, i);

		if (!name || !*name || btf_member_bitfield_size(type, i) || bits % 8)
			return -EINVAL;
		if ((size_t)snprintf(step, sizeof(step), "%s%s", *walk->path ? "." : "", name) >= sizeof(step))
			return -E2BIG;
		result = mb_walk_step(walk, step, members[i].type, offset + bits / 8, depth);
		if (result)
			return result;
	}
	return 0;
}

static int mb_walk_array(struct mb_walk *walk, const struct btf_type *type, uint32_t offset, int depth)
{
	const struct btf_array *array = btf_array(type);
	long long size = btf__resolve_size(walk->btf, array->type);
	char step[16];
	int result;

	if (size <= 0)
		return -EINVAL;
	if (size == 1)
		return mb_walk_leaf(walk, offset, array->nelems, MB_LEAF_BYTES);
	for (uint32_t i = 0; i < array->nelems; i++) {
		snprintf(step, sizeof(step), "[%u]", i);
		result = mb_walk_step(walk, step, array->type, offset + i * (uint32_t)size, depth);
		if (result)
			return result;
	}
	return 0;
}

static int mb_walk_type(struct mb_walk *walk, uint32_t id, uint32_t offset, int depth)
{
	int resolved = btf__resolve_type(walk->btf, id);
	const struct btf_type *type;

	if (depth > MB_LAYOUT_DEPTH)
		return -E2BIG;
	type = resolved < 0 ? NULL : btf__type_by_id(walk->btf, (uint32_t)resolved);
	if (!type)
		return -EINVAL;
	if (btf_is_int(type) || btf_is_any_enum(type))
		return mb_walk_leaf(walk, offset, type->size, MB_LEAF_INTEGER);
	if (btf_is_struct(type))
		return mb_walk_struct(walk, type, offset, depth);
	if (btf_is_array(type))
		return mb_walk_array(walk, type, offset, depth);
	return -EINVAL;
}

int mb_map_layout(const struct bpf_object *object, const struct bpf_map *map, int values, struct mb_leaf *leaves,
		  size_t capacity)
{
	struct mb_walk walk = { .btf = bpf_object__btf(object), .leaves = leaves, .capacity = capacity };
	uint32_t id = values ? bpf_map__btf_value_type_id(map) : bpf_map__btf_key_type_id(map);
	int result;

	if (!walk.btf || !id)
		return 0;
	result = mb_walk_type(&walk, id, 0, 0);
	return result ? result : (int)walk.count;
}
