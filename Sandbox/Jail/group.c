// Control groups (Specs/sandbox.md, section 6.2). The folder of a start is new, named after the worker and the keeper,
// and removed by the keeper; what a killed keeper leaves is removed by the next one.
#define _GNU_SOURCE
#include "jail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

static bool write_text(const char *folder, const char *file, const char *text) {
    char path[640];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    bool done = write(descriptor, text, strlen(text)) == (ssize_t)strlen(text);
    close(descriptor);
    return done;
}

static bool write_number(const char *folder, const char *file, uint64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return write_text(folder, file, text);
}

// Reads a small file whole; returns its length, 0 when it cannot be read.
static size_t read_text(const char *path, char *text, size_t capacity) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    ssize_t count = read(descriptor, text, capacity - 1);
    close(descriptor);
    text[count > 0 ? count : 0] = 0;
    return count > 0 ? count : 0;
}

// The agent's own group of a version 1 controller, so that limits set around the agent hold for its workers as well.
static void own_group(const char *controller, char *folder, size_t capacity) {
    char text[4096], pattern[64];
    snprintf(folder, capacity, ROOT "/%s", controller);
    if (read_text("/proc/self/cgroup", text, sizeof text) == 0) return;
    snprintf(pattern, sizeof pattern, ":%s:", controller);
    char *line = strstr(text, pattern);
    if (line == NULL) return;
    line += strlen(pattern);
    line[strcspn(line, "\n")] = 0;
    char path[512];
    // In a container the path is the host's and does not exist below the mount: the mount's root is meant then.
    if (strstr(line, "..") == NULL && snprintf(path, sizeof path, "%s%s", folder, line) < (int)sizeof path &&
        access(path, W_OK) == 0 && strlen(path) + 128 < capacity)
        strcpy(folder, path);
}

static bool make_folder(char *folder, size_t capacity, const char *parent, const struct plan *plan) {
    char path[512];
    if (snprintf(path, sizeof path, "%s/dsmp", parent) >= (int)sizeof path) return false;
    if (mkdir(path, 0755) != 0 && errno != EEXIST) return false;
    if (snprintf(folder, capacity, "%s/%s.%d", path, plan->name, (int)getpid()) < (int)capacity &&
        mkdir(folder, 0755) == 0)
        return true;
    folder[0] = 0;
    return false;
}

static void make_controller(const char *controller, char *folder, size_t capacity, const struct plan *plan) {
    char parent[512];
    own_group(controller, parent, sizeof parent);
    if (!make_folder(folder, capacity, parent, plan)) folder[0] = 0;
}

static uint64_t memory_limit(const struct plan *plan) {
    // Private files are kept in memory and charged to the group, on top of what the programs may use.
    return plan->memory_bytes + plan->tmp_bytes;
}

static void create_separate(struct cgroup *group, const struct plan *plan) {
    if (plan->memory_bytes > 0) make_controller("memory", group->memory, sizeof group->memory, plan);
    if (group->memory[0] != 0) {
        if (!write_number(group->memory, "memory.limit_in_bytes", memory_limit(plan))) {
            rmdir(group->memory);
            group->memory[0] = 0;
        } else {
            write_number(group->memory, "memory.memsw.limit_in_bytes", memory_limit(plan));  // No swap on top.
            if (plan->memory_soft_bytes > 0)
                write_number(group->memory, "memory.soft_limit_in_bytes", plan->memory_soft_bytes);
        }
    }
    make_controller("pids", group->pids, sizeof group->pids, plan);
    if (group->pids[0] != 0) write_number(group->pids, "pids.max", (uint64_t)plan->tasks + 1);
    if (plan->cpu_weight == 0 && plan->cpu_percent == 0) return;
    make_controller("cpu", group->cpu, sizeof group->cpu, plan);
    if (group->cpu[0] == 0) return;
    if (plan->cpu_weight > 0) {
        uint64_t shares = (uint64_t)plan->cpu_weight * 1024 / 100;
        write_number(group->cpu, "cpu.shares", shares < 2 ? 2 : shares);
    }
    if (plan->cpu_percent > 0) {
        write_number(group->cpu, "cpu.cfs_period_us", 100000);
        write_number(group->cpu, "cpu.cfs_quota_us", (uint64_t)plan->cpu_percent * 1000);
    }
}

