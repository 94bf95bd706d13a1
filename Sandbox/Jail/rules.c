// Landlock: a second opinion on every path, by the kernel's highest version that is known here (Specs/sandbox.md, 6.6).
// Debian 12's headers end at version 2, so the constants are written out.
#define _GNU_SOURCE
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446, ASK_VERSION = 1, RULE_PATH = 1,
};

enum right {
    EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_FOLDER = 1 << 3, REMOVE_FOLDER = 1 << 4,
    REMOVE_FILE = 1 << 5, MAKE_CHARACTER = 1 << 6, MAKE_FOLDER = 1 << 7, MAKE_FILE = 1 << 8, MAKE_SOCKET = 1 << 9,
    MAKE_PIPE = 1 << 10, MAKE_BLOCK = 1 << 11, MAKE_LINK = 1 << 12, REFER = 1 << 13, TRUNCATE = 1 << 14,
    DEVICE_CONTROL = 1 << 15,
};

enum {
    ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | DEVICE_CONTROL,
    READING = READ_FILE | READ_FOLDER,
    CHANGING = WRITE_FILE | REMOVE_FOLDER | REMOVE_FILE | MAKE_FOLDER | MAKE_FILE | MAKE_PIPE | MAKE_LINK | REFER |
               TRUNCATE,
    IN_VERSION_1 = (1 << 13) - 1,
    ALL_NETWORK = 3, ALL_SCOPES = 3,
};

struct ruleset {
    uint64_t files, network, scopes;
};

struct path_rule {
    uint64_t rights;
    int32_t parent;
} __attribute__((packed));

static void allow(const struct launch *launch, int rules, uint64_t handled, const char *path, uint64_t rights) {
    int descriptor = open(path, O_PATH | O_CLOEXEC);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) != 0) fail(launch, "landlock", path);
    if (!S_ISDIR(status.st_mode)) rights &= ON_FILES;
    struct path_rule rule = {rights & handled, descriptor};
    if (syscall(ADD_RULE, rules, RULE_PATH, &rule, 0) != 0) fail(launch, "landlock", path);
    close(descriptor);
}

void rules_apply(const struct launch *launch) {
    long version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    if (version <= 0) return;  // Not in this kernel, or not switched on: mounts and filter stand alone.
    struct ruleset set = {.files = IN_VERSION_1};
    size_t bytes = sizeof set.files;
    if (version >= 2) set.files |= REFER;
    if (version >= 3) set.files |= TRUNCATE;
    if (version >= 4) set.network = ALL_NETWORK, bytes = 2 * sizeof set.files;
    if (version >= 5) set.files |= DEVICE_CONTROL;
    if (version >= 6) set.scopes = ALL_SCOPES, bytes = 3 * sizeof set.files;
    int rules = syscall(CREATE_RULESET, &set, bytes, 0);
    if (rules < 0) fail(launch, "landlock", "");
    for (size_t index = 0; index < launch->plan.mount_count; index++) {
        const struct mount_entry *entry = &launch->plan.mounts[index];
        uint64_t rights = READING;
        if (entry->kind == MOUNT_LINK || (entry->kind != MOUNT_FILE && entry->tree < 0)) continue;
        if (entry->kind == MOUNT_DEVICE) rights |= WRITE_FILE;
        if (entry->flags & MOUNT_EXECUTABLE) rights |= EXECUTE;
        if (entry->flags & MOUNT_WRITABLE) rights |= CHANGING;
        allow(launch, rules, set.files, entry->target, rights);
    }
    allow(launch, rules, set.files, "/tmp", READING | CHANGING);
    allow(launch, rules, set.files, "/proc", READING);
    if (syscall(RESTRICT_SELF, rules, 0) != 0) fail(launch, "landlock", "");
    close(rules);
}
