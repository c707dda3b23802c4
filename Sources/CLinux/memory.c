#define _GNU_SOURCE
#include "include/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void clinux_limit_arenas(int count)
{
	mallopt(M_ARENA_MAX, count);
}

/* Relocations write to writable segments alone, so the others are still as the file has them. */
static int release_object(struct dl_phdr_info *info, size_t size, void *unused)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		uintptr_t end = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;

		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		/* Fails for what is no file, as the vdso, or locked: that stays. */
		madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void clinux_release_start_memory(void)
{
	malloc_trim(0);
	dl_iterate_phdr(release_object, NULL);
}
