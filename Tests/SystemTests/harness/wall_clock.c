// Sets the wall clock of a process beside the machine's, by the nanoseconds in the file that WALL_CLOCK_FILE names: another
// process may change them at any time. To be preloaded (LD_PRELOAD). Waits for moments of the wall clock follow it, as the
// kernel's do when the machine's is set; other clocks, and the times of files, stay what they are.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
// So often a wait looks whether the clock has been set.
#define LOOK (SECOND / 10)

static const int64_t none;
static const int64_t *offset = &none;
static int (*next_gettime)(clockid_t, struct timespec *);
static int (*next_sem)(sem_t *, const struct timespec *);
static int (*next_cond)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("WALL_CLOCK_FILE");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *shared = mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, file, 0);

	if (file < 0 || shared == MAP_FAILED)
		abort();
	close(file);
	next_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	next_sem = dlsym(RTLD_NEXT, "sem_timedwait");
	next_cond = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	offset = shared;
}

static int64_t nanoseconds(const struct timespec *time) { return time->tv_sec * SECOND + time->tv_nsec; }

static struct timespec timespec(int64_t time) { return (struct timespec){ time / SECOND, time % SECOND }; }

static int64_t machine(clockid_t clock)
{
	struct timespec now;

	// Before anything is set up, libraries look at clocks, too.
	if (next_gettime ? next_gettime(clock, &now) : syscall(SYS_clock_gettime, clock, &now))
		return -1;
	return nanoseconds(&now);
}

static int64_t wall(void) { return machine(CLOCK_REALTIME) + __atomic_load_n(offset, __ATOMIC_RELAXED); }

int clock_gettime(clockid_t clock, struct timespec *result)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
		return next_gettime ? next_gettime(clock, result) : syscall(SYS_clock_gettime, clock, result);
	*result = timespec(wall());
	return 0;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone)
{
	int64_t now = wall();

	(void)zone;
	*result = (struct timeval){ now / SECOND, now % SECOND / 1000 };
	return 0;
}

time_t time(time_t *result)
{
	time_t now = wall() / SECOND;

	if (result)
		*result = now;
	return now;
}

// What of a wait comes next: true, and a moment of the machine's clock; false once `until` is over.
static int next_look(const struct timespec *until, struct timespec *look)
{
	int64_t left = nanoseconds(until) - wall();

	*look = timespec(machine(CLOCK_REALTIME) + (left < LOOK ? left : LOOK));
	return left > 0;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
	struct timespec look;

	while (next_look(until, &look)) {
		if (next_sem(semaphore, &look) == 0)
			return 0;
		if (errno != ETIMEDOUT)
			return -1;
	}
	if (sem_trywait(semaphore) == 0)
		return 0;
	errno = ETIMEDOUT;
	return -1;
}

int pthread_cond_timedwait(
	pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until)
{
	struct timespec look;

	// One of the clock since the machine was started, if the condition has that.
	if (until->tv_sec < 500000000)
		return next_cond(condition, mutex, until);
	while (next_look(until, &look)) {
		int result = next_cond(condition, mutex, &look);
		if (result != ETIMEDOUT)
			return result;
	}
	return ETIMEDOUT;
}
