// Shared by the parts of dsmp-jail (Specs/sandbox.md). Three processes run this program's code:
// - the keeper, started by the agent, outside the jail: it has the channel to the agent, the cgroups and the pidfd;
// - the init, first process of the jail: it builds the jail, reaps, and forwards signals;
// - the worker, child of the init: it takes the last steps and becomes the worker's program.
#ifndef DSMP_JAIL_H
#define DSMP_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    CHANNEL_DESCRIPTOR = 3,  // In the keeper.
    STATUS_DESCRIPTOR = 3,   // In the init.
    CONTROL_DESCRIPTOR = 3,  // In the worker.
    INNER_ID = 1000,
    EXIT_BROKEN = 125,
    MAXIMUM_MOUNTS = 128,
    MAXIMUM_ARGUMENTS = 1024,
    MAXIMUM_VARIABLES = 128,
    MAXIMUM_RLIMITS = 16,
    MAXIMUM_PROTECTED = 24,
    MAXIMUM_FILTER = 4096,
    MAXIMUM_PLAN_BYTES = 1 << 20,
    MAXIMUM_TEXT = 4096,
    MAXIMUM_DETAIL = 400,
    CPU_BYTES = 128,
};

// Plan flags.
enum { FLAG_DENY_WRITE_EXECUTE = 1, FLAG_ALL = 1 };

enum mount_kind { MOUNT_BIND = 1, MOUNT_LINK = 2, MOUNT_FILE = 3, MOUNT_DEVICE = 4 };
enum mount_flag { MOUNT_WRITABLE = 1, MOUNT_OPTIONAL = 2, MOUNT_EXECUTABLE = 4, MOUNT_FOLLOW = 8, MOUNT_FLAGS = 15,
    MOUNT_RELEASE = 16,  // Set for the worker's own release, never by a policy.
};

struct mount_entry {
    enum mount_kind kind;
    unsigned flags;
    const char *source;  // Host path, link text or file contents.
    const char *target;  // Path in the jail, absolute.
    int tree;            // Detached mount of the source, -1 when absent.
    bool is_folder;
};

struct resource_limit {
    uint32_t resource;
    uint64_t value;
};

struct filter_instruction {  // struct sock_filter
    uint16_t code;
    uint8_t jump_true, jump_false;
    uint32_t operand;
};

// Everything a start needs, checked. Texts point into the mapped plan.
struct plan {
    uint32_t flags;
    uint64_t root_bytes, root_inodes, tmp_bytes, tmp_inodes;
    struct resource_limit rlimits[MAXIMUM_RLIMITS];
    size_t rlimit_count;
    struct mount_entry mounts[MAXIMUM_MOUNTS];
    size_t mount_count;
    const char *protected[MAXIMUM_PROTECTED];
    size_t protected_count;
    const struct filter_instruction *filter;
    size_t filter_count;
    const uint8_t *cpus;  // CPU_BYTES, or NULL for all.
    uint64_t memory_bytes, memory_soft_bytes;  // 0 is none.
    uint32_t tasks, cpu_weight, cpu_percent, io_weight;
    uint32_t kernel_user, kernel_group;
    const char *name, *program, *working_directory, *release;
    char *arguments[MAXIMUM_ARGUMENTS + 1];
    char *environment[MAXIMUM_VARIABLES + 1];
};

// One start: the plan and the descriptors that came with it. -1 where there is none.
struct launch {
    uint32_t request;
    bool is_root;          // Whether the keeper is root outside the jail.
    bool has_memory_group; // Whether a cgroup limits the memory.
    int input, output, error, control;
    int status;            // Init's and worker's end of the socket to the keeper, close-on-exec.
    struct plan plan;
};

// plan.c: maps and checks a plan. Returns NULL, or what is wrong with it.
const char *plan_read(int descriptor, struct plan *plan);

// report.c
enum report_kind { REPORT_STARTED = 1, REPORT_RUNNING = 2, REPORT_FAILED = 3, REPORT_ENDED = 4 };
enum report_flag { REPORT_OUT_OF_MEMORY = 1, REPORT_MEMORY_GROUP = 2 };
enum end_kind { END_EXITED = 1, END_SIGNALLED = 2 };
struct report {
    uint32_t magic;
    uint16_t kind;
    uint16_t text_bytes;
    uint32_t request;
    int32_t value;
    int32_t code;
    uint32_t flags;
    uint64_t user_microseconds, system_microseconds, resident_bytes;
    char text[512];  // Of a failure: the step's name, a zero byte, the detail.
};
enum { REPORT_HEADER_BYTES = 48, REPORT_MAGIC = 0x524A5344 };  // "DSJR"
void report_send(int socket, const struct report *report, int descriptor);
bool report_receive(int socket, struct report *report);
void report_failure(int socket, uint32_t request, int error, const char *step, const char *detail);

// Ends the calling process of the jail after reporting the step with errno. Never returns.
_Noreturn void fail(const struct launch *launch, const char *step, const char *detail);

// group.c: cgroups, by the keeper as root. Best effort: a host without them gets rlimits.
struct cgroup {
    char memory[512], pids[512], cpu[512];  // Folders; empty where there is none.
    bool is_unified;
};
void group_create(struct cgroup *group, const struct plan *plan);
bool group_attach(const struct cgroup *group, pid_t process);
bool group_ran_out_of_memory(const struct cgroup *group);
void group_remove(struct cgroup *group);

// sources.c: opens what the plan shows of the host. Returns 0, or fails with step and detail set.
struct problem {
    const char *step, *detail;
    int error;
};
bool sources_open(struct plan *plan, struct problem *problem);
// owners.c: a namespace that shows the files of one owner as the jail's; a descriptor, or -1.
int owners_open(uint32_t user, uint32_t group, const struct plan *plan);
// keeper.c: writes one of the identity files of a process.
bool write_identity(pid_t process, const char *file, const char *text);
void sources_close(struct plan *plan);

// root.c: builds the jail's file system and makes it the root.
void root_build(const struct launch *launch);

// confine.c: what init and worker give up.
void confine_limits(const struct launch *launch);
void confine_privileges(const struct launch *launch);
void confine_filter(const struct launch *launch);

// rules.c: Landlock.
void rules_apply(const struct launch *launch);

// init.c, worker.c
_Noreturn void init_main(struct launch *launch);
_Noreturn void worker_main(struct launch *launch, int signal_pipe);

// keeper.c
int keeper_main(void);

#endif
