#ifndef CLINUX_H
#define CLINUX_H
#include "../../../bpf/include/broker_abi.h"
#include "fdpass.h"
#include "spawn_process.h"
#endif
