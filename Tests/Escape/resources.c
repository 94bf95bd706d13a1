// Attempts to use more than the limits. Each stops at a bound of its own, so that a missing limit harms nobody.
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_DESCRIPTORS = 4096, MOST_FILES = 8192, MOST_PROCESSES = 300, MOST_MEBIBYTES = 256 };

static int descriptors(void) {
    for (int count = 0; count < MOST_DESCRIPTORS; count++)
        if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) return errno;
    return 0;
}

static int files(void) {
    int result = 0, made = 0;
    char path[64];
    for (; made < MOST_FILES && result == 0; made++) {
        snprintf(path, sizeof path, "/tmp/file-%d", made);
        int descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        result = outcome(descriptor);
        if (descriptor >= 0) close(descriptor);
    }
    while (made-- > 0) {
        snprintf(path, sizeof path, "/tmp/file-%d", made);
        unlink(path);
    }
    return result;
}

static int disk(void) {
    static char bytes[1 << 20];
    int result = 0;
    // More than one file, because the size of one has a limit of its own.
    for (int file = 0; file < 4 && result == 0; file++) {
        char path[64];
        snprintf(path, sizeof path, "/tmp/big-%d", file);
        int descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        for (int count = 0; count < 7 && result == 0; count++) result = outcome(write(descriptor, bytes, sizeof bytes));
    }
    for (int file = 0; file < 4; file++) {
        char path[64];
        snprintf(path, sizeof path, "/tmp/big-%d", file);
        unlink(path);
    }
    return result;
}

static int one_big_file(void) {
    signal(SIGXFSZ, SIG_IGN);
    int descriptor = open("/tmp/one", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    int result = outcome(ftruncate(descriptor, 1L << 40));
    unlink("/tmp/one");
    return result;
}

static int processes(void) {
    int result = 0, count = 0;
    pid_t children[MOST_PROCESSES];
    for (; count < MOST_PROCESSES; count++) {
        children[count] = fork();
        if (children[count] == 0) {
            pause();
            _exit(0);
        }
        if (children[count] < 0) {
            result = errno;
            break;
        }
    }
    for (int index = 0; index < count; index++) kill(children[index], SIGKILL);
    while (wait(NULL) > 0) continue;
    return result;
}

static int memory(void) {
    for (int count = 0; count < MOST_MEBIBYTES; count++) {
        char *bytes = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (bytes == MAP_FAILED) return errno;
        memset(bytes, 1, 1 << 20);
    }
    return 0;
}

const struct attempt resource_attempts[] = {
    {"descriptors", descriptors, 0}, {"files", files, 0}, {"disk", disk, 0}, {"one-big-file", one_big_file, 0},
    {"processes", processes, 0}, {"memory", memory, 0}, {NULL, NULL, 0},
};
