// Attempts on files, devices and the jail's root.
#define _GNU_SOURCE
#include "escape.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static int try_open(const char *path, int flags) {
    int descriptor = open(path, flags | O_CLOEXEC, 0600);
    if (descriptor >= 0) close(descriptor);
    return outcome(descriptor);
}

static int read_shadow(void) { return try_open("/etc/shadow", O_RDONLY); }
static int read_root_home(void) { return try_open("/root", O_RDONLY); }
static int read_secret(void) { return secret_path == NULL ? ENOENT : try_open(secret_path, O_RDONLY); }
static int see_sys(void) { return try_open("/sys/kernel", O_RDONLY); }
static int init_root_shadow(void) { return try_open("/proc/1/root/etc/shadow", O_RDONLY); }
static int init_memory(void) { return try_open("/proc/1/mem", O_RDWR); }
static int own_program_write(void) { return try_open("/proc/self/exe", O_RDWR); }
static int create_in_usr(void) { return try_open("/usr/bin/planted", O_CREAT | O_WRONLY); }
static int create_in_root(void) { return try_open("/planted", O_CREAT | O_WRONLY); }
static int create_in_worker(void) { return try_open("/worker/planted", O_CREAT | O_WRONLY); }
static int core_pattern(void) { return try_open("/proc/sys/kernel/core_pattern", O_WRONLY); }
static int sysrq(void) { return try_open("/proc/sysrq-trigger", O_WRONLY); }
static int kernel_core(void) { return try_open("/proc/kcore", O_RDONLY); }
static int release_agent(void) { return try_open("/sys/fs/cgroup/memory/release_agent", O_WRONLY); }
static int kill_preference(void) { return try_open("/proc/self/oom_score_adj", O_WRONLY); }
static int terminal_maker(void) { return try_open("/dev/ptmx", O_RDWR); }
static int own_terminal(void) { return try_open("/dev/tty", O_RDWR); }
static int disk_device(void) { return try_open("/dev/vda", O_RDONLY); }
static int memory_device(void) { return try_open("/dev/mem", O_RDONLY); }
static int hypervisor_device(void) { return try_open("/dev/kvm", O_RDWR); }

static int host_processes(void) {
    DIR *folder = opendir("/proc");
    if (folder == NULL) return errno;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) count += atoi(entry->d_name) > 0;
    closedir(folder);
    // This process, its parent, and what the attempts before it may have left behind.
    return count > 8 ? 0 : CONTAINED;
}

static int link_out(void) {
    unlink("/tmp/out");
    if (symlink("/etc/shadow", "/tmp/out") != 0) return errno;
    return try_open("/tmp/out", O_RDONLY);
}

static int hard_link_su(void) { return outcome(link("/usr/bin/su", "/tmp/su")); }
static int block_device(void) { return outcome(mknod("/tmp/disk", S_IFBLK | 0600, 254 << 8)); }

static int set_user_bit(void) {
    int descriptor = open("/tmp/elevated", O_CREAT | O_RDWR | O_CLOEXEC, 0755);
    return descriptor < 0 ? errno : outcome(fchmod(descriptor, 04755));
}

static int open_with_user_bit(void) {
    int descriptor = open("/tmp/elevated-at-birth", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 04755);
    if (descriptor < 0) return errno;
    unlink("/tmp/elevated-at-birth");
    return 0;
}

static int file_capability(void) {
    static const unsigned char rights[20] = {1, 0, 0, 2, 255, 255, 255, 255};
    close(open("/tmp/capable", O_CREAT | O_RDWR | O_CLOEXEC, 0755));
    return outcome(setxattr("/tmp/capable", "security.capability", rights, sizeof rights, 0));
}

static int become_root(void) {
    char *arguments[] = {"/usr/bin/su", "root", "-c", "true", NULL};
    return run_program(arguments) == 0 ? 0 : CONTAINED;
}

