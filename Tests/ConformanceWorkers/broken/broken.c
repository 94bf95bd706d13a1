// A library that is wrong in the way that BROKEN says.

#include <dsmp_worker.h>
#include <stddef.h>
#include <string.h>

#define NO_SYMBOL 1
#define OTHER_VERSION 2
#define SMALL_ENTRY 3
#define FAILING_INIT 4
#define NO_FACTORY 5
#define SMALL_FACTORY 6
#define NO_WORKER 7
#define SMALL_WORKER 8
#define FAILING_START 9
#define MISSING_FUNCTION 10

#if BROKEN == FAILING_INIT
static int32_t init(const char *path) { return path == NULL ? 0 : DSMP_ERROR_FAILED; }
#endif

static void destroy(dsmp_worker *worker) { (void)worker; }
static int32_t on_open(dsmp_worker *w, dsmp_call c, const dsmp_call_header *h, void **d) {
    (void)w, (void)c, (void)h, (void)d;
    return DSMP_ERROR_NO_METHOD;
}
static int32_t on_message(dsmp_worker *w, dsmp_call c, void *d, const uint8_t *b, size_t l) {
    (void)w, (void)c, (void)d, (void)b, (void)l;
    return 0;
}
static void on_finish(dsmp_worker *w, dsmp_call c, void *d) { (void)w, (void)c, (void)d; }
static void on_cancel(dsmp_worker *w, dsmp_call c, void *d, uint32_t s) { (void)w, (void)c, (void)d, (void)s; }
static int32_t start(dsmp_worker *w) { (void)w; return BROKEN == FAILING_START ? DSMP_ERROR_FAILED : 0; }

static dsmp_worker worker = {
    .struct_size = BROKEN == SMALL_WORKER ? 8 : sizeof worker,
    .start = start,
    .on_open = on_open,
    .on_message = on_message,
    .on_finish = on_finish,
    .on_cancel = on_cancel,
    .on_close = BROKEN == MISSING_FUNCTION ? NULL : on_finish,
    .destroy = destroy,
};

static dsmp_worker *create(const dsmp_host *host, const char *name) {
    (void)name;
    host->log(host, DSMP_LOG_ERROR, "no \033[31mred\033[0m", 15);
    return BROKEN == NO_WORKER ? NULL : &worker;
}

static const dsmp_worker_factory factory = {
    .struct_size = BROKEN == SMALL_FACTORY ? 4 : sizeof factory, .worker_count = 1, .create = create};

static const void *get_factory(const char *name) {
    return BROKEN != NO_FACTORY && strcmp(name, DSMP_FACTORY_WORKER) == 0 ? &factory : NULL;
}

#if BROKEN == NO_SYMBOL
#define dsmp_worker_entry another_entry
#endif
DSMP_EXPORT const dsmp_entry dsmp_worker_entry = {
    .struct_size = BROKEN == SMALL_ENTRY ? 8 : sizeof dsmp_worker_entry,
    .abi_version = BROKEN == OTHER_VERSION ? 9 : DSMP_ABI_VERSION,
#if BROKEN == FAILING_INIT
    .init = init,
#endif
    .get_factory = get_factory,
};
