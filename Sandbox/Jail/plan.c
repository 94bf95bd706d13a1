// Reads the compiled plan (Specs/sandbox.md, section 5). Every count is bounded and every text ends inside the plan.
#define _GNU_SOURCE
#include "jail.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
    SECTION_POLICY = 1, SECTION_LAUNCH = 2,
    SECTION_FLAGS = 10, SECTION_SIZES = 11, SECTION_RLIMITS = 12, SECTION_MOUNTS = 13, SECTION_PROTECTED = 14,
    SECTION_FILTER = 15, SECTION_CPUS = 16, SECTION_RESOURCES = 17,
    SECTION_IDENTITY = 30, SECTION_NAME = 31, SECTION_PROGRAM = 32, SECTION_FOLDER = 33, SECTION_ARGUMENTS = 34,
    SECTION_VARIABLES = 35, SECTION_RELEASE = 36,
};

struct cursor {
    const uint8_t *bytes;
    size_t count;
};

static uint64_t number(const uint8_t *bytes, int count) {
    uint64_t value = 0;
    for (int index = count - 1; index >= 0; index--) value = value << 8 | bytes[index];
    return value;
}

// Takes the next section off the cursor. Types ascend, so each occurs at most once.
static bool section_next(struct cursor *rest, unsigned *type, struct cursor *payload) {
    if (rest->count < 8) return false;
    unsigned next = number(rest->bytes, 2);
    size_t count = number(rest->bytes + 4, 4);
    size_t padded = (count + 7) & ~(size_t)7;
    if (next <= *type || number(rest->bytes + 2, 2) != 0 || padded > rest->count - 8) return false;
    *type = next;
    *payload = (struct cursor){rest->bytes + 8, count};
    rest->bytes += 8 + padded;
    rest->count -= 8 + padded;
    return true;
}

// Takes a text that ends with a zero byte off the cursor; NULL when there is none.
static const char *text_next(struct cursor *rest, size_t maximum) {
    const uint8_t *end = memchr(rest->bytes, 0, rest->count);
    if (rest->count == 0 || end == NULL || (size_t)(end - rest->bytes) > maximum) return NULL;
    const char *text = (const char *)rest->bytes;
    rest->count -= end + 1 - rest->bytes;
    rest->bytes = end + 1;
    return text;
}

static const char *text_only(struct cursor payload) {
    const char *text = text_next(&payload, MAXIMUM_TEXT);
    return payload.count == 0 ? text : NULL;
}

static bool is_absolute(const char *path) { return path != NULL && path[0] == '/' && strlen(path) <= MAXIMUM_TEXT; }

// A target names every part once: no empty part, no "." and no "..", which could climb above the jail's root.
static bool is_target(const char *path) {
    if (!is_absolute(path)) return false;
    for (const char *part = path; *part != 0;) {
        size_t count = strcspn(++part, "/");
        if (count == 0 || count > 255 || (part[0] == '.' && (count == 1 || (count == 2 && part[1] == '.')))) return false;
        part += count;
    }
    return true;
}

static bool texts_read(struct cursor payload, const char **texts, size_t maximum, size_t *count) {
    for (*count = 0; payload.count > 0; (*count)++) {
        if (*count == maximum || (texts[*count] = text_next(&payload, MAXIMUM_PLAN_BYTES)) == NULL) return false;
    }
    return true;
}

static bool mounts_read(struct cursor payload, struct plan *plan) {
    while (payload.count > 0) {
        if (payload.count < 4 || plan->mount_count == MAXIMUM_MOUNTS - 1) return false;
        struct mount_entry *entry = &plan->mounts[plan->mount_count++];
        entry->kind = payload.bytes[0];
        entry->flags = payload.bytes[1];
        if (entry->kind < MOUNT_BIND || entry->kind > MOUNT_DEVICE || entry->flags & ~MOUNT_FLAGS) return false;
        payload.bytes += 4;
        payload.count -= 4;
        entry->source = text_next(&payload, MAXIMUM_TEXT);
        entry->target = entry->source == NULL ? NULL : text_next(&payload, MAXIMUM_TEXT);
        entry->tree = -1;
        if (!is_target(entry->target)) return false;
        if ((entry->kind == MOUNT_BIND || entry->kind == MOUNT_DEVICE) && !is_absolute(entry->source)) return false;
    }
    return true;
}

