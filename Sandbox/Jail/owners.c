// Identity maps of mounts (Specs/sandbox.md, section 6.3).
#define _GNU_SOURCE
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int owners_open(uint32_t user, uint32_t group, const struct plan *plan) {
    char users[64], groups[64], path[64];
    int result = -1;
    // A namespace exists as long as a process is in it or a descriptor names it: a child lives that long.
    pid_t child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        for (;;) pause();
    }
    if (child < 0) return -1;
    snprintf(users, sizeof users, "%u %u 1\n", user, plan->kernel_user);
    snprintf(groups, sizeof groups, "%u %u 1\n", group, plan->kernel_group);
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)child);
    if (write_identity(child, "uid_map", users) && write_identity(child, "gid_map", groups))
        result = open(path, O_RDONLY | O_CLOEXEC);
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
    return result;
}
