// Opens what a plan shows of the host as detached mounts (Specs/sandbox.md, section 6.3). Runs in the keeper when it is
// root, because the jail's user could not reach every source; else in the init, which has rights over its own mounts.
#define _GNU_SOURCE
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAXIMUM_DEPTH = 64 };

struct identity {
    uint64_t device, inode;
    uint64_t mount;  // Tells a folder from itself shown elsewhere; not a part of what is compared.
};

// Folders that are protected or hold a protected one.
struct barrier {
    struct identity protected[MAXIMUM_PROTECTED];
    size_t protected_count;
    struct identity holders[MAXIMUM_PROTECTED * MAXIMUM_DEPTH];
    size_t holder_count;
};

static bool is_same(struct identity left, struct identity right) {
    return left.device == right.device && left.inode == right.inode;
}

static bool is_among(struct identity one, const struct identity *all, size_t count) {
    for (size_t index = 0; index < count; index++)
        if (is_same(one, all[index])) return true;
    return false;
}

// Makes what the worker may change its own: files of the source's owner appear as the jail's, and new ones are the owner's.
// File systems that cannot do this show the owner as he is, and the worker has the rights of others there.
static void map_owner(int tree, int descriptor, const struct plan *plan) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return;
    int owners = owners_open(status.st_uid, status.st_gid, plan);
    if (owners < 0) return;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = owners};
    mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
    close(owners);
}

static bool identify(int descriptor, struct identity *identity, mode_t *mode) {
    struct statx status;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE | STATX_INO | STATX_MNT_ID, &status) != 0)
        return false;
    *identity = (struct identity){
        (uint64_t)status.stx_dev_major << 32 | status.stx_dev_minor, status.stx_ino, status.stx_mnt_id};
    *mode = status.stx_mode;
    return true;
}

