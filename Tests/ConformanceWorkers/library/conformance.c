// The conformance worker as a library: the methods that every kind of worker is tested with.
//
// echo    sends each message back, in order, with back-pressure: a message waits until the caller took the one before
// sum     how many bytes came in, as decimal text
// stream  the first message is a number n: sends n messages of 65,536 bytes
// slow    never answers until it is cancelled
// fail    ends with DSMP_STATUS_FAILED and the text "as asked"
// thread  as sum, but answers from a thread of its own

#include <dsmp_worker.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ECHO, SUM, STREAM, SLOW, FAIL, THREAD, METHODS };
static const char *const names[METHODS] = {"echo", "sum", "stream", "slow", "fail", "thread"};
enum { CHUNK = 65536 };

static const dsmp_host *host;

typedef struct waiting {
    struct waiting *next;
    size_t length;
    uint8_t bytes[];
} waiting;

typedef struct {
    dsmp_call number;
    int method;
    unsigned long long count;
    unsigned long long left;
    int full;
    int finished;
    waiting *first;
    waiting **last;
} call;

static void end(dsmp_call number, uint32_t status, const char *text) {
    host->end(host, number, status, text, text == NULL ? 0 : strlen(text));
}

static int32_t on_open(dsmp_worker *worker, dsmp_call number, const dsmp_call_header *header, void **call_data) {
    (void)worker;
    for (int method = 0; method < METHODS; method++) {
        if (strlen(names[method]) == header->method_length
            && memcmp(names[method], header->method, header->method_length) == 0) {
            call *made = calloc(1, sizeof *made);
            if (made == NULL) {
                return DSMP_ERROR_NO_MEMORY;
            }
            made->number = number;
            made->method = method;
            made->last = &made->first;
            *call_data = made;
            return 0;
        }
    }
    return DSMP_ERROR_NO_METHOD;
}

static void finish_echo(call *self) {
    if (self->finished && self->first == NULL) {
        end(self->number, DSMP_STATUS_OK, NULL);
    }
}

static void pump_echo(call *self) {
    while (!self->full && self->first != NULL) {
        waiting *item = self->first;
        self->full = host->send(host, self->number, item->bytes, item->length) == DSMP_FULL;
        host->consumed(host, self->number, item->length);
        self->first = item->next;
        if (self->first == NULL) {
            self->last = &self->first;
        }
        free(item);
    }
    finish_echo(self);
}

static void pump_stream(call *self) {
    static const uint8_t chunk[CHUNK];
    while (!self->full && self->left > 0) {
        self->left--;
        self->full = host->send(host, self->number, chunk, sizeof chunk) == DSMP_FULL;
    }
    if (self->left == 0) {
        end(self->number, DSMP_STATUS_OK, NULL);
    }
}

static int32_t on_message(
    dsmp_worker *worker, dsmp_call number, void *call_data, const uint8_t *bytes, size_t length) {
    (void)worker;
    (void)number;
    call *self = call_data;
    self->count += length;
    if (self->method == ECHO) {
        waiting *item = malloc(sizeof *item + length);
        if (item == NULL) {
            return DSMP_ERROR_NO_MEMORY;
        }
        item->next = NULL;
        item->length = length;
        memcpy(item->bytes, bytes, length);
        *self->last = item;
        self->last = &item->next;
        pump_echo(self);
        return DSMP_LATER;
    }
    if (self->method == STREAM && self->left == 0) {
        char text[32] = {0};
        memcpy(text, bytes, length < sizeof text - 1 ? length : sizeof text - 1);
        self->left = strtoull(text, NULL, 10);
        pump_stream(self);
    }
    return 0;
}

static void answer_sum(call *self) {
    char text[32];
    int length = snprintf(text, sizeof text, "%llu", self->count);
    host->send(host, self->number, (const uint8_t *)text, (size_t)length);
    end(self->number, DSMP_STATUS_OK, NULL);
}

static void *answer_from_thread(void *data) {
    answer_sum(data);
    return NULL;
}

static void on_finish(dsmp_worker *worker, dsmp_call number, void *call_data) {
    (void)worker;
    call *self = call_data;
    self->finished = 1;
    pthread_t thread;
    switch (self->method) {
    case ECHO: finish_echo(self); break;
    case SUM: answer_sum(self); break;
    case FAIL: end(number, DSMP_STATUS_FAILED, "as asked"); break;
    case THREAD:
        if (pthread_create(&thread, NULL, answer_from_thread, self) != 0) {
            end(number, DSMP_STATUS_INTERNAL, "no thread");
        } else {
            pthread_detach(thread);
        }
        break;
    default: break;
    }
}

static void on_writable(dsmp_worker *worker, dsmp_call number, void *call_data) {
    (void)worker;
    (void)number;
    call *self = call_data;
    self->full = 0;
    if (self->method == ECHO) {
        pump_echo(self);
    } else if (self->method == STREAM) {
        pump_stream(self);
    }
}

static void on_cancel(dsmp_worker *worker, dsmp_call number, void *call_data, uint32_t status) {
    (void)worker;
    (void)call_data;
    end(number, status, NULL);
}

static void on_close(dsmp_worker *worker, dsmp_call number, void *call_data) {
    (void)worker;
    (void)number;
    call *self = call_data;
    while (self->first != NULL) {
        waiting *item = self->first;
        self->first = item->next;
        free(item);
    }
    free(self);
}

static void destroy(dsmp_worker *worker) { (void)worker; }

static dsmp_worker worker = {
    .struct_size = sizeof worker,
    .on_open = on_open,
    .on_message = on_message,
    .on_finish = on_finish,
    .on_writable = on_writable,
    .on_cancel = on_cancel,
    .on_close = on_close,
    .destroy = destroy,
};

static const dsmp_worker_descriptor descriptor = {
    .struct_size = sizeof descriptor, .name = "conformance", .release = "1.0.0"};

static const dsmp_worker_descriptor *get_descriptor(uint32_t index) { return index == 0 ? &descriptor : NULL; }

static dsmp_worker *create(const dsmp_host *given, const char *name) {
    host = given;
    if (strcmp(name, "refused") == 0) {
        return NULL;
    }
    static const char text[] = "made";
    host->log(host, DSMP_LOG_INFO, text, sizeof text - 1);
    return &worker;
}

static const dsmp_worker_factory factory = {
    .struct_size = sizeof factory, .worker_count = 1, .get_descriptor = get_descriptor, .create = create};

static const void *get_factory(const char *name) { return strcmp(name, DSMP_FACTORY_WORKER) == 0 ? &factory : NULL; }

DSMP_EXPORT const dsmp_entry dsmp_worker_entry = {
    .struct_size = sizeof dsmp_worker_entry, .abi_version = DSMP_ABI_VERSION, .get_factory = get_factory};
