// The process outside the jail: takes one order from the agent, clones the jail's init, and reports (Specs/sandbox.md,
// section 7). When the agent goes away the jail ends; when the keeper goes away the kernel ends the jail.
#define _GNU_SOURCE
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ORDER_MAGIC = 0x4F4A5344 /* "DSJO" */, ORDER_LAUNCH = 1, HAS_CONTROL = 16, HAS_REQUIRED = 15, MOST = 5 };

struct order {
    uint32_t magic;
    uint16_t kind;
    uint16_t descriptors;
    uint32_t request;
    uint32_t zero;
};

// Receives the order and its descriptors; the plan's is the first. Returns the plan's descriptor, or -1.
static int receive_order(struct launch *launch) {
    struct order order;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * MOST)];
    } control = {0};
    struct iovec part = {&order, sizeof order};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t count;
    do count = recvmsg(CHANNEL_DESCRIPTOR, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count != sizeof order || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (order.magic != ORDER_MAGIC || order.kind != ORDER_LAUNCH || order.zero != 0 || header == NULL) return -1;
    bool has_control = order.descriptors == (HAS_REQUIRED | HAS_CONTROL);
    if (!has_control && order.descriptors != HAS_REQUIRED) return -1;
    size_t expected = has_control ? MOST : MOST - 1;
    int descriptors[MOST];
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(int) * expected))
        return -1;
    memcpy(descriptors, CMSG_DATA(header), sizeof(int) * expected);
    launch->request = order.request;
    launch->input = descriptors[1];
    launch->output = descriptors[2];
    launch->error = descriptors[3];
    launch->control = has_control ? descriptors[4] : -1;
    return descriptors[0];
}

static int give_up(const struct launch *launch, int error, const char *step, const char *detail) {
    report_failure(CHANNEL_DESCRIPTOR, launch->request, error, step, detail);
    return EXIT_BROKEN;
}

bool write_identity(pid_t process, const char *file, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)process, file);
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    bool is_done = write(descriptor, text, strlen(text)) == (ssize_t)strlen(text);
    int error = errno;
    close(descriptor);
    errno = error;
    return is_done;
}

// Maps the one user and the one group of the jail. Never to the real root.
static bool write_maps(const struct launch *launch, pid_t process) {
    char users[64], groups[64];
    uint32_t user = launch->is_root ? launch->plan.kernel_user : geteuid();
    uint32_t group = launch->is_root ? launch->plan.kernel_group : getegid();
    if (user == 0 || group == 0) {
        errno = EPERM;
        return false;
    }
    snprintf(users, sizeof users, "%d %u 1\n", INNER_ID, user);
    snprintf(groups, sizeof groups, "%d %u 1\n", INNER_ID, group);
    // Without it an unprivileged map of groups is refused, and the jail could drop groups that deny access.
    if (!write_identity(process, "setgroups", "deny\n")) return false;
    return write_identity(process, "uid_map", users) && write_identity(process, "gid_map", groups);
}

static pid_t clone_init(int *pidfd) {
    struct clone_args arguments = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                 CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    return syscall(SYS_clone3, &arguments, sizeof arguments);
}

static void send_started(const struct launch *launch, pid_t process, int pidfd) {
    struct report report = {
        .magic = REPORT_MAGIC, .kind = REPORT_STARTED, .request = launch->request, .value = process,
        .flags = launch->has_memory_group ? REPORT_MEMORY_GROUP : 0};
    report_send(CHANNEL_DESCRIPTOR, &report, pidfd);
}

// What the jail said of itself, kept until all of it is gone.
struct outcome {
    bool is_failed, is_ended;
    struct report failure, end;
};

static void take_reports(int socket, struct outcome *outcome) {
    struct report report;
    while (report_receive(socket, &report)) {
        if (report.kind == REPORT_RUNNING) {
            report_send(CHANNEL_DESCRIPTOR, &report, -1);
        } else if (report.kind == REPORT_FAILED && !outcome->is_failed) {
            outcome->is_failed = true;
            outcome->failure = report;
        } else if (report.kind == REPORT_ENDED) {
            outcome->is_ended = true;
            outcome->end = report;
        }
    }
}

// Carries reports until the init has ended. The end of the channel means that the agent is gone.
static void follow(int socket, int pidfd, struct outcome *outcome) {
    struct pollfd watched[] = {
        {.fd = CHANNEL_DESCRIPTOR, .events = POLLIN}, {.fd = socket, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 3, -1) < 0 && errno != EINTR) _exit(EXIT_BROKEN);
        if (watched[1].revents & POLLIN) take_reports(socket, outcome);
        else if (watched[1].revents) watched[1].fd = -1;
        if (watched[2].revents) break;
        if (!watched[0].revents) continue;
        // One order a keeper: anything more is a broken agent, and the end of the channel a dead one.
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        watched[0].fd = -1;
    }
    take_reports(socket, outcome);
}

