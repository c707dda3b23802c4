#include "names.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

int clinux_ask_names(const char *name, int type, uint8_t *buffer, size_t size)
{
	struct __res_state state = { 0 };
	int length;

	if (res_ninit(&state) != 0)
		return -1;
	state.retrans = 1;
	state.retry = 1;
	if (state.nscount > 1)
		state.nscount = 1;
	length = res_nsearch(&state, name, C_IN, type, buffer, (int)size);
	if (length < 0 && state.res_h_errno == TRY_AGAIN)
		length = -2;
	res_nclose(&state);
	return length;
}
