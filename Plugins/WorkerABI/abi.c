#include "dsmp_worker.h"
