// SPDX-License-Identifier: Apache-2.0
// `connector ADDRESS:PORT COUNT [CGROUP]`: times connect() and close(), one after the other. Connections are reset on
// close, so that none waits in TIME_WAIT for its port.
#include "common.h"

static struct histogram connects, closes;

int main(int count, char **arguments)
{
	if (count < 3 || count > 4) {
		fprintf(stderr, "usage: connector ADDRESS:PORT COUNT [CGROUP]\n");
		return 2;
	}
	prepare_process();
	if (count == 4)
		enter_cgroup(arguments[3]);
	struct sockaddr_in address = parse_address(arguments[1]);
	struct linger reset = {.l_onoff = 1};
	int wanted = atoi(arguments[2]), warm = wanted / 10;
	struct machine before = {0};

	alarm(60);
	for (int i = 0; i < wanted + warm; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (i == warm)
			before = read_machine();
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		uint64_t t0 = now_ns();
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
			die("connecting to %s", arguments[1]);
		uint64_t t1 = now_ns();
		close(fd);
		uint64_t t2 = now_ns();
		if (i >= warm) {
			record(&connects, t1 - t0);
			record(&closes, t2 - t1);
		}
	}
	struct machine after = read_machine();
	printf("{\"connects\": %d, ", wanted);
	print_histogram(&connects);
	printf(", \"close_mean_us\": %.2f, \"cpu_us\": %.2f}\n", closes.total / 1e3 / wanted, busy_us(before, after) / wanted);
}
