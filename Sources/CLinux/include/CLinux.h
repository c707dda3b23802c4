#ifndef CLINUX_H
#define CLINUX_H
#include "fdpass.h"
#include "loopback_address.h"
#include "privileges.h"
#include "spawn_process.h"
#endif