static int copy_program(const char *source, const char *target) {
    int from = open(source, O_RDONLY | O_CLOEXEC), to = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    char bytes[65536];
    if (from < 0 || to < 0) return -1;
    for (ssize_t count; (count = read(from, bytes, sizeof bytes)) > 0;)
        if (write(to, bytes, count) != count) return -1;
    close(from);
    return close(to);
}

static int run_from_tmp(void) {
    char *arguments[] = {"/tmp/payload", NULL};
    if (copy_program("/usr/bin/true", arguments[0]) != 0) return errno;
    int status = run_program(arguments);
    unlink(arguments[0]);
    return status == 0 ? 0 : EACCES;
}

static int load_from_tmp(void) {
    char *arguments[] = {"/lib64/ld-linux-x86-64.so.2", "/tmp/loaded", NULL};
    if (copy_program("/usr/bin/true", arguments[1]) != 0) return errno;
    int status = run_program(arguments);
    unlink(arguments[1]);
    return status == 0 ? 0 : EPERM;
}

static int run_from_memory(void) {
    int memory = syscall(SYS_memfd_create, "payload", 0u);
    if (memory < 0) return errno;
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    char bytes[65536];
    for (ssize_t count; (count = read(from, bytes, sizeof bytes)) > 0;)
        if (write(memory, bytes, count) != count) return errno;
    char *arguments[] = {"payload", "--none", NULL}, *none[] = {NULL};
    syscall(SYS_execveat, memory, "", arguments, none, AT_EMPTY_PATH);
    return errno;
}

static int leaked_descriptors(void) {
    // 3 is the control socket when there is one, 4 and 5 are this program's own pipe.
    for (int number = 6; number < 1024; number++)
        if (fcntl(number, F_GETFD) >= 0) return 0;
    return CONTAINED;
}

static int folder_outside(void) {
    char path[4096];
    if (getcwd(path, sizeof path) == NULL) return errno;
    return path[0] == '/' ? CONTAINED : 0;
}

static int climb_out(void) {
    struct stat top, above;
    if (chdir("/") != 0 || stat(".", &top) != 0 || stat("../../..", &above) != 0) return errno;
    return top.st_ino == above.st_ino && top.st_dev == above.st_dev ? CONTAINED : 0;
}

const struct attempt file_attempts[] = {
    {"read-shadow", read_shadow, 0}, {"read-root-home", read_root_home, 0}, {"read-secret", read_secret, 0},
    {"see-sys", see_sys, 1}, {"init-root-shadow", init_root_shadow, 0}, {"init-memory", init_memory, 0},
    {"own-program-write", own_program_write, 0}, {"create-in-usr", create_in_usr, 0},
    {"create-in-root", create_in_root, 0}, {"create-in-worker", create_in_worker, 0},
    {"core-pattern", core_pattern, 0}, {"sysrq", sysrq, 0}, {"kernel-core", kernel_core, 0},
    {"release-agent", release_agent, 0}, {"kill-preference", kill_preference, 0},
    {"terminal-maker", terminal_maker, 1}, {"own-terminal", own_terminal, 0}, {"disk-device", disk_device, 0},
    {"memory-device", memory_device, 0}, {"hypervisor-device", hypervisor_device, 0},
    {"host-processes", host_processes, 1}, {"link-out", link_out, 0}, {"hard-link-su", hard_link_su, 0},
    {"block-device", block_device, 0}, {"set-user-bit", set_user_bit, 1},
    {"open-with-user-bit", open_with_user_bit, 1}, {"file-capability", file_capability, 0},
    {"become-root", become_root, 0}, {"run-from-tmp", run_from_tmp, 1}, {"load-from-tmp", load_from_tmp, 1},
    {"run-from-memory", run_from_memory, 0}, {"leaked-descriptors", leaked_descriptors, 0},
    {"folder-outside", folder_outside, 0}, {"climb-out", climb_out, 0}, {NULL, NULL, 0},
};