static uint64_t microseconds(struct timeval time) { return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec; }

static void finish(const struct launch *launch, pid_t process, struct outcome *outcome, struct cgroup *group) {
    int status = 0;
    struct rusage usage = {0};
    while (wait4(process, &status, __WALL, &usage) < 0 && errno == EINTR) continue;
    bool ran_out = group_ran_out_of_memory(group);
    group_remove(group);
    if (outcome->is_failed) {
        outcome->failure.request = launch->request;
        report_send(CHANNEL_DESCRIPTOR, &outcome->failure, -1);
        return;
    }
    struct report *end = &outcome->end;
    if (!outcome->is_ended) {
        end->value = WIFSIGNALED(status) ? END_SIGNALLED : END_EXITED;
        end->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    }
    end->magic = REPORT_MAGIC;
    end->kind = REPORT_ENDED;
    end->request = launch->request;
    end->text_bytes = 0;
    end->flags = ran_out ? REPORT_OUT_OF_MEMORY : 0;
    end->user_microseconds = microseconds(usage.ru_utime);
    end->system_microseconds = microseconds(usage.ru_stime);
    end->resident_bytes = (uint64_t)usage.ru_maxrss * 1024;
    report_send(CHANNEL_DESCRIPTOR, end, -1);
}

static void close_all(struct launch *launch) {
    int *all[] = {&launch->input, &launch->output, &launch->error, &launch->control};
    for (int index = 0; index < 4; index++) {
        if (*all[index] >= 0) close(*all[index]);
        *all[index] = -1;
    }
    sources_close(&launch->plan);
}

int keeper_main(void) {
    static struct launch launch = {.status = -1};
    static struct outcome outcome;
    struct cgroup group = {0};
    struct problem problem = {0};
    struct stat status;
    // What a caller leaks must not stay open as long as the jail lives.
    syscall(SYS_close_range, CHANNEL_DESCRIPTOR + 1u, ~0u, 0u);
    // What a caller ignores must not stay ignored in the worker.
    for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
    // Descriptors that arrive must not take the numbers of standard streams.
    for (int number = 0; number < CHANNEL_DESCRIPTOR; number++)
        if (fcntl(number, F_GETFD) < 0 && open("/dev/null", O_RDWR) != number) return 2;
    if (fstat(CHANNEL_DESCRIPTOR, &status) != 0 || !S_ISSOCK(status.st_mode)) return 2;
    fcntl(CHANNEL_DESCRIPTOR, F_SETFD, FD_CLOEXEC);
    int descriptor = receive_order(&launch);
    if (descriptor < 0) return give_up(&launch, EPROTO, "order", "");
    const char *wrong = plan_read(descriptor, &launch.plan);
    close(descriptor);
    if (wrong != NULL) return give_up(&launch, 0, "plan", wrong);
    launch.is_root = geteuid() == 0;
    if (launch.is_root && (launch.plan.kernel_user < 200000 || launch.plan.kernel_group < 200000))
        return give_up(&launch, EPERM, "identity", "the worker's user is below 200000");
    // While the map does not deny it, a jail could drop a group by which it is refused something.
    if (launch.is_root && setgroups(0, NULL) != 0) return give_up(&launch, errno, "identity", "supplementary groups");
    if (launch.is_root && !sources_open(&launch.plan, &problem))
        return give_up(&launch, problem.error, problem.step, problem.detail);
    if (launch.is_root) group_create(&group, &launch.plan);
    launch.has_memory_group = group.memory[0] != 0 && launch.plan.memory_bytes > 0;
    int sockets[2], pidfd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
        int error = errno;
        group_remove(&group);
        return give_up(&launch, error, "descriptors", "");
    }
    launch.status = sockets[1];
    pid_t process = clone_init(&pidfd);
    if (process == 0) init_main(&launch);
    int error = errno;
    close(sockets[1]);
    if (process < 0) {
        group_remove(&group);
        return give_up(&launch, error, "namespaces", "");
    }
    send_started(&launch, process, pidfd);
    const char *step = !write_maps(&launch, process) ? "id-map" : !group_attach(&group, process) ? "cgroup" : NULL;
    if (step != NULL) {
        outcome.is_failed = true;
        outcome.failure = (struct report){.magic = REPORT_MAGIC, .kind = REPORT_FAILED, .value = errno};
        outcome.failure.text_bytes = snprintf(outcome.failure.text, 64, "%s", step) + 1;
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    } else {
        send(sockets[0], "", 1, MSG_NOSIGNAL);
    }
    close_all(&launch);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    follow(sockets[0], pidfd, &outcome);
    finish(&launch, process, &outcome, &group);
    return 0;
}
