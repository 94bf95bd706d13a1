// hostile-worker [--secret PATH] [--harmless] [NAME...]: makes every attempt, or the named ones, each in a process of its
// own, and prints one line for each: its name and `available`, `contained`, `errno N` or `signal N`.
#define _GNU_SOURCE
#include "escape.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *secret_path;

int outcome(long result) { return result >= 0 ? 0 : errno; }

int run_program(char *const arguments[]) {
    pid_t child = fork();
    if (child == 0) {
        execv(arguments[0], arguments);
        _exit(99);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

static void make(const struct attempt *attempt) {
    int status, pipe_ends[2], result = 0;
    if (pipe(pipe_ends) != 0) return;
    pid_t child = fork();
    if (child == 0) {
        result = attempt->run();
        _exit(write(pipe_ends[1], &result, sizeof result) == sizeof result ? 0 : 1);
    }
    close(pipe_ends[1]);
    ssize_t count = child < 0 ? 0 : read(pipe_ends[0], &result, sizeof result);
    close(pipe_ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child)
        printf("%s lost\n", attempt->name);
    else if (WIFSIGNALED(status))
        printf("%s signal %d\n", attempt->name, WTERMSIG(status));
    else if (count != sizeof result)
        printf("%s silent\n", attempt->name);
    else if (result == 0)
        printf("%s available\n", attempt->name);
    else if (result == CONTAINED)
        printf("%s contained\n", attempt->name);
    else
        printf("%s errno %d\n", attempt->name, result);
    fflush(stdout);
}

int main(int count, char **arguments) {
    const struct attempt *groups[] = {
        file_attempts, kernel_attempts, process_attempts, socket_attempts, resource_attempts};
    int only_harmless = 0, first = 1;
    for (; first < count && strncmp(arguments[first], "--", 2) == 0; first++) {
        if (strcmp(arguments[first], "--harmless") == 0) only_harmless = 1;
        else if (strcmp(arguments[first], "--secret") == 0 && first + 1 < count) secret_path = arguments[++first];
        else return 2;
    }
    for (size_t group = 0; group < sizeof groups / sizeof *groups; group++) {
        for (const struct attempt *attempt = groups[group]; attempt->name != NULL; attempt++) {
            int is_wanted = first == count;
            for (int index = first; index < count; index++) is_wanted |= strcmp(arguments[index], attempt->name) == 0;
            if (is_wanted && (!only_harmless || attempt->is_harmless)) make(attempt);
        }
    }
    return 0;
}
