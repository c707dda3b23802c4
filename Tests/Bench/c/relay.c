// SPDX-License-Identifier: Apache-2.0
// The floor: `relay LISTEN UPSTREAM THREADS` passes bytes both ways and does nothing else. One epoll loop, one listener
// and one preallocated buffer for each thread; a connection to the upstream for each accepted one.
#include "common.h"
#include <pthread.h>

#define BUFFER (64 * 1024)

struct side {
	int fd;
	struct side *other;
	char *pending; // bytes for this side that its socket did not take
	size_t at, size;
	bool closed;
};

static const char *listen_text, *upstream_text;

struct loop {
	int poller;
	struct side *dead[512];
	int dead_count;
	char buffer[BUFFER];
};

static void watch(struct loop *l, struct side *s, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = s};

	epoll_ctl(l->poller, EPOLL_CTL_MOD, s->fd, &e);
}

// Both sides go; their memory after this round of events, which may still name them.
static void end(struct loop *l, struct side *s)
{
	if (s->closed)
		return;
	s->closed = s->other->closed = true;
	close(s->fd);
	close(s->other->fd);
	l->dead[l->dead_count++] = s;
}

static void accept_one(struct loop *l, int listener)
{
	struct sockaddr_in upstream = parse_address(upstream_text);
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	int out = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (out < 0 || (connect(out, (struct sockaddr *)&upstream, sizeof(upstream)) && errno != EINPROGRESS)) {
		close(fd);
		if (out >= 0)
			close(out);
		return;
	}
	struct side *pair = calloc(2, sizeof(*pair));
	pair[0].fd = fd;
	pair[1].fd = out;
	for (int i = 0; i < 2; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = &pair[i]};

		pair[i].other = &pair[!i];
		set_nodelay(pair[i].fd);
		epoll_ctl(l->poller, EPOLL_CTL_ADD, pair[i].fd, &e);
	}
}

// Reads once and writes once; what the other side does not take is kept, and nothing is read until it is gone.
static void readable(struct loop *l, struct side *s)
{
	struct side *o = s->other;
	ssize_t n = recv(s->fd, l->buffer, BUFFER, 0), sent;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			end(l, s);
		return;
	}
	sent = send(o->fd, l->buffer, n, 0);
	if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) {
		end(l, s);
		return;
	}
	if (sent < 0)
		sent = 0;
	if (sent < n) {
		o->pending = malloc(n - sent);
		o->at = 0;
		o->size = n - sent;
		memcpy(o->pending, l->buffer + sent, n - sent);
		watch(l, s, 0);
		watch(l, o, EPOLLIN | EPOLLOUT);
	}
}

static void writable(struct loop *l, struct side *s)
{
	ssize_t n = send(s->fd, s->pending + s->at, s->size - s->at, 0);

	if (n < 0) {
		if (errno != EAGAIN)
			end(l, s);
		return;
	}
	s->at += n;
	if (s->at == s->size) {
		free(s->pending);
		s->pending = NULL;
		watch(l, s, EPOLLIN);
		// The other side may itself have bytes waiting for its socket.
		watch(l, s->other, s->other->pending ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

static void *run(void *unused)
{
	struct loop *l = calloc(1, sizeof(*l));
	int listener = listen_at(listen_text);
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];

	(void)unused;
	l->poller = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(l->poller, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(l->poller, ready, 256, -1);

		for (int i = 0; i < n; i++) {
			struct side *s = ready[i].data.ptr;
			if (!s) {
				accept_one(l, listener);
				continue;
			}
			if (!s->closed && (ready[i].events & EPOLLOUT) && s->pending)
				writable(l, s);
			// With bytes waiting for the other side, only an error or hang-up comes without EPOLLIN asked for.
			if (!s->closed && (ready[i].events & EPOLLIN) && !s->other->pending)
				readable(l, s);
			else if (!s->closed && (ready[i].events & (EPOLLERR | EPOLLHUP)))
				end(l, s);
		}
		while (l->dead_count) {
			struct side *s = l->dead[--l->dead_count], *first = s < s->other ? s : s->other;

			free(first[0].pending);
			free(first[1].pending);
			free(first);
		}
	}
	return NULL;
}

int main(int count, char **arguments)
{
	pthread_t thread;

	if (count != 4) {
		fprintf(stderr, "usage: relay LISTEN UPSTREAM THREADS\n");
		return 2;
	}
	prepare_process();
	listen_text = arguments[1];
	upstream_text = arguments[2];
	for (int i = atoi(arguments[3]); i > 1; i--)
		if (pthread_create(&thread, NULL, run, NULL))
			die("starting a thread");
	run(NULL);
}
