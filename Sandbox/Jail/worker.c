// The last steps before the worker's program (Specs/sandbox.md, section 6.7).
#define _GNU_SOURCE
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Tells the init, after the reason went to the keeper.
_Noreturn static void give_up(const struct launch *launch, int pipe, const char *step, const char *detail) {
    report_failure(launch->status, launch->request, errno, step, detail);
    while (write(pipe, "", 1) < 0 && errno == EINTR) continue;
    _exit(EXIT_BROKEN);
}

// Opens the program and checks it. A script is run by its path, because its interpreter opens it again by a name.
static int open_program(const struct launch *launch, int pipe, bool *is_script) {
    char begin[2] = {0, 0};
    int program = open(launch->plan.program, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (program < 0 && errno == EACCES) program = open(launch->plan.program, O_PATH | O_CLOEXEC);
    struct stat status;
    if (program < 0 || fstat(program, &status) != 0) give_up(launch, pipe, "program", launch->plan.program);
    if (!S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0) {
        errno = EACCES;
        give_up(launch, pipe, "program", launch->plan.program);
    }
    *is_script = pread(program, begin, 2, 0) == 2 && begin[0] == '#' && begin[1] == '!';
    return program;
}

static void place_descriptors(const struct launch *launch, int pipe) {
    // All of them lie above 3, so none is overwritten before it is placed.
    if (dup3(launch->input, 0, 0) < 0 || dup3(launch->output, 1, 0) < 0 || dup3(launch->error, 2, 0) < 0)
        give_up(launch, pipe, "stdio", "");
}

void worker_main(struct launch *launch, int pipe) {
    const struct plan *plan = &launch->plan;
    bool is_script;
    if (setsid() < 0) give_up(launch, pipe, "session", "");
    place_descriptors(launch, pipe);
    // The status socket makes room for the control socket.
    int status = fcntl(launch->status, F_DUPFD_CLOEXEC, 4);
    if (status < 0) give_up(launch, pipe, "stdio", "");
    launch->status = status;
    if (launch->control >= 0 && dup3(launch->control, CONTROL_DESCRIPTOR, 0) < 0) give_up(launch, pipe, "stdio", "");
    if (chdir(plan->working_directory) != 0) give_up(launch, pipe, "working-directory", plan->working_directory);
    int program = open_program(launch, pipe, &is_script);
    rules_apply(launch);
    // Everything beyond goes with exec; a failure until then can still be reported.
    unsigned first = launch->control >= 0 ? 4 : 3;
    if (syscall(SYS_close_range, first, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) != 0)
        give_up(launch, pipe, "close-descriptors", "");
    umask(022);
    confine_filter(launch);
    if (is_script)
        execve(plan->program, plan->arguments, plan->environment);
    else
        syscall(SYS_execveat, program, "", plan->arguments, plan->environment, AT_EMPTY_PATH);
    give_up(launch, pipe, "exec", plan->program);
}
