#include "command_support.h"

static const unsigned char python_sdk[] = {
#embed "../../Plugins/Python/dsmp_worker.py"
};

static const unsigned char worker_header[] = {
#embed "../../Plugins/WorkerABI/include/dsmp_worker.h"
};

const unsigned char *dsmp_embedded_python_sdk(size_t *bytes) {
    *bytes = sizeof python_sdk;
    return python_sdk;
}

const unsigned char *dsmp_embedded_worker_header(size_t *bytes) {
    *bytes = sizeof worker_header;
    return worker_header;
}
