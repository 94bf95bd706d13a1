// Builds the file system of the jail on a fresh tmpfs and makes it the root (Specs/sandbox.md, section 6.4).
#define _GNU_SOURCE
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Opens the new root's own `path` without leaving it and without following links.
static int open_inside(const char *path, uint64_t flags) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
    int root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int descriptor = syscall(SYS_openat2, root, path, &how, sizeof how);
    int error = errno;
    close(root);
    errno = error;
    return descriptor;
}

// Opens the folder that holds `path`, making folders that are missing, and points `name` at the last part of the path.
static int open_parent(const char *path, const char **name) {
    char part[256];
    int folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (folder >= 0) {
        while (*path == '/') path++;
        const char *slash = strchr(path, '/');
        if (slash == NULL) {
            *name = path;
            return folder;
        }
        if ((size_t)(slash - path) >= sizeof part) break;
        memcpy(part, path, slash - path);
        part[slash - path] = 0;
        mkdirat(folder, part, 0755);  // When it failed and the folder does not exist either, opening it tells.
        struct open_how how = {
            .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
        int next = syscall(SYS_openat2, folder, part, &how, sizeof how);
        int error = errno;
        close(folder);
        errno = error;
        folder = next;
        path = slash;
    }
    if (folder >= 0) close(folder);
    return -1;
}

static bool place_link(const struct mount_entry *entry) {
    const char *name;
    int parent = open_parent(entry->target, &name);
    if (parent < 0) return false;
    bool is_done = symlinkat(entry->source, parent, name) == 0;
    close(parent);
    return is_done;
}

static bool place_file(const struct mount_entry *entry) {
    const char *name;
    int parent = open_parent(entry->target, &name);
    if (parent < 0) return false;
    int file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    size_t count = strlen(entry->source);
    bool is_done = file >= 0 && write(file, entry->source, count) == (ssize_t)count;
    if (file >= 0) close(file);
    close(parent);
    return is_done;
}

static bool place_mount(const struct mount_entry *entry) {
    if (entry->tree < 0) return true;  // Optional, and not on this host.
    const char *name;
    int parent = open_parent(entry->target, &name);
    if (parent < 0) return false;
    if (entry->is_folder) {
        mkdirat(parent, name, 0755);
    } else {
        int file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file >= 0) close(file);
    }
    close(parent);
    // When making it failed the target exists already or cannot be opened either, which is reported.
    int target = open_inside(entry->target, O_PATH | O_NOFOLLOW);
    if (target < 0) return false;
    bool is_done = move_mount(entry->tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0;
    close(target);
    return is_done;
}

static void place_all(const struct launch *launch) {
    for (size_t index = 0; index < launch->plan.mount_count; index++) {
        const struct mount_entry *entry = &launch->plan.mounts[index];
        bool is_done = entry->kind == MOUNT_LINK   ? place_link(entry)
                       : entry->kind == MOUNT_FILE ? place_file(entry)
                                                   : place_mount(entry);
        if (!is_done) fail(launch, "bind-mount", entry->target);
    }
}

static void mount_memory(
    const struct launch *launch, const char *target, unsigned long flags, const char *mode, uint64_t bytes,
    uint64_t inodes, const char *step) {
    char options[128];
    snprintf(
        options, sizeof options, "mode=%s,size=%llu,nr_inodes=%llu", mode, (unsigned long long)bytes,
        (unsigned long long)inodes);
    if (mount("tmpfs", target, "tmpfs", flags | MS_NOSUID | MS_NODEV, options) != 0) fail(launch, step, target);
}

void root_build(const struct launch *launch) {
    const struct plan *plan = &launch->plan;
    umask(022);
    mount_memory(launch, "/tmp", 0, "755", plan->root_bytes, plan->root_inodes, "root");
    if (chdir("/tmp") != 0) fail(launch, "root", "/tmp");
    static const char *folders[] = {"dev", "etc", "proc", "tmp", "usr"};
    for (size_t index = 0; index < sizeof folders / sizeof *folders; index++)
        if (mkdir(folders[index], 0755) != 0) fail(launch, "root", folders[index]);
    // Before the host's own /proc goes out of sight: the kernel lets nobody see more of it than was visible.
    if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2,subset=pid") != 0)
        fail(launch, "mount-proc", "");
    mount_memory(launch, "tmp", MS_NOEXEC, "700", plan->tmp_bytes, plan->tmp_inodes, "tmp");
    place_all(launch);
    // With one folder for both, the old root lies on top of the new one and is taken off there.
    if (syscall(SYS_pivot_root, ".", ".") != 0) fail(launch, "pivot", "");
    if (umount2(".", MNT_DETACH) != 0) fail(launch, "pivot", "the old root");
    if (chdir("/") != 0) fail(launch, "pivot", "/");
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    if (mount_setattr(AT_FDCWD, "/", 0, &attributes, sizeof attributes) != 0) fail(launch, "pivot", "read-only root");
    if (mount_setattr(AT_FDCWD, "/proc", 0, &attributes, sizeof attributes) != 0)
        fail(launch, "mount-proc", "read-only");
    char current[64];
    if (getcwd(current, sizeof current) == NULL || strcmp(current, "/") != 0) fail(launch, "pivot", "not at the root");
}
