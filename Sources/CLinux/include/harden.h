#ifndef CLINUX_HARDEN_H
#define CLINUX_HARDEN_H

/*
 * Keeps what this process has in memory out of core files and from other processes of its user: no core is written, and
 * nobody without CAP_SYS_PTRACE may look into it. Its /proc/PID is root's from then on, but for itself. Returns 0 or -errno.
 */
int clinux_keep_memory_private(void);

#endif
