#define _GNU_SOURCE
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command_support.h"

int dsmp_pidfd_open(int process_id) { return (int)syscall(SYS_pidfd_open, process_id, 0); }

int dsmp_pidfd_send_signal(int descriptor, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0);
}

int dsmp_spawn_close_from(posix_spawn_file_actions_t *actions, int descriptor) {
    return posix_spawn_file_actions_addclosefrom_np(actions, descriptor);
}

short dsmp_spawn_setsid(void) { return POSIX_SPAWN_SETSID; }
