#ifndef DSMP_CLIBUV_SHIM_H
#define DSMP_CLIBUV_SHIM_H

// accept4 and O_PATH want _GNU_SOURCE, which must not be defined here: it changes types that Swift's Glibc module shares.
// Hence the numbers of the x86_64 and arm64 kernel interface.

#include <fcntl.h>
#include <malloc.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/// The names of mallopt(3) that Swift cannot read from the header.
static const int dsmp_trim_threshold = M_TRIM_THRESHOLD;
static const int dsmp_map_threshold = M_MMAP_THRESHOLD;

/// socket(2): a non-blocking, close-on-exec stream socket.
static inline int dsmp_stream_socket(int family) {
    return socket(family, 1 /* SOCK_STREAM */ | 02000000 /* SOCK_CLOEXEC */ | 04000 /* SOCK_NONBLOCK */, 0);
}

/// accept4(2): the connected socket is non-blocking and close-on-exec.
static inline int dsmp_accept(int listening) {
    return (int)syscall(SYS_accept4, listening, (void *)0, (void *)0, 02000000 | 04000);
}

/// socketpair(2): Unix stream sockets, close-on-exec.
static inline int dsmp_socket_pair(int numbers[2]) { return socketpair(1 /* AF_UNIX */, 1 | 02000000, 0, numbers); }

/// open(2) with O_PATH: a folder as a place to start a path from.
static inline int dsmp_open_folder(const char *path) {
    return open(path, 010000000 /* O_PATH */ | O_DIRECTORY | O_CLOEXEC);
}

#endif