static void create_unified(struct cgroup *group, const struct plan *plan) {
    char text[64];
    group->is_unified = true;
    // The kernel takes controllers that are already enabled, and one that is missing must not hold back the others.
    const char *controllers[] = {"+memory", "+pids", "+cpu"};
    for (int index = 0; index < 3; index++) write_text(ROOT, "cgroup.subtree_control", controllers[index]);
    if (mkdir(ROOT "/dsmp", 0755) != 0 && errno != EEXIST) return;
    for (int index = 0; index < 3; index++) write_text(ROOT "/dsmp", "cgroup.subtree_control", controllers[index]);
    if (!make_folder(group->memory, sizeof group->memory, ROOT, plan)) return;
    if (plan->memory_bytes > 0 && !write_number(group->memory, "memory.max", memory_limit(plan))) {
        rmdir(group->memory);
        group->memory[0] = 0;
        return;
    }
    write_text(group->memory, "memory.swap.max", "0");
    write_text(group->memory, "memory.oom.group", "1");
    if (plan->memory_soft_bytes > 0) write_number(group->memory, "memory.high", plan->memory_soft_bytes);
    write_number(group->memory, "pids.max", (uint64_t)plan->tasks + 1);
    if (plan->cpu_weight > 0) write_number(group->memory, "cpu.weight", plan->cpu_weight);
    if (plan->cpu_percent > 0) {
        snprintf(text, sizeof text, "%llu 100000", (unsigned long long)plan->cpu_percent * 1000);
        write_text(group->memory, "cpu.max", text);
    }
}

void group_create(struct cgroup *group, const struct plan *plan) {
    memset(group, 0, sizeof *group);
    if (access(ROOT "/memory/memory.limit_in_bytes", F_OK) == 0 || access(ROOT "/pids", F_OK) == 0)
        create_separate(group, plan);
    else if (access(ROOT "/cgroup.controllers", F_OK) == 0)
        create_unified(group, plan);
}

bool group_attach(const struct cgroup *group, pid_t process) {
    const char *folders[] = {group->memory, group->pids, group->cpu};
    for (int index = 0; index < 3; index++)
        if (folders[index][0] != 0 && !write_number(folders[index], "cgroup.procs", process)) return false;
    return true;
}

bool group_ran_out_of_memory(const struct cgroup *group) {
    char path[640], text[1024];
    if (group->memory[0] == 0) return false;
    snprintf(path, sizeof path, "%s/%s", group->memory, group->is_unified ? "memory.events" : "memory.oom_control");
    if (read_text(path, text, sizeof text) == 0) return false;
    char *count = strstr(text, "oom_kill ");
    return count != NULL && strtoull(count + strlen("oom_kill "), NULL, 10) > 0;
}

// Removes siblings whose keeper is gone. They are empty: a jail does not outlive its keeper.
static void sweep(const char *folder) {
    char parent[512];
    snprintf(parent, sizeof parent, "%s", folder);
    char *slash = strrchr(parent, '/');
    if (slash == NULL) return;
    *slash = 0;
    DIR *entries = opendir(parent);
    if (entries == NULL) return;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char *dot = strrchr(entry->d_name, '.');
        long keeper = dot != NULL && dot != entry->d_name ? strtol(dot + 1, NULL, 10) : 0;
        if (keeper > 0 && kill((pid_t)keeper, 0) != 0 && errno == ESRCH)
            unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
    }
    closedir(entries);
}

void group_remove(struct cgroup *group) {
    char *folders[] = {group->memory, group->pids, group->cpu};
    for (int index = 0; index < 3; index++) {
        if (folders[index][0] == 0) continue;
        // The last process was reaped; the kernel may still be taking it out of the group.
        for (int attempt = 0; rmdir(folders[index]) != 0 && errno == EBUSY && attempt < 200; attempt++)
            poll(NULL, 0, 1);
        sweep(folders[index]);
        folders[index][0] = 0;
    }
}
