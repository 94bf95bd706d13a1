#ifndef DSMP_TEMPLATES_H
#define DSMP_TEMPLATES_H

#include <stddef.h>

/* One file of a template for a new worker. The bytes are not terminated. */
typedef struct dsmp_template_file {
    const char *language; /* python, c, swift or exec */
    const char *path;     /* below the new folder */
    const unsigned char *bytes;
    size_t length;
    int is_executable;
} dsmp_template_file;

/* The file at an index, from 0; null beyond the last. Everything it points to is constant. */
const dsmp_template_file *dsmp_template_file_at(size_t index);

#endif