static bool policy_section(unsigned type, struct cursor payload, struct plan *plan) {
    switch (type) {
    case SECTION_FLAGS:
        if (payload.count != 4) return false;
        plan->flags = number(payload.bytes, 4);
        return (plan->flags & ~(uint32_t)FLAG_ALL) == 0;
    case SECTION_SIZES:
        if (payload.count != 32) return false;
        plan->root_bytes = number(payload.bytes, 8);
        plan->root_inodes = number(payload.bytes + 8, 8);
        plan->tmp_bytes = number(payload.bytes + 16, 8);
        plan->tmp_inodes = number(payload.bytes + 24, 8);
        return plan->root_bytes > 0 && plan->root_inodes > 0 && plan->tmp_bytes > 0 && plan->tmp_inodes > 0;
    case SECTION_RLIMITS:
        if (payload.count % 12 != 0 || payload.count / 12 > MAXIMUM_RLIMITS) return false;
        for (; payload.count > 0; payload.bytes += 12, payload.count -= 12) {
            plan->rlimits[plan->rlimit_count++] =
                (struct resource_limit){number(payload.bytes, 4), number(payload.bytes + 4, 8)};
        }
        return true;
    case SECTION_MOUNTS: return mounts_read(payload, plan);
    case SECTION_PROTECTED:
        if (!texts_read(payload, plan->protected, MAXIMUM_PROTECTED, &plan->protected_count)) return false;
        for (size_t index = 0; index < plan->protected_count; index++)
            if (!is_absolute(plan->protected[index])) return false;
        return true;
    case SECTION_FILTER:
        plan->filter = (const struct filter_instruction *)payload.bytes;
        plan->filter_count = payload.count / sizeof *plan->filter;
        return payload.count % sizeof *plan->filter == 0 && plan->filter_count > 0 &&
               plan->filter_count <= MAXIMUM_FILTER;
    case SECTION_CPUS:
        plan->cpus = payload.bytes;
        return payload.count == CPU_BYTES;
    case SECTION_RESOURCES:
        if (payload.count != 32) return false;
        plan->memory_bytes = number(payload.bytes, 8);
        plan->memory_soft_bytes = number(payload.bytes + 8, 8);
        plan->tasks = number(payload.bytes + 16, 4);
        plan->cpu_weight = number(payload.bytes + 20, 4);
        plan->cpu_percent = number(payload.bytes + 24, 4);
        plan->io_weight = number(payload.bytes + 28, 4);
        return plan->tasks > 0;
    default: return false;
    }
}

static bool is_name(const char *name) {
    if (name == NULL || strlen(name) == 0 || strlen(name) > 63) return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static bool launch_section(unsigned type, struct cursor payload, struct plan *plan) {
    size_t count;
    switch (type) {
    case SECTION_IDENTITY:
        if (payload.count != 8) return false;
        plan->kernel_user = number(payload.bytes, 4);
        plan->kernel_group = number(payload.bytes + 4, 4);
        return true;
    case SECTION_NAME: return is_name(plan->name = text_only(payload));
    case SECTION_PROGRAM: return is_absolute(plan->program = text_only(payload));
    case SECTION_FOLDER: return is_absolute(plan->working_directory = text_only(payload));
    case SECTION_ARGUMENTS:
        return texts_read(payload, (const char **)plan->arguments, MAXIMUM_ARGUMENTS, &count) && count > 0;
    case SECTION_VARIABLES:
        return texts_read(payload, (const char **)plan->environment, MAXIMUM_VARIABLES, &count);
    case SECTION_RELEASE: return is_absolute(plan->release = text_only(payload));
    default: return false;
    }
}

static bool part_read(
    struct cursor part, struct plan *plan, bool (*read)(unsigned, struct cursor, struct plan *)) {
    unsigned type = 0;
    struct cursor payload;
    while (part.count > 0)
        if (!section_next(&part, &type, &payload) || !read(type, payload, plan)) return false;
    return true;
}

static const char *plan_check(struct cursor all, struct plan *plan) {
    if (all.count < 16 || memcmp(all.bytes, "DSMPPLAN", 8) != 0) return "it is no plan";
    if (number(all.bytes + 8, 4) != 1) return "its version is not 1";
    if (number(all.bytes + 12, 4) != all.count) return "its length is wrong";
    struct cursor rest = {all.bytes + 16, all.count - 16};
    struct cursor policy, launch;
    unsigned type = 0;
    if (!section_next(&rest, &type, &policy) || type != SECTION_POLICY) return "its policy is missing";
    if (!section_next(&rest, &type, &launch) || type != SECTION_LAUNCH || rest.count != 0)
        return "its launch part is missing or not last";
    if (!part_read(policy, plan, policy_section)) return "its policy is malformed";
    if (!part_read(launch, plan, launch_section)) return "its launch part is malformed";
    if (plan->filter == NULL || plan->tmp_bytes == 0 || plan->tasks == 0) return "its policy is incomplete";
    if (plan->name == NULL || plan->program == NULL || plan->working_directory == NULL || plan->arguments[0] == NULL)
        return "its launch part is incomplete";
    if (plan->release != NULL)
        plan->mounts[plan->mount_count++] = (struct mount_entry){
            .kind = MOUNT_BIND,
            .flags = MOUNT_EXECUTABLE | MOUNT_RELEASE, .source = plan->release, .target = "/worker", .tree = -1};
    return NULL;
}

const char *plan_read(int descriptor, struct plan *plan) {
    const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    struct stat status;
    memset(plan, 0, sizeof *plan);
    if (fcntl(descriptor, F_GET_SEALS) != seals) return "it is not in a sealed memory file";
    if (fstat(descriptor, &status) != 0 || status.st_size <= 0 || status.st_size > MAXIMUM_PLAN_BYTES)
        return "its size is out of bounds";
    const uint8_t *bytes = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED) return "it cannot be mapped";
    return plan_check((struct cursor){bytes, status.st_size}, plan);
}
