// Attempts to reach others through sockets.
#define _GNU_SOURCE
#include "escape.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int make(int family, int type, int protocol) {
    int descriptor = socket(family, type, protocol);
    if (descriptor >= 0) close(descriptor);
    return outcome(descriptor);
}

static int tcp(void) { return make(AF_INET, SOCK_STREAM, 0); }
static int tcp6(void) { return make(AF_INET6, SOCK_STREAM, 0); }
static int udp(void) { return make(AF_INET, SOCK_DGRAM, 0); }
static int multipath(void) { return make(AF_INET, SOCK_STREAM, 262); }
static int raw(void) { return make(AF_INET, SOCK_RAW, 1); }
static int netlink(void) { return make(AF_NETLINK, SOCK_RAW, 0); }
static int packet(void) { return make(AF_PACKET, SOCK_RAW, 0); }
static int hypervisor(void) { return make(40, SOCK_STREAM, 0); }
static int cipher(void) { return make(38, SOCK_SEQPACKET, 0); }
static int local(void) { return make(AF_UNIX, SOCK_STREAM, 0); }

// A datagram pair could be sent elsewhere by address, past every check of socket(2).
static int datagram_pair(void) {
    int ends[2];
    return outcome(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
}

static struct sockaddr_un abstract_address(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, "host", 4);
    return address;
}

static int connect_pair(void) {
    int ends[2];
    struct sockaddr_un address = abstract_address();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return errno;
    return outcome(connect(ends[0], (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 5));
}

static int send_elsewhere(void) {
    int ends[2];
    struct sockaddr_un address = abstract_address();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) return errno;
    return outcome(sendto(
        ends[0], "x", 1, 0, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 5));
}

static int listen_here(void) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return errno;
    return outcome(listen(ends[0], 1));
}

const struct attempt socket_attempts[] = {
    {"tcp", tcp, 1}, {"tcp6", tcp6, 0}, {"udp", udp, 1}, {"multipath", multipath, 0}, {"raw", raw, 0},
    {"netlink", netlink, 1}, {"packet", packet, 0}, {"hypervisor", hypervisor, 0}, {"cipher", cipher, 0},
    {"local", local, 1}, {"datagram-pair", datagram_pair, 1}, {"connect-pair", connect_pair, 0},
    {"send-elsewhere", send_elsewhere, 0}, {"listen-here", listen_here, 0}, {NULL, NULL, 0},
};
