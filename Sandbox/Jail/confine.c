// What the init and the worker give up before the worker's program runs (Specs/sandbox.md, section 6.5).
#define _GNU_SOURCE
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SET_MDWE = 65, MDWE_REFUSE = 1,  // PR_SET_MDWE, Linux 6.3
    JOIN_SESSION_KEYRING = 1,        // KEYCTL_JOIN_SESSION_KEYRING
    IO_CLASS_SHIFT = 13, IO_CLASS_BEST_EFFORT = 2, IO_WHO_PROCESS = 1,
};

static void set_limit(const struct launch *launch, int resource, uint64_t value) {
    struct rlimit limit, current;
    // A limit around the agent holds for its workers as well.
    if (getrlimit(resource, &current) != 0) fail(launch, "limits", "");
    rlim_t wanted = value > current.rlim_max ? current.rlim_max : value;
    limit = (struct rlimit){wanted, wanted};
    if (setrlimit(resource, &limit) != 0) fail(launch, "limits", "");
}

void confine_limits(const struct launch *launch) {
    const struct plan *plan = &launch->plan;
    for (size_t index = 0; index < plan->rlimit_count; index++)
        set_limit(launch, plan->rlimits[index].resource, plan->rlimits[index].value);
    // The init is one of the user's processes too.
    set_limit(launch, RLIMIT_NPROC, (uint64_t)plan->tasks + 1);
    if (!launch->has_memory_group && plan->memory_bytes > 0) set_limit(launch, RLIMIT_DATA, plan->memory_bytes);
    if (plan->cpus != NULL && syscall(SYS_sched_setaffinity, 0, CPU_BYTES, plan->cpus) < 0)
        fail(launch, "affinity", "");
    if (plan->io_weight > 0) {
        // Best effort has eight levels, 0 the first in line; the usual weight 100 is the usual level 4.
        uint32_t level = plan->io_weight >= 800 ? 0 : plan->io_weight >= 400 ? 1 : plan->io_weight >= 200 ? 3
                         : plan->io_weight >= 100 ? 4 : plan->io_weight >= 50 ? 6 : 7;
        if (syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_CLASS_BEST_EFFORT << IO_CLASS_SHIFT | level) != 0)
            fail(launch, "limits", "process.io.weight");
    }
}

void confine_privileges(const struct launch *launch) {
    // A keyring of its own, so that the session's keys are out of reach. Kernels without keyrings have none to hide.
    if (syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS) fail(launch, "keyring", "");
    for (int capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        if (errno == EINVAL && capability > CAP_SETPCAP) break;  // Beyond the kernel's last one.
        fail(launch, "capabilities", "bounding set");
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) fail(launch, "capabilities", "ambient set");
    const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                               SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                               SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0) fail(launch, "capabilities", "secure bits");
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    if (syscall(SYS_capset, &header, none) != 0) fail(launch, "capabilities", "");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(launch, "no-new-privileges", "");
    // Before Linux 6.3 only the filter stands against memory that is writable and executable.
    if (launch->plan.flags & FLAG_DENY_WRITE_EXECUTE && prctl(SET_MDWE, MDWE_REFUSE, 0, 0, 0) != 0 && errno != EINVAL)
        fail(launch, "write-execute", "");
}

void confine_filter(const struct launch *launch) {
    struct sock_fprog program = {
        .len = launch->plan.filter_count, .filter = (struct sock_filter *)(uintptr_t)launch->plan.filter};
    _Static_assert(sizeof(struct sock_filter) == sizeof(struct filter_instruction), "one instruction has 8 bytes");
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) fail(launch, "seccomp", "");
}
