#define _GNU_SOURCE
#include "include/watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

int clinux_watch_directory(const char *path)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (inotify_add_watch(fd, path, IN_CREATE | IN_MOVED_TO) < 0) {
		int code = errno;

		close(fd);
		return -code;
	}
	return fd;
}

void clinux_drain(int fd)
{
	char buffer[4096];

	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
}

int clinux_signalfd(const void *signals)
{
	int fd = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}
