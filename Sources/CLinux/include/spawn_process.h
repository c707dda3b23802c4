#ifndef CLINUX_SPAWN_PROCESS_H
#define CLINUX_SPAWN_PROCESS_H
#include <sys/types.h>

/*
 * A program to start as another, unprivileged user in a cgroup. posix_spawn can neither join a cgroup before the
 * program opens its first socket nor change the user.
 */
struct clinux_spawn {
	const char *_Nonnull path;
	char *_Nullable const *_Nonnull argv; /* ends with NULL, as does envp */
	char *_Nullable const *_Nonnull envp;
	const char *_Nonnull cgroup_procs; /* file that the new process writes itself into */
	uid_t uid;
	gid_t gid;
};

/* Where a start failed. */
enum clinux_spawn_stage {
	CLINUX_SPAWN_FORK = 0,
	CLINUX_SPAWN_CGROUP = 1,
	CLINUX_SPAWN_DESCRIPTORS = 2,
	CLINUX_SPAWN_USER = 3,
	CLINUX_SPAWN_PRIVILEGES = 4,
	CLINUX_SPAWN_EXEC = 5,
};

/*
 * Starts the program in a session of its own, with every signal at its default, stdin from /dev/null, stdout and
 * stderr as here, all other descriptors closed, the soft descriptor limit at the hard one, no group but `gid`, no
 * capability and no way to gain one. Returns the pid once the program runs, or -errno with *stage set.
 */
pid_t clinux_spawn(const struct clinux_spawn *_Nonnull what, enum clinux_spawn_stage *_Nonnull stage);

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
