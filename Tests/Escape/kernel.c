// Attempts on the kernel: mounts, namespaces, modules, keys, tracing, and calls of other processor modes.
#define _GNU_SOURCE
#include "escape.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int mount_memory(void) { return outcome(mount("tmpfs", "/tmp", "tmpfs", 0, NULL)); }
static int remount_usr(void) { return outcome(mount(NULL, "/usr/bin", NULL, MS_REMOUNT | MS_BIND, NULL)); }
static int mount_cgroup(void) { return outcome(mount("cgroup", "/tmp", "cgroup", 0, "memory")); }
static int unmount_proc(void) { return outcome(umount2("/proc", MNT_DETACH)); }
static int pivot(void) { return outcome(syscall(SYS_pivot_root, "/tmp", "/tmp")); }
static int change_root(void) { return outcome(chroot("/tmp")); }
static int open_file_system(void) { return outcome(syscall(SYS_fsopen, "tmpfs", 0u)); }
static int clone_tree(void) { return outcome(syscall(SYS_open_tree, AT_FDCWD, "/", 1u)); }
static int unshare_user(void) { return outcome(unshare(CLONE_NEWUSER)); }
static int join_namespace(void) { return outcome(setns(open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC), 0)); }

static int clone_user(void) {
    long child = syscall(SYS_clone, CLONE_NEWUSER | 17, NULL, NULL, NULL, NULL);
    if (child == 0) _exit(0);
    return outcome(child);
}

static int clone3_user(void) {
    uint64_t arguments[8] = {CLONE_NEWUSER, 0, 0, 0, 17};
    long child = syscall(SYS_clone3, arguments, sizeof arguments);
    if (child == 0) _exit(0);
    return outcome(child);
}

static int handle_open(void) {
    struct file_handle *handle = calloc(1, sizeof *handle + 128);
    handle->handle_bytes = 128;
    return outcome(syscall(SYS_open_by_handle_at, AT_FDCWD, handle, O_RDONLY));
}

static int terminal_input(void) { return outcome(ioctl(0, 0x5412UL, "x")); }
static int terminal_input_wide(void) { return outcome(syscall(SYS_ioctl, 0, 0x5412UL | 1UL << 32, "x")); }
static int console_paste(void) { return outcome(ioctl(0, 0x541CUL, "\3")); }
static int keys(void) { return outcome(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1)); }
static int add_key(void) { return outcome(syscall(SYS_add_key, "user", "planted", "x", 1, KEY_SPEC_USER_KEYRING)); }

static int kernel_program(void) {
    union bpf_attr attributes = {0};
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = attributes.value_size = 4;
    attributes.max_entries = 1;
    return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

static int performance_events(void) {
    struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes};
    return outcome(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

static int fault_handler(void) { return outcome(syscall(SYS_userfaultfd, 1 /* user mode only */)); }

static int io_ring(void) {
    unsigned char parameters[120] = {0};
    return outcome(syscall(425 /* io_uring_setup */, 4u, parameters));
}

static int load_module(void) { return outcome(syscall(SYS_finit_module, 0, "", 0)); }
static int load_module_bytes(void) { return outcome(syscall(SYS_init_module, "", 0UL, "")); }
static int load_kernel(void) { return outcome(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL)); }
static int ports(void) { return outcome(syscall(SYS_iopl, 3)); }
static int fixed_addresses(void) { return outcome(personality(ADDR_NO_RANDOMIZE)); }
static int segments(void) { return outcome(syscall(SYS_modify_ldt, 0, NULL, 0UL)); }
static int host_name(void) { return outcome(sethostname("planted", 7)); }
static int kernel_log(void) { return outcome(syscall(SYS_syslog, 10, NULL, 0)); }
static int watch_files(void) { return outcome(syscall(SYS_fanotify_init, 0u, 0u)); }
static int compare_kernel_objects(void) { return outcome(syscall(SYS_kcmp, getpid(), getppid(), 0, 0UL, 0UL)); }
static int quota(void) { return outcome(syscall(SYS_quotactl, 0, NULL, 0, NULL)); }

static int set_clock(void) {
    // An invalid time, so that even a success of the attempt changes nothing.
    struct timespec time = {-1, -1};
    return outcome(syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
}

static int call_32_bit(void) {
    long result = 0;
#ifdef __x86_64__
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");  // getpid
#endif
    return result > 0 ? 0 : ENOSYS;
}

static int call_x32(void) { return outcome(syscall(0x40000000 | SYS_getpid)); }

static int writable_and_executable(void) {
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? errno : 0;
}

static int executable_later(void) {
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? errno : outcome(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int executable_memory_file(void) {
    int memory = syscall(SYS_memfd_create, "payload", 0u);
    return outcome(memory);
}

static int permissive_filter(void) {
    struct {
        unsigned short count;
        void *instructions;
    } program = {1, (unsigned char[8]){6, 0, 0, 0, 0, 0, 0xFF, 0x7F}};
    return outcome(syscall(SYS_seccomp, 1u, 0u, &program));
}

const struct attempt kernel_attempts[] = {
    {"mount-memory", mount_memory, 0}, {"remount-usr", remount_usr, 0}, {"mount-cgroup", mount_cgroup, 0},
    {"unmount-proc", unmount_proc, 0}, {"pivot", pivot, 0}, {"change-root", change_root, 0},
    {"open-file-system", open_file_system, 0}, {"clone-tree", clone_tree, 0}, {"unshare-user", unshare_user, 1},
    {"clone-user", clone_user, 1}, {"clone3-user", clone3_user, 1}, {"join-namespace", join_namespace, 0},
    {"handle-open", handle_open, 0}, {"terminal-input", terminal_input, 0},
    {"terminal-input-wide", terminal_input_wide, 0}, {"console-paste", console_paste, 0}, {"keys", keys, 1},
    {"add-key", add_key, 1}, {"kernel-program", kernel_program, 0}, {"performance-events", performance_events, 0},
    {"fault-handler", fault_handler, 1}, {"io-ring", io_ring, 1}, {"load-module", load_module, 0},
    {"load-module-bytes", load_module_bytes, 0}, {"load-kernel", load_kernel, 0}, {"ports", ports, 0},
    {"fixed-addresses", fixed_addresses, 1}, {"segments", segments, 1}, {"host-name", host_name, 0},
    {"kernel-log", kernel_log, 0}, {"watch-files", watch_files, 0},
    {"compare-kernel-objects", compare_kernel_objects, 1}, {"quota", quota, 0}, {"set-clock", set_clock, 0},
    {"call-32-bit", call_32_bit, 1}, {"call-x32", call_x32, 0},
    {"writable-and-executable", writable_and_executable, 1}, {"executable-later", executable_later, 1},
    {"executable-memory-file", executable_memory_file, 1}, {"permissive-filter", permissive_filter, 0},
    {NULL, NULL, 0},
};