static int open_source(const char *path, bool follows) {
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = follows ? RESOLVE_NO_MAGICLINKS : RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

// Calls `visit` with the identity of each folder from `path`'s parent to the root. Stops when it returns false.
static bool visit_parents(
    int descriptor, bool is_folder, const char *path, bool (*visit)(struct identity, struct barrier *),
    struct barrier *barrier) {
    char parent[PATH_MAX];
    int current;
    if (is_folder) {
        current = openat(descriptor, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    } else {
        snprintf(parent, sizeof parent, "%s", path);
        *strrchr(parent, '/') = 0;
        current = open(parent[0] == 0 ? "/" : parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    struct identity one, last = {0};
    for (int depth = 0; current >= 0; depth++) {
        mode_t mode;
        if (!identify(current, &one, &mode) || depth == MAXIMUM_DEPTH || !visit(one, barrier)) {
            close(current);
            return false;
        }
        if (is_same(one, last) && one.mount == last.mount) break;  // The root is its own parent.
        last = one;
        int next = openat(current, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(current);
        current = next;
    }
    if (current >= 0) close(current);
    // Above a folder that this user may not search nothing more can be told apart, and nothing more can be reached.
    return current >= 0 || errno == EACCES;
}

static bool add_holder(struct identity one, struct barrier *barrier) {
    if (is_among(one, barrier->holders, barrier->holder_count)) return true;
    if (barrier->holder_count == MAXIMUM_PROTECTED * MAXIMUM_DEPTH) return false;
    barrier->holders[barrier->holder_count++] = one;
    return true;
}

static bool is_not_protected(struct identity one, struct barrier *barrier) {
    return !is_among(one, barrier->protected, barrier->protected_count);
}

static bool barrier_build(const struct plan *plan, struct barrier *barrier, struct problem *problem) {
    barrier->protected_count = barrier->holder_count = 0;
    for (size_t index = 0; index < plan->protected_count; index++) {
        const char *path = plan->protected[index];
        int descriptor = open(path, O_PATH | O_CLOEXEC);
        // What does not exist, or cannot be reached by this user, cannot be shown by him either.
        if (descriptor < 0 && (errno == ENOENT || errno == EACCES || errno == ENOTDIR)) continue;
        mode_t mode;
        if (descriptor < 0 || !identify(descriptor, &barrier->protected[barrier->protected_count], &mode)) {
            *problem = (struct problem){"bind-check", path, errno};
            return false;
        }
        barrier->protected_count++;
        bool is_done = visit_parents(descriptor, S_ISDIR(mode), path, add_holder, barrier);
        close(descriptor);
        if (is_done) continue;
        *problem = (struct problem){"bind-check", path, ENAMETOOLONG};
        return false;
    }
    return true;
}

// File systems through which the kernel itself is read or steered.
static bool is_kernel_interface(int descriptor) {
    static const long types[] = {
        0x9FA0, 0x62656572, 0x27E0EB, 0x63677270, 0x64626720, 0x74726163, 0x73636673, 0xCAFE4A11, 0x1CD1,
        0x6E736673, 0x50494446, 0x62656570, 0x65735543, 0xDE5E81E4, 0x42494E4D, 0x19800202,
    };  // proc, sysfs, cgroup, cgroup2, debugfs, tracefs, securityfs, bpf, devpts, nsfs, pidfs, configfs, fusectl,
        // efivarfs, binfmt_misc, mqueue
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return true;
    for (size_t index = 0; index < sizeof types / sizeof *types; index++)
        if (status.f_type == types[index]) return true;
    return false;
}

// Why the opened source may not be shown; NULL when it may.
static const char *objection(const struct mount_entry *entry, int descriptor, mode_t *mode, struct barrier *barrier) {
    struct identity own;
    if (!identify(descriptor, &own, mode)) return "it cannot be examined";
    if (entry->kind == MOUNT_DEVICE) return S_ISCHR(*mode) ? NULL : "it is no character device";
    if (!S_ISDIR(*mode) && !S_ISREG(*mode)) return "it is neither a folder nor a file";
    if (is_kernel_interface(descriptor)) return "it is an interface of the kernel";
    if (is_among(own, barrier->protected, barrier->protected_count)) return "it is protected";
    if (is_among(own, barrier->holders, barrier->holder_count)) return "it holds a protected folder";
    if (entry->flags & MOUNT_RELEASE && geteuid() == 0 && (*mode & 05) != 05)
        return "other users may not read it; run chmod -R o+rX on it";
    // A release lies in the data folder, and the fixed part of /usr is nobody's to choose.
    if (entry->flags & (MOUNT_FOLLOW | MOUNT_RELEASE)) return NULL;
    if (!visit_parents(descriptor, S_ISDIR(*mode), entry->source, is_not_protected, barrier))
        return "it lies in a protected folder";
    return NULL;
}

static bool source_open(
    struct mount_entry *entry, const struct plan *plan, struct barrier *barrier, struct problem *problem) {
    static char detail[MAXIMUM_DETAIL];
    int descriptor = open_source(entry->source, entry->flags & MOUNT_FOLLOW);
    if (descriptor < 0) {
        if (entry->flags & MOUNT_OPTIONAL && (errno == ENOENT || errno == ENOTDIR)) return true;
        *problem = (struct problem){"bind-open", entry->source, errno};
        return false;
    }
    mode_t mode;
    const char *why = objection(entry, descriptor, &mode, barrier);
    if (why != NULL) {
        snprintf(detail, sizeof detail, "%.300s: %s", entry->source, why);
        *problem = (struct problem){"bind-check", detail, EPERM};
        close(descriptor);
        return false;
    }
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID};
    if (entry->kind != MOUNT_DEVICE) attributes.attr_set |= MOUNT_ATTR_NODEV;
    if (!(entry->flags & MOUNT_EXECUTABLE)) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
    if (!(entry->flags & MOUNT_WRITABLE) && entry->kind != MOUNT_DEVICE) attributes.attr_set |= MOUNT_ATTR_RDONLY;
    entry->tree = open_tree(descriptor, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    bool is_done = entry->tree >= 0 && mount_setattr(entry->tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0;
    if (!is_done) *problem = (struct problem){"bind-open", entry->source, errno};
    if (is_done && entry->flags & MOUNT_WRITABLE && geteuid() == 0) map_owner(entry->tree, descriptor, plan);
    entry->is_folder = S_ISDIR(mode);
    close(descriptor);
    return is_done;
}

bool sources_open(struct plan *plan, struct problem *problem) {
    static struct barrier barrier;
    if (!barrier_build(plan, &barrier, problem)) return false;
    for (size_t index = 0; index < plan->mount_count; index++) {
        struct mount_entry *entry = &plan->mounts[index];
        if (entry->kind != MOUNT_BIND && entry->kind != MOUNT_DEVICE) continue;
        if (!source_open(entry, plan, &barrier, problem)) return false;
    }
    return true;
}

void sources_close(struct plan *plan) {
    for (size_t index = 0; index < plan->mount_count; index++) {
        if (plan->mounts[index].tree >= 0) close(plan->mounts[index].tree);
        plan->mounts[index].tree = -1;
    }
}
