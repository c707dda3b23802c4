// SPDX-License-Identifier: Apache-2.0
// The callers of the bench, in one thread. Prints one line of JSON.
//
//   load closed ADDRESS:PORT -c CONNECTIONS -d SECONDS [-w WARM-UP] [-b REQUEST BYTES] [-o ANSWER BYTES]
//   load open   ... -r REQUESTS/S   latency counts from when the request was due, not from when it could be sent
//   load stream ... -r EVENTS/S     one stream for each connection; delay of each event by the time stamp in it;
//                                   -s MS: events come in steps of so many milliseconds
//   load hold   ... (no -d)         one request for each connection, then idle until stdin ends, then one request more
//
// -g CGROUP: enter it first. -m MODEL: what the request names. -p PATH. -k KEY: the API key that it carries.
#include "common.h"
#include <poll.h>

#define BUFFER (1 << 18)
#define HEAD_MAX 8192
#define EVENT 256
#define MOST_ERRORS 10000

enum mode { CLOSED, OPEN, STREAM, HOLD };
enum part { HEAD, LENGTH, CHUNK_SIZE, CHUNK, CHUNK_END };

struct connection {
	int fd;
	enum part part;
	bool busy, waits, last_chunk, watching_output;
	unsigned used, event_used, expected; // bytes of the head; of the event; next event's number
	size_t to_send;
	uint64_t rest, began, chunk;
	char *head;
	char event[EVENT];
};

static enum mode mode;
static struct sockaddr_in target;
static const char *target_text, *model = "bench", *path = "/v1/chat/completions", *key;
static unsigned connections = 1, input = 1024, output = 1024, step = 1;
static double duration = 1, warm_up = 0.2, rate;
static char *request, buffer[BUFFER];
static size_t request_size;
static struct connection *all;
static int poller;
static struct histogram latencies;
static uint64_t measured_from = UINT64_MAX, done, errors, refusals, lost, bytes;
static struct machine before;
static struct connection **idle; // ring of those that wait for a request; each is in it at most once
static uint64_t idle_first, idle_last;
static uint64_t *backlog, backlog_first, backlog_last; // ring of due times
#define BACKLOG (1u << 20)

static void make_request(void)
{
	char extra[96] = "", credential[160] = "";
	size_t room = input + 1024;
	char *body = malloc(room);
	int n = snprintf(body, room, "{\"model\":\"%s\",%s\"messages\":[{\"role\":\"user\",\"content\":\"", model,
			 mode == STREAM ? "\"stream\":true," : "");

	while (n < (int)input - 4)
		body[n++] = 'a';
	memcpy(body + n, "\"}]}", 4);
	n += 4;
	if (mode == STREAM)
		snprintf(extra, sizeof(extra), "x-bench-stream: %u\r\nx-bench-step: %u\r\n", (unsigned)rate, step);
	if (key)
		snprintf(credential, sizeof(credential), "Authorization: Bearer %s\r\n", key);
	request = malloc(n + 1024);
	request_size = snprintf(request, 1024,
				"POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n"
				"Content-Type: application/json\r\nx-bench-output-bytes: %u\r\n%s%sContent-Length: %d\r\n\r\n",
				path, target_text, output, credential, extra, n);
	memcpy(request + request_size, body, n);
	request_size += n;
	free(body);
}

static void open_connection(struct connection *c)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("opening a socket");
	if (connect(c->fd, (struct sockaddr *)&target, sizeof(target)))
		die("connecting to %s", target_text);
	set_nonblocking(c->fd);
	set_nodelay(c->fd);
	epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
	c->part = HEAD;
	c->used = c->event_used = c->expected = 0;
	c->to_send = 0;
	c->watching_output = false;
}

static void watch(struct connection *c, bool output_too)
{
	struct epoll_event e = {.events = EPOLLIN | (output_too ? EPOLLOUT : 0), .data.ptr = c};

	if (c->watching_output != output_too)
		epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
	c->watching_output = output_too;
}

static void push_request(struct connection *c)
{
	ssize_t n = send(c->fd, request + request_size - c->to_send, c->to_send, 0);

	if (n > 0)
		c->to_send -= n;
	watch(c, c->to_send > 0); // an error is seen on reading
}

static void start_request(struct connection *c, uint64_t due)
{
	c->busy = true;
	c->began = due;
	c->to_send = request_size;
	push_request(c);
}

static void failed(struct connection *c)
{
	if (getenv("BENCH_DEBUG"))
		fprintf(stderr, "failed: part %d, sent %d, errno %d\n", c->part, (int)(request_size - c->to_send), errno);
	if (++errors > MOST_ERRORS)
		die("more than %d errors", MOST_ERRORS);
	close(c->fd);
	open_connection(c);
	c->busy = false;
}

// What a connection does after its answer, or after an error.
static void next(struct connection *c)
{
	c->busy = false;
	if (mode == CLOSED) {
		start_request(c, now_ns());
	} else if (mode == OPEN) {
		if (backlog_first != backlog_last)
			start_request(c, backlog[backlog_first++ % BACKLOG]);
		else if (!c->waits) {
			idle[idle_last++ % connections] = c;
			c->waits = true;
		}
	}
}

