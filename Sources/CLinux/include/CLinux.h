#ifndef CLINUX_H
#define CLINUX_H
#include "bpf_map.h"
#include "fdpass.h"
#include "files.h"
#include "harden.h"
#include "memory.h"
#include "names.h"
#include "polling.h"
#include "spawn_process.h"
#include "watch.h"
#endif
