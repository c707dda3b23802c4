#define _GNU_SOURCE
#include "spawn_process.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child tells its parent when it cannot become the program. */
struct failure {
	int stage;
	int error;
};

static int join_cgroup(const char *procs)
{
	int fd = open(procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int result = write(fd, "0", 1) == 1 ? 0 : -1;
	close(fd);
	return result;
}

/* stdin from /dev/null, stdout and stderr to `output`, the report pipe at 3, nothing above it. */
static int arrange_descriptors(int report, int output)
{
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, 0) < 0)
		return -1;
	if (output >= 0 && (dup2(output, 1) < 0 || dup2(output, 2) < 0))
		return -1;
	if (report != 3 && dup3(report, 3, O_CLOEXEC) < 0)
		return -1;
	if (syscall(SYS_close_range, 4u, ~0u, 0u) < 0)
		return -1;
	return 0;
}

/* Up to the hard limit; a program that gets fewer descriptors still runs. */
static void raise_soft_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int become_user(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	/* The raw calls: glibc's wrappers would signal the other threads, of which a forked child has none. */
	if (syscall(SYS_setgroups, count, groups) < 0 || syscall(SYS_setresgid, gid, gid, gid) < 0)
		return -1;
	return syscall(SYS_setresuid, uid, uid, uid) < 0 ? -1 : 0;
}

static int give_up_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
	memset(none, 0, sizeof(none));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_capset, &header, none);
}

static void reset_signals(void)
{
	struct sigaction standard;
	memset(&standard, 0, sizeof(standard));
	standard.sa_handler = SIG_DFL;
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void fail(int report, enum clinux_spawn_stage stage)
{
	struct failure failure = {.stage = stage, .error = errno};
	ssize_t ignored = write(report, &failure, sizeof(failure));
	(void)ignored;
	_exit(127);
}

/* Between fork and exec of a process with threads: async-signal-safe calls only. */
static void run_child(const struct clinux_program *program, int report)
{
	reset_signals();
	setsid();
	if (program->cgroup_procs && join_cgroup(program->cgroup_procs) < 0)
		fail(report, CLINUX_SPAWN_CGROUP);
	if (arrange_descriptors(report, program->output) < 0)
		fail(report, CLINUX_SPAWN_DESCRIPTORS);
	raise_soft_limit();
	if (!program->keeps_user && become_user(program->uid, program->gid, program->groups, program->group_count) < 0)
		fail(3, CLINUX_SPAWN_USER);
	if (give_up_privileges() < 0)
		fail(3, CLINUX_SPAWN_PRIVILEGES);
	if (program->directory && chdir(program->directory) < 0)
		fail(3, CLINUX_SPAWN_DIRECTORY);
	umask(022);
	execve(program->path, program->argv, program->envp);
	fail(3, CLINUX_SPAWN_EXEC);
}

pid_t clinux_spawn(const struct clinux_program *program, enum clinux_spawn_stage *stage)
{
	int report[2];
	struct failure failure;

	*stage = CLINUX_SPAWN_FORK;
	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	/* Nothing may be delivered in the child before it has the default dispositions. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		run_child(program, report[1]);
	int error = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return -error;
	}
	ssize_t got;
	do
		got = read(report[0], &failure, sizeof(failure));
	while (got < 0 && errno == EINTR);
	close(report[0]);
	if (got != (ssize_t)sizeof(failure))
		return pid; /* the pipe closed at exec */
	*stage = (enum clinux_spawn_stage)failure.stage;
	waitpid(pid, NULL, 0);
	return -failure.error;
}

int clinux_signal_group(pid_t leader, uid_t uid, gid_t gid, int signal_number)
{
	if (leader <= 1)
		return -EINVAL;
	if (uid == geteuid())
		return kill(-leader, signal_number) < 0 ? -errno : 0;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0) {
		if (become_user(uid, gid, NULL, 0) < 0 || kill(-leader, signal_number) < 0)
			_exit(errno & 0xff);
		_exit(0);
	}
	int error = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return -error;
	int status;
	pid_t got;
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got != pid || !WIFEXITED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

unsigned long clinux_raise_descriptor_limit(unsigned long wanted)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_max < wanted) {
		struct rlimit raised = {.rlim_cur = limit.rlim_cur, .rlim_max = wanted};
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			return wanted;
	}
	return limit.rlim_max;
}

int clinux_pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return fd < 0 ? -errno : fd;
}

int clinux_reap(pid_t pid, int *status)
{
	pid_t got;
	do
		got = waitpid(pid, status, WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got == pid ? 1 : 0;
}
