// What Launching needs of C: libseccomp, and system calls that Swift's Glibc module does not show.
#ifndef DSMP_CSECCOMP_SHIM_H
#define DSMP_CSECCOMP_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// pidfd_send_signal(2); 0 or an error number.
static inline int dsmp_pidfd_signal(int pidfd, int signal_number) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal_number, (void *)0, 0) == 0 ? 0 : errno;
}

// memfd_create(2) with MFD_CLOEXEC and MFD_ALLOW_SEALING; a descriptor or a negative error number.
static inline int dsmp_sealable_memory(const char *name) {
    int descriptor = (int)syscall(SYS_memfd_create, name, 3u);
    return descriptor >= 0 ? descriptor : -errno;
}

// Forbids every later change of a sealable memory file; 0 or an error number.
static inline int dsmp_seal(int descriptor) {
    enum { add_seals = 1033, seal_seal = 1, seal_shrink = 2, seal_grow = 4, seal_write = 8 };
    return fcntl(descriptor, add_seals, seal_seal | seal_shrink | seal_grow | seal_write) == 0 ? 0 : errno;
}

// Two connected packet sockets, close-on-exec; 0 or an error number.
static inline int dsmp_packet_sockets(int descriptors[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, descriptors) == 0 ? 0 : errno;
}

// Two connected stream sockets, close-on-exec; 0 or an error number.
static inline int dsmp_stream_sockets(int descriptors[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, descriptors) == 0 ? 0 : errno;
}

// A pipe, close-on-exec; 0 or an error number.
static inline int dsmp_pipe(int descriptors[2]) {
    return syscall(SYS_pipe2, descriptors, O_CLOEXEC) == 0 ? 0 : errno;
}

enum { DSMP_CHANNEL_DESCRIPTOR_LIMIT = 8 };

// Sends one packet with descriptors; 0 or an error number.
static inline int dsmp_send_packet(
    int channel, const void *bytes, size_t byte_count, const int *descriptors, size_t descriptor_count) {
    if (descriptor_count > DSMP_CHANNEL_DESCRIPTOR_LIMIT) return EINVAL;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * DSMP_CHANNEL_DESCRIPTOR_LIMIT)];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {(void *)bytes, byte_count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * descriptor_count);
    }
    ssize_t sent;
    do { sent = sendmsg(channel, &message, MSG_NOSIGNAL); } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)byte_count ? 0 : (sent < 0 ? errno : EMSGSIZE);
}

// Receives one packet without waiting. Returns its byte count, 0 at the end of the channel, or a negative error number
// (-EAGAIN when there is none). Descriptors are close-on-exec; what does not fit is closed and makes -EMSGSIZE.
static inline ssize_t dsmp_receive_packet(
    int channel, void *bytes, size_t capacity, int *descriptors, size_t *descriptor_count) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * DSMP_CHANNEL_DESCRIPTOR_LIMIT)];
    } control;
    struct iovec part = {bytes, capacity};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    *descriptor_count = 0;
    ssize_t received;
    do { received = recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); } while (received < 0 && errno == EINTR);
    if (received < 0) return -errno;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < count; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof descriptor);
            if (*descriptor_count < DSMP_CHANNEL_DESCRIPTOR_LIMIT) descriptors[(*descriptor_count)++] = descriptor;
            else close(descriptor);
        }
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        for (size_t index = 0; index < *descriptor_count; index++) close(descriptors[index]);
        *descriptor_count = 0;
        return -EMSGSIZE;
    }
    return received;
}

#endif
