// The files that `dsmp worker new` writes, embedded, so that the agent needs none of them at run time.

#include "dsmp_templates.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char python_manifest[] = {
#embed "python/worker.yaml"
};
static const unsigned char python_worker[] = {
#embed "python/worker.py"
};
static const unsigned char python_sdk[] = {
#embed "../Python/dsmp_worker.py"
};
static const unsigned char exec_manifest[] = {
#embed "exec/worker.yaml"
};
static const unsigned char c_manifest[] = {
#embed "c/worker.yaml"
};
static const unsigned char c_worker[] = {
#embed "c/worker.c"
};
static const unsigned char c_build[] = {
#embed "c/build"
};
static const unsigned char c_header[] = {
#embed "../WorkerABI/include/dsmp_worker.h"
};
static const unsigned char swift_manifest[] = {
#embed "swift/worker.yaml"
};
static const unsigned char swift_package[] = {
#embed "swift/Package.swift.txt"
};
static const unsigned char swift_main[] = {
#embed "swift/Sources/main.swift.txt"
};
static const unsigned char swift_build[] = {
#embed "swift/build"
};

#define FILE(language, path, bytes, is_executable) {language, path, bytes, sizeof bytes, is_executable}

static const dsmp_template_file files[] = {
    FILE("python", "worker.yaml", python_manifest, 0),
    FILE("python", "worker.py", python_worker, 0),
    FILE("python", "dsmp_worker.py", python_sdk, 0),
    FILE("exec", "worker.yaml", exec_manifest, 0),
    FILE("c", "worker.yaml", c_manifest, 0),
    FILE("c", "worker.c", c_worker, 0),
    FILE("c", "build", c_build, 1),
    FILE("c", "dsmp_worker.h", c_header, 0),
    FILE("swift", "worker.yaml", swift_manifest, 0),
    FILE("swift", "Package.swift", swift_package, 0),
    FILE("swift", "Sources/main.swift", swift_main, 0),
    FILE("swift", "build", swift_build, 1),
};

const dsmp_template_file *dsmp_template_file_at(size_t index) {
    return index < sizeof files / sizeof files[0] ? &files[index] : NULL;
}
