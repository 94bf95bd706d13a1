#include "dsmp_worker.h"
int dsmp_placeholder;
