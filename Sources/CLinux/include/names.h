#ifndef CLINUX_NAMES_H
#define CLINUX_NAMES_H
#include <stddef.h>
#include <stdint.h>

/*
 * Asks the first name server of /etc/resolv.conf for the records of `type` (1: A, 28: AAAA) of `name`, search list included,
 * and writes their answer, a DNS message, to `buffer`. Returns its length, which may be above `size` for one that did not
 * fit, -1 when there is none, or -2 when the server is silent. Blocks, for a second for each domain searched at most.
 */
int clinux_ask_names(const char *name, int type, uint8_t *buffer, size_t size);

#endif
