// The worker `digest`: method `sha256` gives the SHA-256 of everything that is streamed to it, in hexadecimal.
//
// Also the example of a library worker (Specs/worker-abi.md): one exported symbol, no thread of its own, every message
// used up at once.

#include <dsmp_worker.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    dsmp_worker worker;
    const dsmp_host *host;
} digest_worker;

static digest_worker *self(dsmp_worker *worker) { return worker->worker_data; }

static int32_t on_open(dsmp_worker *worker, dsmp_call call, const dsmp_call_header *header, void **call_data) {
    (void)worker;
    (void)call;
    static const char method[] = "sha256";
    if (header->method_length != sizeof method - 1 || memcmp(header->method, method, sizeof method - 1) != 0) {
        return DSMP_ERROR_NO_METHOD;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        return DSMP_ERROR_NO_MEMORY;
    }
    *call_data = context;
    return 0;
}

static int32_t on_message(
    dsmp_worker *worker, dsmp_call call, void *call_data, const uint8_t *bytes, size_t length) {
    (void)worker;
    (void)call;
    return EVP_DigestUpdate(call_data, bytes, length) == 1 ? 0 : DSMP_ERROR_FAILED;
}

static void on_finish(dsmp_worker *worker, dsmp_call call, void *call_data) {
    const dsmp_host *host = self(worker)->host;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(call_data, digest, &length) != 1) {
        static const char text[] = "OpenSSL could not finish the digest";
        host->end(host, call, DSMP_STATUS_FAILED, text, sizeof text - 1);
        return;
    }
    uint8_t text[2 * EVP_MAX_MD_SIZE];
    for (unsigned int index = 0; index < length; index++) {
        text[2 * index] = (uint8_t)"0123456789abcdef"[digest[index] >> 4];
        text[2 * index + 1] = (uint8_t)"0123456789abcdef"[digest[index] & 15];
    }
    host->send(host, call, text, 2 * (size_t)length);
    host->end(host, call, DSMP_STATUS_OK, NULL, 0);
}

static void on_cancel(dsmp_worker *worker, dsmp_call call, void *call_data, uint32_t status) {
    (void)call_data;
    const dsmp_host *host = self(worker)->host;
    host->end(host, call, status, NULL, 0);
}

static void on_close(dsmp_worker *worker, dsmp_call call, void *call_data) {
    (void)worker;
    (void)call;
    EVP_MD_CTX_free(call_data);
}

static void destroy(dsmp_worker *worker) { free(self(worker)); }

static const dsmp_worker_descriptor descriptor = {
    .struct_size = sizeof descriptor, .name = "digest", .release = "1.0.0"};

static const dsmp_worker_descriptor *get_descriptor(uint32_t index) { return index == 0 ? &descriptor : NULL; }

static dsmp_worker *create(const dsmp_host *host, const char *name) {
    (void)name;
    digest_worker *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->host = host;
    made->worker = (dsmp_worker){
        .struct_size = sizeof made->worker,
        .worker_data = made,
        .on_open = on_open,
        .on_message = on_message,
        .on_finish = on_finish,
        .on_cancel = on_cancel,
        .on_close = on_close,
        .destroy = destroy,
    };
    return &made->worker;
}

static const dsmp_worker_factory factory = {
    .struct_size = sizeof factory, .worker_count = 1, .get_descriptor = get_descriptor, .create = create};

static const void *get_factory(const char *name) { return strcmp(name, DSMP_FACTORY_WORKER) == 0 ? &factory : NULL; }

DSMP_EXPORT const dsmp_entry dsmp_worker_entry = {
    .struct_size = sizeof dsmp_worker_entry, .abi_version = DSMP_ABI_VERSION, .get_factory = get_factory};
