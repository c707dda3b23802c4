// SPDX-License-Identifier: Apache-2.0
// What the bench's programs share: clock, addresses, sockets, a latency histogram, the machine's CPU time.
#pragma once

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
	va_list arguments;
	int error = errno;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
	exit(1);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

// Ends with the process that started it, however that one ends; descriptors up to the hard limit; no timer slack.
static inline void prepare_process(void)
{
	struct rlimit limit;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_TIMERSLACK, 1);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static inline struct sockaddr_in parse_address(const char *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[64];
	const char *colon = strrchr(text, ':');

	errno = 0;
	if (!colon || (size_t)(colon - text) >= sizeof(host))
		die("'%s' is not address:port", text);
	memcpy(host, text, colon - text);
	host[colon - text] = 0;
	address.sin_port = htons(atoi(colon + 1));
	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		die("'%s' is not an IPv4 address", host);
	return address;
}

static inline void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static inline void set_nodelay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static inline int listen_at(const char *text)
{
	struct sockaddr_in address = parse_address(text);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8192))
		die("listening on %s", text);
	return fd;
}

// Moves this process into a cgroup, so that what it connects afterwards is captured there.
static inline void enter_cgroup(const char *path)
{
	char name[4096];
	int fd;

	snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die("entering %s", path);
	close(fd);
}

// A histogram of nanoseconds: 128 steps for every power of two, so at most 0.8 % off.
#define STEPS 128
#define BUCKETS (58 * STEPS)

struct histogram {
	uint64_t count, total, largest;
	uint32_t buckets[BUCKETS];
};

static inline unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < 2 * STEPS)
		return value;
	shift = 63 - __builtin_clzll(value) - 7;
	return (shift << 7) + (unsigned)(value >> shift);
}

static inline uint64_t value_of(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2 * STEPS)
		return bucket;
	shift = (bucket >> 7) - 1;
	return ((uint64_t)(bucket - (shift << 7)) << shift) + ((1ull << shift) >> 1);
}

static inline void record(struct histogram *h, uint64_t value)
{
	unsigned bucket = bucket_of(value);

	h->buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	h->count++;
	h->total += value;
	if (value > h->largest)
		h->largest = value;
}

static inline double percentile_us(const struct histogram *h, double part)
{
	uint64_t wanted = (uint64_t)(part * h->count + 0.9999), seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen && seen >= wanted)
			return value_of(i) / 1e3;
	}
	return 0;
}

static inline void print_histogram(const struct histogram *h)
{
	printf("\"mean_us\": %.2f, \"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f, \"max_us\": %.2f",
	       h->count ? h->total / 1e3 / h->count : 0, percentile_us(h, 0.5), percentile_us(h, 0.99),
	       percentile_us(h, 0.999), h->largest / 1e3);
}

// The whole machine's time since boot, over all processors. Busy is what was neither idle nor waiting nor stolen by the
// hypervisor: the kernel knows idle times exactly, while it only samples who was busy. /proc/stat prints them in steps of
// 10 ms; /proc/timer_list, where root may read it, prints the same counters in nanoseconds.
struct machine {
	uint64_t at, idle_us, stolen_us;
};

static inline uint64_t idle_from_timer_list(void)
{
	unsigned long long value, total = 0;
	char line[256];
	FILE *file = fopen("/proc/timer_list", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " .idle_sleeptime : %llu", &value) == 1 || sscanf(line, " .iowait_sleeptime: %llu", &value) == 1)
			total += value;
	if (file)
		fclose(file);
	return total / 1000;
}

static inline struct machine read_machine(void)
{
	unsigned long long f[8] = {0};
	struct machine m = {0};
	FILE *file = fopen("/proc/stat", "re");

	if (!file || fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", f, f + 1, f + 2, f + 3, f + 4, f + 5,
			    f + 6, f + 7) != 8)
		die("reading /proc/stat");
	fclose(file);
	m.at = now_ns();
	m.idle_us = idle_from_timer_list();
	if (!m.idle_us)
		m.idle_us = (f[3] + f[4]) * (1000000 / sysconf(_SC_CLK_TCK));
	m.stolen_us = f[7] * (1000000 / sysconf(_SC_CLK_TCK));
	return m;
}

static inline double busy_us(struct machine from, struct machine to)
{
	double all = (to.at - from.at) / 1e3 * sysconf(_SC_NPROCESSORS_ONLN);
	double busy = all - (double)(to.idle_us - from.idle_us) - (double)(to.stolen_us - from.stolen_us);

	return busy > 0 ? busy : 0;
}
