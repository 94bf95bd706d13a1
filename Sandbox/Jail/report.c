// Reports to the agent and, inside, from the jail to its keeper (Specs/sandbox.md, section 7).
#define _GNU_SOURCE
#include "jail.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void report_send(int socket, const struct report *report, int descriptor) {
    struct iovec part = {(void *)report, REPORT_HEADER_BYTES + (size_t)report->text_bytes};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    // A reader that went away is noticed where the socket is read.
    while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) continue;
}

bool report_receive(int socket, struct report *report) {
    memset(report, 0, sizeof *report);
    ssize_t count;
    do count = recv(socket, report, sizeof *report, MSG_DONTWAIT | MSG_TRUNC);
    while (count < 0 && errno == EINTR);
    return count >= REPORT_HEADER_BYTES && count <= (ssize_t)sizeof *report && report->magic == REPORT_MAGIC &&
           report->text_bytes == count - REPORT_HEADER_BYTES;
}

void report_failure(int socket, uint32_t request, int error, const char *step, const char *detail) {
    struct report report = {.magic = REPORT_MAGIC, .kind = REPORT_FAILED, .request = request, .value = error};
    size_t step_bytes = strnlen(step, 63) + 1;
    size_t detail_bytes = strnlen(detail, MAXIMUM_DETAIL);
    memcpy(report.text, step, step_bytes - 1);
    memcpy(report.text + step_bytes, detail, detail_bytes);
    report.text_bytes = step_bytes + detail_bytes;
    report_send(socket, &report, -1);
}

void fail(const struct launch *launch, const char *step, const char *detail) {
    report_failure(launch->status, launch->request, errno, step, detail);
    _exit(EXIT_BROKEN);
}
