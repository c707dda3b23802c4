#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H
#include <stdint.h>

/*
 * stat(2) and fstat(2), errno included. Where Foundation's modules are loaded beside Glibc's, Swift's compiler may take either
 * for the one that defines `struct stat`, and asks for an import of it: which one depends on the order of the files.
 */
struct clinux_file {
	uint64_t device, inode;
	int64_t size;
	/* Of the last change of its content. */
	int64_t seconds, nanoseconds;
	uint32_t mode, uid, gid;
};

int clinux_look_at_file(const char *_Nonnull path, struct clinux_file *_Nonnull facts);
int clinux_look_at_open_file(int file, struct clinux_file *_Nonnull facts);

#endif
