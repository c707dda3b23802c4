#ifndef CBPFSHIM_H
#define CBPFSHIM_H
#include "../../bpf/include/broker_abi.h"
#endif
