// SPDX-License-Identifier: Apache-2.0
// The inference server of the bench: `upstream ADDRESS:PORT`.
//
// A POST gets a JSON body of as many bytes as its `x-bench-output-bytes` asks for (default 1024), or, with
// `x-bench-stream: RATE`, events of 256 bytes in chunks for as long as it stays connected. Each event bears its number
// and the CLOCK_MONOTONIC time at which it was written. One thread; a timer wakes it every millisecond while streams
// are open, and between the ticks the process sleeps. Each stream has its own phase, in milliseconds; with
// `x-bench-step: MS` phases are multiples of that, so that many streams get their events at once, as from an engine that
// computes a token for each of them in one step.
#include "common.h"
#include <sys/timerfd.h>

#define WHEEL 1024
#define EVENT 256
#define FRAMED (EVENT + 7) // "100\r\n" before, "\r\n" after
#define HEAD_MAX 16384
#define ANSWER_MAX (1 << 20)

struct connection {
	int fd;
	unsigned period, number; // ms between events, 0: no stream
	struct connection *next, **link;
	uint64_t skip; // bytes of the request's body still to come
	unsigned used, answer; // bytes of an unfinished head; size of the answer due after the body
	bool due;
	char *pending; // what the socket did not take
	size_t pending_at, pending_size;
	char head[];
};

static int poller, ticker;
static struct connection *wheel[WHEEL];
static uint64_t tick;
static unsigned streams, phase;
static char answer[ANSWER_MAX + 512], scratch[1 << 18];
static char event[FRAMED + 1];

static void arm(void)
{
	struct itimerspec every = {0};

	if (streams)
		every.it_value.tv_nsec = every.it_interval.tv_nsec = 1000000;
	timerfd_settime(ticker, 0, &every, NULL);
}

static void put(struct connection *c, unsigned slot)
{
	c->next = wheel[slot];
	c->link = &wheel[slot];
	if (c->next)
		c->next->link = &c->next;
	wheel[slot] = c;
}

static void take(struct connection *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
}

static void end(struct connection *c)
{
	if (c->period) {
		take(c);
		if (--streams == 0)
			arm();
	}
	close(c->fd);
	free(c->pending);
	free(c);
}

static void watch(struct connection *c, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};

	epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

// Writes all of it or keeps the rest; false: the connection is broken.
static bool send_all(struct connection *c, const char *bytes, size_t size)
{
	ssize_t n = send(c->fd, bytes, size, 0);

	if (n < 0 && errno != EAGAIN)
		return false;
	if (n < 0)
		n = 0;
	if ((size_t)n == size)
		return true;
	c->pending = malloc(size - n);
	c->pending_at = 0;
	c->pending_size = size - n;
	memcpy(c->pending, bytes + n, size - n);
	watch(c, EPOLLIN | EPOLLOUT);
	return true;
}

static bool flush(struct connection *c)
{
	ssize_t n = send(c->fd, c->pending + c->pending_at, c->pending_size - c->pending_at, 0);

	if (n < 0)
		return errno == EAGAIN;
	c->pending_at += n;
	if (c->pending_at == c->pending_size) {
		free(c->pending);
		c->pending = NULL;
		watch(c, EPOLLIN);
	}
	return true;
}

static bool send_answer(struct connection *c, unsigned size)
{
	int head = sprintf(scratch, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %u\r\n\r\n", size);
	char *start = answer + 512 - head;

	memcpy(start, scratch, head);
	if (size >= 8) {
		bool sent;

		memcpy(answer + 512 + size - 2, "\"}", 2);
		sent = send_all(c, start, head + size);
		memset(answer + 512 + size - 2, 'a', 2);
		return sent;
	}
	return send_all(c, start, head + size);
}

static void digits(char *end, uint64_t value, int count)
{
	while (count--) {
		*--end = '0' + value % 10;
		value /= 10;
	}
}

// A stream whose socket takes no more loses the event; the reader sees that by the numbers.
static bool send_event(struct connection *c)
{
	unsigned number = c->number++;

	if (c->pending)
		return true;
	digits(event + 5 + 12 + 20, now_ns(), 20);
	digits(event + 5 + 12 + 20 + 7 + 10, number, 10);
	return send_all(c, event, FRAMED);
}

static bool start_stream(struct connection *c, unsigned rate, unsigned step)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
				   "X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n";

	c->period = 1000 / rate;
	put(c, ((tick / step + 1) * step + phase++ % (c->period / step) * step) % WHEEL);
	if (streams++ == 0)
		arm();
	return send_all(c, head, sizeof(head) - 1);
}

static const char *field(const char *head, const char *name)
{
	const char *line = strcasestr(head, name);

	return line ? line + strlen(name) : NULL;
}

