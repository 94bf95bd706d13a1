// Attempts on other processes and on the worker's own rights.
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int kill_init(void) {
    if (kill(1, SIGKILL) != 0) return errno;
    return kill(1, 0) == 0 ? CONTAINED : 0;
}

static int signal_strangers(void) {
    for (pid_t process = 2; process < 4096; process++) {
        if (process == getpid() || process == getppid()) continue;
        if (kill(process, 0) == 0 || errno == EPERM) return 0;
    }
    return ESRCH;
}

static int trace_init(void) { return outcome(ptrace(PTRACE_SEIZE, 1, NULL, NULL)); }
static int trace_parent(void) { return outcome(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL)); }
static int be_traced(void) { return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }

static int read_init(void) {
    char byte;
    struct iovec local = {&byte, 1}, remote = {(void *)0x400000, 1};
    return outcome(process_vm_readv(1, &local, 1, &remote, 1, 0));
}

static int take_descriptor(void) {
    int process = syscall(SYS_pidfd_open, getppid(), 0u);
    return process < 0 ? errno : outcome(syscall(SYS_pidfd_getfd, process, 0, 0u));
}

static int raise_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    return outcome(syscall(SYS_capset, &header, all));
}

static int privileges_again(void) { return outcome(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)); }
static int dump_as_root(void) { return outcome(prctl(PR_SET_DUMPABLE, 2, 0, 0, 0)); }
static int change_user(void) { return outcome(syscall(SYS_setuid, 1)); }
static int change_group(void) { return outcome(syscall(SYS_setgid, 1)); }
static int change_groups(void) { return outcome(setgroups(0, NULL)); }

static int real_time(void) {
    struct sched_param parameter = {.sched_priority = 1};
    return outcome(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameter));
}

static int first_in_line(void) { return outcome(setpriority(PRIO_PROCESS, 0, -20)); }

static int more_descriptors(void) {
    struct rlimit limit = {1 << 20, 1 << 20};
    return outcome(setrlimit(RLIMIT_NOFILE, &limit));
}

static int lock_everything(void) { return outcome(mlockall(MCL_CURRENT | MCL_FUTURE)); }
static int shared_memory(void) { return outcome(shmget(0x5bb5, 4096, IPC_CREAT | 0600)); }
static int limits_of_init(void) {
    struct rlimit limit = {1, 1};
    return outcome(prlimit(1, RLIMIT_NOFILE, &limit, NULL));
}

// A process that leaves its parent and session is still in the jail, so the jail's init reaps it.
static int leave_parent(void) {
    int ends[2];
    if (pipe(ends) != 0) return errno;
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            pid_t parent = getppid();
            for (int turn = 0; parent != 1 && turn < 100000; turn++) parent = sched_yield() == 0 ? getppid() : 1;
            _exit(write(ends[1], &parent, sizeof parent) < 0);
        }
        _exit(0);
    }
    pid_t parent = 0;
    close(ends[1]);
    return read(ends[0], &parent, sizeof parent) == sizeof parent && parent == 1 ? CONTAINED : 0;
}

const struct attempt process_attempts[] = {
    {"kill-init", kill_init, 0}, {"signal-strangers", signal_strangers, 1}, {"trace-init", trace_init, 0},
    {"trace-parent", trace_parent, 1}, {"be-traced", be_traced, 1}, {"read-init", read_init, 0},
    {"take-descriptor", take_descriptor, 1}, {"raise-capabilities", raise_capabilities, 0},
    {"privileges-again", privileges_again, 0}, {"dump-as-root", dump_as_root, 0}, {"change-user", change_user, 0},
    {"change-group", change_group, 0}, {"change-groups", change_groups, 0}, {"real-time", real_time, 0},
    {"first-in-line", first_in_line, 0}, {"more-descriptors", more_descriptors, 0},
    {"lock-everything", lock_everything, 0}, {"shared-memory", shared_memory, 1},
    {"limits-of-init", limits_of_init, 0}, {"leave-parent", leave_parent, 0}, {NULL, NULL, 0},
};
