// dsmp-jail: builds a jail from a compiled plan and runs a worker's program in it (Specs/sandbox.md).
#include "jail.h"

#include <stdio.h>
#include <string.h>

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "launch") == 0) return keeper_main();
    fputs("dsmp-jail is started by dsmp, which hands it a plan; run `dsmp sandbox run -- PROGRAM` instead\n", stderr);
    return 2;
}
