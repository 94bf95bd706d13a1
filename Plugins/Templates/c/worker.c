// The worker @NAME@: counts the lines of a text. Build it with ./build and publish it with
// `dsmp worker publish . --trust-library`. The rules are in dsmp_worker.h.

#include "dsmp_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    unsigned long long lines;
} call_state;

static const dsmp_host *host;

static int32_t on_open(dsmp_worker *worker, dsmp_call call, const dsmp_call_header *header, void **call_data) {
    (void)worker;
    (void)call;
    static const char method[] = "lines";
    if (header->method_length != sizeof method - 1 || memcmp(header->method, method, sizeof method - 1) != 0) {
        return DSMP_ERROR_NO_METHOD;
    }
    *call_data = calloc(1, sizeof(call_state));
    return *call_data == NULL ? DSMP_ERROR_NO_MEMORY : 0;
}

static int32_t on_message(dsmp_worker *worker, dsmp_call call, void *call_data, const uint8_t *bytes, size_t length) {
    (void)worker;
    (void)call;
    call_state *state = call_data;
    for (size_t index = 0; index < length; index++) {
        state->lines += bytes[index] == '\n';
    }
    return 0;
}

static void on_finish(dsmp_worker *worker, dsmp_call call, void *call_data) {
    (void)worker;
    call_state *state = call_data;
    char text[32];
    int length = snprintf(text, sizeof text, "%llu\n", state->lines);
    host->send(host, call, (const uint8_t *)text, (size_t)length);
    host->end(host, call, DSMP_STATUS_OK, NULL, 0);
}

static void on_cancel(dsmp_worker *worker, dsmp_call call, void *call_data, uint32_t status) {
    (void)worker;
    (void)call_data;
    host->end(host, call, status, NULL, 0);
}

static void on_close(dsmp_worker *worker, dsmp_call call, void *call_data) {
    (void)worker;
    (void)call;
    free(call_data);
}

static void destroy(dsmp_worker *worker) { (void)worker; }

static dsmp_worker the_worker = {
    .struct_size = sizeof the_worker,
    .on_open = on_open,
    .on_message = on_message,
    .on_finish = on_finish,
    .on_cancel = on_cancel,
    .on_close = on_close,
    .destroy = destroy,
};

static const dsmp_worker_descriptor descriptor = {
    .struct_size = sizeof descriptor, .name = "@NAME@", .release = "0.1.0"};

static const dsmp_worker_descriptor *get_descriptor(uint32_t index) { return index == 0 ? &descriptor : NULL; }

static dsmp_worker *create(const dsmp_host *given, const char *name) {
    (void)name;
    host = given;
    return &the_worker;
}

static const dsmp_worker_factory factory = {
    .struct_size = sizeof factory, .worker_count = 1, .get_descriptor = get_descriptor, .create = create};

static const void *get_factory(const char *name) { return strcmp(name, DSMP_FACTORY_WORKER) == 0 ? &factory : NULL; }

DSMP_EXPORT const dsmp_entry dsmp_worker_entry = {
    .struct_size = sizeof dsmp_worker_entry, .abi_version = DSMP_ABI_VERSION, .get_factory = get_factory};