// Takes a whole head; false: not what the bench sends.
static bool take_head(struct connection *c, const char *head)
{
	const char *length = field(head, "\ncontent-length:"), *size = field(head, "\nx-bench-output-bytes:");
	const char *stream = field(head, "\nx-bench-stream:"), *steps = field(head, "\nx-bench-step:");

	c->skip = length ? strtoull(length, NULL, 10) : 0;
	c->answer = size ? strtoul(size, NULL, 10) : 1024;
	if (c->answer > ANSWER_MAX)
		return false;
	c->due = true;
	if (stream) {
		unsigned rate = strtoul(stream, NULL, 10), step = steps ? strtoul(steps, NULL, 10) : 1;

		if (rate < 1 || rate > 1000 || step < 1 || step > 1000 / rate || c->period)
			return false;
		c->due = false;
		return start_stream(c, rate, step);
	}
	return true;
}

static bool take_bytes(struct connection *c, char *bytes, size_t size)
{
	while (size || c->due) {
		if (c->skip && size) {
			size_t n = c->skip < size ? c->skip : size;

			c->skip -= n;
			bytes += n;
			size -= n;
		}
		if (c->due && !c->skip) {
			c->due = false;
			if (!send_answer(c, c->answer))
				return false;
		}
		if (!size)
			return true;
		char *stop = c->used ? NULL : memmem(bytes, size, "\r\n\r\n", 4);
		if (stop) {
			stop[2] = 0;
			size -= stop + 4 - bytes;
			char *head = bytes;
			bytes = stop + 4;
			if (!take_head(c, head))
				return false;
			continue;
		}
		// A head in pieces: gather it byte by byte, it is rare.
		while (size) {
			if (c->used == HEAD_MAX)
				return false;
			c->head[c->used++] = *bytes++;
			size--;
			if (c->used >= 4 && !memcmp(c->head + c->used - 4, "\r\n\r\n", 4)) {
				c->head[c->used - 1] = 0;
				c->used = 0;
				if (!take_head(c, c->head))
					return false;
				break;
			}
		}
	}
	return true;
}

static bool readable(struct connection *c)
{
	ssize_t n = recv(c->fd, scratch + 1024, sizeof(scratch) - 1024, 0);

	if (n < 0)
		return errno == EAGAIN;
	return n > 0 && take_bytes(c, scratch + 1024, n);
}

static void accept_all(int listener)
{
	for (int i = 0; i < 64; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		struct connection *c = calloc(1, sizeof(*c) + HEAD_MAX);
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

		c->fd = fd;
		set_nodelay(fd);
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
	}
}

static void run_ticks(void)
{
	uint64_t passed = 0;

	if (read(ticker, &passed, sizeof(passed)) != sizeof(passed))
		return;
	while (passed--) {
		unsigned slot = ++tick % WHEEL;
		struct connection *c = wheel[slot], *next;

		wheel[slot] = NULL;
		for (; c; c = next) {
			next = c->next;
			put(c, (tick + c->period) % WHEEL);
			if (!send_event(c))
				shutdown(c->fd, SHUT_RDWR); // its end is then read
		}
	}
}

int main(int count, char **arguments)
{
	if (count != 2) {
		fprintf(stderr, "usage: upstream ADDRESS:PORT\n");
		return 2;
	}
	prepare_process();
	memset(answer, 'a', sizeof(answer));
	memcpy(answer + 512, "{\"p\":\"", 6);
	memset(event, 'x', sizeof(event));
	memcpy(event, "100\r\ndata: {\"t\":\"", 17);
	memcpy(event + 5 + 12 + 20, "\",\"s\":\"", 7);
	memcpy(event + 5 + 12 + 20 + 7 + 10, "\",\"p\":\"", 7);
	memcpy(event + 5 + EVENT - 4, "\"}\n\n\r\n", 6);
	int listener = listen_at(arguments[1]);
	poller = epoll_create1(EPOLL_CLOEXEC);
	ticker = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = &listener};
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
	e.data.ptr = &ticker;
	epoll_ctl(poller, EPOLL_CTL_ADD, ticker, &e);
	for (;;) {
		struct epoll_event ready[256];
		int n = epoll_wait(poller, ready, 256, -1);

		for (int i = 0; i < n; i++) {
			struct connection *c = ready[i].data.ptr;
			if (ready[i].data.ptr == &listener)
				accept_all(listener);
			else if (ready[i].data.ptr == &ticker)
				run_ticks();
			else if (((ready[i].events & EPOLLOUT) && c->pending && !flush(c)) ||
				 ((ready[i].events & ~EPOLLOUT) && !readable(c)))
				end(c);
		}
	}
}
