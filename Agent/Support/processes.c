#define _GNU_SOURCE
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command_support.h"

int dsmp_pidfd_open(int process_id) { return (int)syscall(SYS_pidfd_open, process_id, 0); }

int dsmp_pidfd_send_signal(int descriptor, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0);
}

short dsmp_spawn_setsid(void) { return POSIX_SPAWN_SETSID; }
