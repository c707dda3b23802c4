#ifndef CLINUX_SPAWN_PROCESS_H
#define CLINUX_SPAWN_PROCESS_H
#include <sys/types.h>

/*
 * A program to start without privileges in a cgroup, usually as another user. posix_spawn can neither join a cgroup before the
 * program opens its first socket nor change the user.
 */
struct clinux_program {
	const char *_Nonnull path;
	char *_Nullable const *_Nonnull argv; /* ends with NULL, as does envp */
	char *_Nullable const *_Nonnull envp;
	const char *_Nullable cgroup_procs; /* file that the new process writes itself into; NULL: it stays where it is */
	const char *_Nullable directory; /* entered last, as the program's user; NULL: it stays where it is */
	int output; /* becomes stdout and stderr; -1: as here */
	int keeps_user; /* what follows is void */
	uid_t uid;
	gid_t gid;
	const gid_t *_Nullable groups; /* beside `gid` */
	size_t group_count;
};

/* Where a start failed. */
enum clinux_spawn_stage {
	CLINUX_SPAWN_FORK = 0,
	CLINUX_SPAWN_CGROUP = 1,
	CLINUX_SPAWN_DESCRIPTORS = 2,
	CLINUX_SPAWN_USER = 3,
	CLINUX_SPAWN_PRIVILEGES = 4,
	CLINUX_SPAWN_EXEC = 5,
	CLINUX_SPAWN_DIRECTORY = 6,
};

/*
 * Starts the program in a session of its own, with every signal at its default, stdin from /dev/null, all
 * descriptors but the first three closed, the soft descriptor limit at the hard one, no group but those given, no
 * capability and no way to gain one. Returns the pid once the program runs, or -errno with *stage set.
 */
pid_t clinux_spawn(const struct clinux_program *_Nonnull program, enum clinux_spawn_stage *_Nonnull stage);

/*
 * Signals the process group of `leader`, whose processes run as `uid`: a child becomes that user first, so that it takes
 * CAP_SETUID and CAP_SETGID rather than CAP_KILL, and reaches nobody else's processes. Returns 0 or -errno.
 */
int clinux_signal_group(pid_t leader, uid_t uid, gid_t gid, int signal_number);

/* Raises the hard limit on descriptors to at least `wanted` if the kernel lets us. Returns the hard limit. */
unsigned long clinux_raise_descriptor_limit(unsigned long wanted);

/* A pidfd of the process (close-on-exec, non-blocking poll only), or -errno. */
int clinux_pidfd_open(pid_t pid);

/*
 * Collects a child that ended. Returns 1 with *status as from waitpid(2), 0 when it still runs, -ECHILD when it is not
 * ours, or another -errno.
 */
int clinux_reap(pid_t pid, int *_Nonnull status);

#endif
