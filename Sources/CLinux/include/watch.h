#ifndef CLINUX_WATCH_H
#define CLINUX_WATCH_H

/* A non-blocking inotify descriptor that tells of files made in, or moved into, `path`; or -errno. */
int clinux_watch_directory(const char *_Nonnull path);

/* Reads and forgets what waits on a non-blocking descriptor. */
void clinux_drain(int fd);

/* A non-blocking descriptor that is readable when one of the (blocked) signals of a sigset_t came; or -errno. */
int clinux_signalfd(const void *_Nonnull signals);

#endif
