#ifndef CBROKERABI_H
#define CBROKERABI_H
/* The kernel plane's ABI for the proxy, which must not link what CBPFShim links. */
#include "../../../bpf/include/broker_abi.h"
#include "../../../bpf/include/gcra.h"
#include "../../../bpf/include/bucket.h"
#include "account.h"
#endif
