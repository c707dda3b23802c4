#include "files.h"
#include <sys/stat.h>

static struct clinux_file facts_of(const struct stat *status)
{
	return (struct clinux_file){
		.device = status->st_dev,
		.inode = status->st_ino,
		.size = status->st_size,
		.seconds = status->st_mtim.tv_sec,
		.nanoseconds = status->st_mtim.tv_nsec,
		.mode = status->st_mode,
		.uid = status->st_uid,
		.gid = status->st_gid,
	};
}

int clinux_look_at_file(const char *path, struct clinux_file *facts)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return -1;
	*facts = facts_of(&status);
	return 0;
}

int clinux_look_at_open_file(int file, struct clinux_file *facts)
{
	struct stat status;

	if (fstat(file, &status) != 0)
		return -1;
	*facts = facts_of(&status);
	return 0;
}
