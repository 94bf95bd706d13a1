/* What the commands need from C: embedded files, and system calls that the Glibc module does not declare. */
#ifndef DSMP_COMMAND_SUPPORT_H
#define DSMP_COMMAND_SUPPORT_H

#include <spawn.h>
#include <stddef.h>

/* Files that `dsmp worker new` copies, so that the executable needs nothing beside it. Each length goes to *bytes. Static. */
const unsigned char *dsmp_embedded_python_sdk(size_t *bytes);     /* Plugins/Python/dsmp_worker.py */
const unsigned char *dsmp_embedded_worker_header(size_t *bytes);  /* Plugins/WorkerABI/include/dsmp_worker.h */

/* pidfd_open(2): a descriptor of a process, or -1 with errno. Close-on-exec. */
int dsmp_pidfd_open(int process_id);
/* pidfd_send_signal(2): 0, or -1 with errno. */
int dsmp_pidfd_send_signal(int descriptor, int signal);
/* posix_spawn_file_actions_addclosefrom_np(3): the child has no descriptor from this one on. 0, or an error number. */
int dsmp_spawn_close_from(posix_spawn_file_actions_t *actions, int descriptor);
/* POSIX_SPAWN_SETSID of <spawn.h>. */
short dsmp_spawn_setsid(void);

#endif
