// A hostile worker. Each attempt returns 0 when what it tried is available to it, or the error number that stopped it;
// what the sandbox ends by a signal does not return. CONTAINED says that the call worked and reached nothing.
#ifndef DSMP_ESCAPE_H
#define DSMP_ESCAPE_H

#include <errno.h>
#include <stddef.h>

enum { CONTAINED = 200 };

struct attempt {
    const char *name;
    int (*run)(void);
    int is_harmless;  // Outside a jail as well, for an ordinary user: run there to show that the attempt itself works.
};

extern const struct attempt file_attempts[], kernel_attempts[], process_attempts[], socket_attempts[],
    resource_attempts[];

// The host path given on the command line that no worker may see, or NULL.
extern const char *secret_path;

// Runs a program and returns its exit status, or -1.
int run_program(char *const arguments[]);

// 0 for a result that is not negative, else the error number.
int outcome(long result);

#endif
