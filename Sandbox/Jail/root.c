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

// The folder that held the last target. Most entries have the same one as the entry before.
struct parent {
    char path[MAXIMUM_TEXT + 1];
    int folder;  // -1 when there is none.
};

// Opens the folder that holds `path`, making folders that are missing, without leaving the new root and without following
// links, and points `name` at the last part of the path. The folder stays the parent's.
static int open_parent(struct parent *parent, const char *path, const char **name) {
    size_t length = strrchr(path, '/') - path;
    *name = path + length + 1;
    if (parent->folder >= 0 && strlen(parent->path) == length && memcmp(parent->path, path, length) == 0)
        return parent->folder;
    if (parent->folder >= 0) close(parent->folder);
    memcpy(parent->path, path, length);
    parent->path[length] = 0;
    parent->folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char part[256];
    for (const char *rest = parent->path; parent->folder >= 0;) {
        rest += strspn(rest, "/");
        size_t count = strcspn(rest, "/");
        if (count == 0 || count >= sizeof part) break;
        memcpy(part, rest, count);
        part[count] = 0;
        rest += count;
        mkdirat(parent->folder, part, 0755);  // When it failed and the folder does not exist either, opening it tells.
        struct open_how how = {
            .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
        int next = syscall(SYS_openat2, parent->folder, part, &how, sizeof how);
        int error = errno;
        close(parent->folder);
        errno = error;
        parent->folder = next;
    }
    return parent->folder;
}

static bool place_file(const struct mount_entry *entry, int parent, const char *name) {
    int file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    size_t count = strlen(entry->source);
    bool is_done = file >= 0 && write(file, entry->source, count) == (ssize_t)count;
    if (file >= 0) close(file);
    return is_done;
}

static bool place_mount(const struct mount_entry *entry, int parent, const char *name) {
    if (entry->is_folder) {
        mkdirat(parent, name, 0755);
    } else {
        int file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file >= 0) close(file);
    }
    // When making it failed the target exists already or cannot be mounted on either. Its last part is not followed.
    return move_mount(entry->tree, "", parent, name, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

static bool place(const struct mount_entry *entry, struct parent *cache) {
    bool is_mount = entry->kind == MOUNT_BIND || entry->kind == MOUNT_DEVICE;
    if (is_mount && entry->tree < 0) return true;  // Optional, and not on this host.
    const char *name;
    int parent = open_parent(cache, entry->target, &name);
    if (parent < 0) return false;
    if (entry->kind == MOUNT_LINK) return symlinkat(entry->source, parent, name) == 0;
    if (entry->kind == MOUNT_FILE) return place_file(entry, parent, name);
    if (!place_mount(entry, parent, name)) return false;
    // What is mounted over the folder that is held, or over one above it, hides it.
    size_t length = strlen(entry->target);
    if (strncmp(cache->path, entry->target, length) == 0) {
        close(cache->folder);
        cache->folder = -1;
    }
    return true;
}

static void place_all(const struct launch *launch) {
    static struct parent cache = {.folder = -1};
    for (size_t index = 0; index < launch->plan.mount_count; index++) {
        if (!place(&launch->plan.mounts[index], &cache)) fail(launch, "bind-mount", launch->plan.mounts[index].target);
    }
    if (cache.folder >= 0) close(cache.folder);
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
