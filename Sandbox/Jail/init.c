// The first process of a jail: builds it, starts the worker, reaps, and forwards signals (Specs/sandbox.md, section 6).
#define _GNU_SOURCE
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Waits until the keeper has written the identity maps. Its death closes the socket.
static void wait_for_keeper(void) {
    char go;
    ssize_t count;
    do count = recv(STATUS_DESCRIPTOR, &go, 1, 0);
    while (count < 0 && errno == EINTR);
    if (count != 1) _exit(EXIT_BROKEN);
}

// Closes every descriptor from 4 on but the named ones.
static void close_all_but(const int *kept, size_t count) {
    for (unsigned first = 4;;) {
        unsigned next = ~0u;
        for (size_t index = 0; index < count; index++)
            if (kept[index] >= 0 && (unsigned)kept[index] >= first && (unsigned)kept[index] < next) next = kept[index];
        if (next > first) syscall(SYS_close_range, first, next == ~0u ? next : next - 1, 0u);
        if (next == ~0u) return;
        first = next + 1;
    }
}

// Keeps what the plan needs. The status socket takes the place of the channel, which is the keeper's alone.
static void keep_descriptors(struct launch *launch) {
    int kept[MAXIMUM_MOUNTS + 4] = {launch->input, launch->output, launch->error, launch->control};
    for (size_t index = 0; index < launch->plan.mount_count; index++) kept[4 + index] = launch->plan.mounts[index].tree;
    if (dup3(launch->status, STATUS_DESCRIPTOR, O_CLOEXEC) < 0) fail(launch, "descriptors", "");
    launch->status = STATUS_DESCRIPTOR;
    close_all_but(kept, 4 + launch->plan.mount_count);
}

static void take_identity(const struct launch *launch) {
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) fail(launch, "identity", "");
    if (syscall(SYS_setresgid, INNER_ID, INNER_ID, INNER_ID) != 0) fail(launch, "identity", "group");
    if (syscall(SYS_setresuid, INNER_ID, INNER_ID, INNER_ID) != 0) fail(launch, "identity", "user");
    // The worker has the init's user: nothing of the init's memory may be reachable through /proc.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fail(launch, "identity", "");
    // Cleared by the change of user, so set now; a keeper that died before is noticed by the socket.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail(launch, "liveness", "");
    char byte;
    ssize_t count = recv(launch->status, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    if (count == 0) _exit(EXIT_BROKEN);
}

static void build(struct launch *launch) {
    struct problem problem = {0};
    take_identity(launch);
    // Only now, so that the worker sees its cgroup as the root.
    if (unshare(CLONE_NEWCGROUP) != 0) fail(launch, "namespaces", "cgroup");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail(launch, "mounts-private", "");
    if (!launch->is_root && !sources_open(&launch->plan, &problem)) {
        errno = problem.error;
        fail(launch, problem.step, problem.detail);
    }
    root_build(launch);
    if (sethostname("worker", 6) != 0) fail(launch, "hostname", "");
    confine_limits(launch);
    confine_privileges(launch);
}

// True when the worker's program runs; the worker itself reports its failures.
static bool is_running(int pipe) {
    char byte;
    ssize_t count;
    do count = read(pipe, &byte, 1);
    while (count < 0 && errno == EINTR);
    close(pipe);
    return count == 0;
}

static void report_end(const struct launch *launch, int status) {
    struct report report = {.magic = REPORT_MAGIC, .kind = REPORT_ENDED, .request = launch->request};
    report.value = WIFSIGNALED(status) ? END_SIGNALLED : END_EXITED;
    report.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    report_send(launch->status, &report, -1);
}

// Reaps until the worker ends, then ends itself; the kernel ends every other process of the jail with it.
_Noreturn static void supervise(const struct launch *launch, pid_t worker, const sigset_t *signals) {
    for (;;) {
        int signal = sigwaitinfo(signals, NULL);
        if (signal < 0 && errno != EINTR) _exit(EXIT_BROKEN);
        if (signal > 0 && signal != SIGCHLD) {
            kill(worker, signal);
            continue;
        }
        int status;
        pid_t ended;
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
            if (ended != worker) continue;
            report_end(launch, status);
            _exit(0);
        }
        // Its child is there until it was reaped here: anything else is a broken jail.
        if (ended < 0 && errno != EINTR) _exit(EXIT_BROKEN);
    }
}

void init_main(struct launch *launch) {
    sigset_t signals, none;
    keep_descriptors(launch);
    wait_for_keeper();
    build(launch);
    sigemptyset(&none);
    sigemptyset(&signals);
    static const int forwarded[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH};
    for (size_t index = 0; index < sizeof forwarded / sizeof *forwarded; index++) sigaddset(&signals, forwarded[index]);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) != 0) fail(launch, "init", "pipe");
    pid_t worker = fork();
    if (worker < 0) fail(launch, "init", "fork");
    if (worker == 0) {
        sigprocmask(SIG_SETMASK, &none, NULL);
        worker_main(launch, pipe[1]);
    }
    // Else the other ends would see no end of file as long as the init lives.
    close(pipe[1]);
    close_all_but(&pipe[0], 1);
    confine_filter(launch);
    if (!is_running(pipe[0])) _exit(EXIT_BROKEN);
    struct report running = {.magic = REPORT_MAGIC, .kind = REPORT_RUNNING, .request = launch->request};
    report_send(launch->status, &running, -1);
    supervise(launch, worker, &signals);
}