static void answered(struct connection *c)
{
	if (c->began >= measured_from) {
		record(&latencies, now_ns() - c->began);
		done++;
	}
	next(c);
}

static void take_event(struct connection *c)
{
	uint64_t stamp = strtoull(c->event + 12, NULL, 10), now = now_ns();
	unsigned number = strtoul(c->event + 12 + 20 + 7, NULL, 10);

	if (number != c->expected)
		lost += number - c->expected;
	c->expected = number + 1;
	if (stamp >= measured_from && now >= stamp) {
		record(&latencies, now - stamp);
		done++;
	}
}

// Bytes of a body: for streams, events of a fixed size.
static void take_body(struct connection *c, const char *data, size_t size)
{
	bytes += size;
	while (mode == STREAM && size) {
		size_t n = EVENT - c->event_used < size ? EVENT - c->event_used : size;

		memcpy(c->event + c->event_used, data, n);
		c->event_used += n;
		data += n;
		size -= n;
		if (c->event_used == EVENT) {
			c->event_used = 0;
			take_event(c);
		}
	}
}

// False: an answer that is none.
static bool take_head(struct connection *c, const char *head)
{
	int status = strncmp(head, "HTTP/1.1 ", 9) ? 0 : atoi(head + 9);
	const char *length = strcasestr(head, "\ncontent-length:"), *coding = strcasestr(head, "\ntransfer-encoding:");

	if (status == 429)
		refusals++;
	else if (status != 200) {
		if (errors == 0)
			fprintf(stderr, "load: unexpected answer: %.200s\n", head);
		return false;
	}
	c->part = coding ? CHUNK_SIZE : LENGTH;
	c->chunk = 0;
	c->rest = length ? strtoull(length + 16, NULL, 10) : 0;
	return coding || length;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

// Takes what was read; false: broken.
static bool take_bytes(struct connection *c, char *data, size_t size)
{
	while (size) {
		size_t n;
		char *stop;

		switch (c->part) {
		case HEAD:
			if (!c->busy)
				return false;
			if (c->used == 0 && (stop = memmem(data, size, "\r\n\r\n", 4))) {
				stop[2] = 0;
				char *head = data;
				size -= stop + 4 - data;
				data = stop + 4;
				if (!take_head(c, head))
					return false;
			} else {
				if (!c->head)
					c->head = malloc(HEAD_MAX);
				if (c->used == HEAD_MAX)
					return false;
				c->head[c->used++] = *data++;
				size--;
				if (c->used < 4 || memcmp(c->head + c->used - 4, "\r\n\r\n", 4))
					break;
				c->head[c->used - 1] = 0;
				c->used = 0;
				if (!take_head(c, c->head))
					return false;
			}
			if (c->part == LENGTH && c->rest == 0) {
				c->part = HEAD;
				answered(c);
			}
			break;
		case LENGTH:
		case CHUNK:
			n = c->rest < size ? c->rest : size;
			take_body(c, data, n);
			data += n;
			size -= n;
			c->rest -= n;
			if (c->rest == 0 && c->part == LENGTH) {
				c->part = HEAD;
				answered(c);
			} else if (c->rest == 0) {
				c->part = CHUNK_END;
			}
			break;
		case CHUNK_SIZE:
			if (hex(*data) >= 0) {
				c->chunk = c->chunk * 16 + hex(*data);
			} else if (*data == '\n') {
				c->last_chunk = c->chunk == 0;
				c->rest = c->chunk;
				c->chunk = 0;
				c->part = c->last_chunk ? CHUNK_END : CHUNK;
			} else if (*data != '\r') {
				return false;
			}
			data++;
			size--;
			break;
		case CHUNK_END:
			if (*data == '\n' && c->last_chunk) {
				c->part = HEAD;
				if (mode == STREAM)
					return false; // streams do not end
				answered(c);
			} else if (*data == '\n') {
				c->part = CHUNK_SIZE;
			}
			data++;
			size--;
			break;
		}
	}
	return true;
}

static void readable(struct connection *c)
{
	ssize_t n = recv(c->fd, buffer, BUFFER, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || !take_bytes(c, buffer, n)) {
		failed(c);
		next(c);
	}
}

static void handle(uint64_t timeout)
{
	struct timespec wait = {timeout / SECOND, timeout % SECOND};
	struct epoll_event ready[256];
	int n = epoll_pwait2(poller, ready, 256, &wait, NULL);

	for (int i = 0; i < n; i++) {
		struct connection *c = ready[i].data.ptr;

		if (ready[i].events & EPOLLOUT)
			push_request(c);
		if (ready[i].events & ~EPOLLOUT)
			readable(c);
	}
}

static bool any_busy(void)
{
	for (unsigned i = 0; i < connections; i++)
		if (all[i].busy)
			return true;
	return false;
}

static void finish_requests(void)
{
	uint64_t until = now_ns() + 10 * SECOND;

	while (any_busy() && now_ns() < until)
		handle(SECOND / 100);
	for (unsigned i = 0; i < connections; i++)
		errors += all[i].busy;
}

static void run_hold(void)
{
	struct pollfd input_end = {.fd = 0, .events = POLLIN};
	char byte;

	finish_requests();
	printf("{\"ready\": %u, \"errors\": %llu}\n", connections, (unsigned long long)errors);
	fflush(stdout);
	while (poll(&input_end, 1, 0) == 0)
		handle(SECOND / 20);
	if (read(0, &byte, 1) < 0)
		die("reading stdin");
	for (unsigned i = 0; i < connections; i++)
		start_request(&all[i], now_ns());
	finish_requests();
}

static void run_timed(void)
{
	uint64_t start = now_ns(), from = start + (uint64_t)(warm_up * SECOND);
	uint64_t until = from + (uint64_t)(duration * SECOND), due = start, now;
	uint64_t every = mode == OPEN ? (uint64_t)(SECOND / rate) : 0;

	while ((now = now_ns()) < until) {
		uint64_t wake = until;

		if (measured_from == UINT64_MAX && now >= from) {
			before = read_machine();
			measured_from = now;
			if (mode == STREAM)
				bytes = 0;
		}
		if (measured_from == UINT64_MAX)
			wake = from;
		for (; mode == OPEN && due <= now; due += every) {
			if (idle_first != idle_last) {
				struct connection *c = idle[idle_first++ % connections];

				c->waits = false;
				start_request(c, due);
			}
			else if (backlog_last - backlog_first < BACKLOG)
				backlog[backlog_last++ % BACKLOG] = due;
			else
				die("the backlog is full: %s does not keep up", target_text);
		}
		if (mode == OPEN && due < wake)
			wake = due;
		now = now_ns();
		handle(wake > now ? wake - now : 0);
	}
}

static void report(void)
{
	struct machine after = read_machine();
	double seconds = (after.at - before.at) / 1e9, busy = busy_us(before, after);

	// Requests still waiting to be sent count with the time that they have waited.
	for (; mode == OPEN && backlog_first != backlog_last; backlog_first++)
		record(&latencies, now_ns() - backlog[backlog_first % BACKLOG]);
	printf("{\"done\": %llu, \"errors\": %llu, \"refusals\": %llu, \"lost\": %llu, \"seconds\": %.4f, \"rate\": %.1f, ",
	       (unsigned long long)done, (unsigned long long)errors, (unsigned long long)refusals, (unsigned long long)lost,
	       seconds, done / seconds);
	print_histogram(&latencies);
	printf(", \"busy_cores\": %.3f, \"stolen_us\": %llu, \"cpu_us\": %.3f}\n", busy / 1e6 / seconds,
	       (unsigned long long)(after.stolen_us - before.stolen_us), done ? busy / done : 0);
}

static void read_options(int count, char **arguments)
{
	int option;

	while ((option = getopt(count, arguments, "c:d:w:b:o:r:s:g:m:p:k:")) != -1) {
		switch (option) {
		case 'c': connections = atoi(optarg); break;
		case 'd': duration = atof(optarg); break;
		case 'w': warm_up = atof(optarg); break;
		case 'b': input = atoi(optarg); break;
		case 'o': output = atoi(optarg); break;
		case 'r': rate = atof(optarg); break;
		case 's': step = atoi(optarg); break;
		case 'g': enter_cgroup(optarg); break;
		case 'm': model = optarg; break;
		case 'p': path = optarg; break;
		case 'k': key = optarg; break;
		default: exit(2);
		}
	}
}

int main(int count, char **arguments)
{
	static const char *const names[] = {"closed", "open", "stream", "hold"};
	int known = -1;

	for (int i = 0; count > 2 && i < 4; i++)
		if (!strcmp(arguments[1], names[i]))
			known = i;
	if (known < 0) {
		fprintf(stderr, "usage: load closed|open|stream|hold ADDRESS:PORT [options]\n");
		return 2;
	}
	mode = known;
	prepare_process();
	target_text = arguments[2];
	target = parse_address(target_text);
	read_options(count - 2, arguments + 2);
	if ((mode == OPEN || mode == STREAM) && rate <= 0)
		die("-r is missing");
	alarm(mode == HOLD ? 600 : (unsigned)(duration + warm_up) + 60);
	poller = epoll_create1(EPOLL_CLOEXEC);
	make_request();
	all = calloc(connections, sizeof(*all));
	idle = calloc(connections, sizeof(struct connection *));
	backlog = malloc(sizeof(*backlog) * BACKLOG);
	// Each connection asks at once: a silent captured one would be taken for another protocol.
	for (unsigned i = 0; i < connections; i++) {
		open_connection(&all[i]);
		start_request(&all[i], now_ns());
		if (i % 64 == 63)
			handle(0);
	}
	if (mode == HOLD)
		run_hold();
	else
		run_timed();
	if (mode == HOLD)
		printf("{\"alive\": %llu, \"errors\": %llu}\n", (unsigned long long)(connections - errors),
		       (unsigned long long)errors);
	else
		report();
}
