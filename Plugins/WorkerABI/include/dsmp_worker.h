/*
 * dsmp_worker.h - the C ABI between a DSMP agent and a worker in a shared library, version 0.
 *
 * Version 0 carries no promise: a library built for it is refused by an agent of version 1. Specs/worker-abi.md has the
 * rules in prose, the states of a worker and of a call, and an example.
 *
 * The library exports one symbol, `dsmp_worker_entry`, and nothing else (-fvisibility=hidden). Everything is reached
 * from there; what is optional is asked for by name with `get_extension`. Link with `-z nodelete`: a library is never
 * unloaded.
 *
 * RULES FOR ALL FUNCTIONS
 *   - Every struct begins with its size in bytes as the writer knew it. A reader touches only what both know; a function
 *     pointer beyond the writer's size, or null, is absent.
 *   - Text is a pointer and a length in bytes, UTF-8, not terminated. A null pointer has length 0.
 *   - Memory belongs to whoever allocated it. A pointer given to a function is valid until the function returns, unless
 *     its comment says otherwise. Nobody frees the other side's memory.
 *   - Calls are named by a number that is never reused while the library is loaded. A number of a call that has ended is
 *     harmless: the function does nothing.
 *   - No function throws, exits, raises a signal or changes the signal mask, the locale or the working directory.
 *   - Threads: [loop] is called on the agent's event loop, never re-entrantly and never at the same time as another
 *     [loop] function of the same worker. It must return within a millisecond and never wait: long work belongs on a
 *     thread of the worker's own. [any] may be called from any thread at any time between `create` and the return of
 *     `destroy`, also from inside a [loop] function.
 *   - Results are 0 or positive for success and a negative DSMP_ERROR_... for failure.
 */
#ifndef DSMP_WORKER_H
#define DSMP_WORKER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. Entry, agent and library must agree on it exactly as long as it is 0. */
#define DSMP_ABI_VERSION 0u
/* The longest message in bytes, in either direction. */
#define DSMP_MESSAGE_BYTES 1048576u
/* The name of the factory that every library has. */
#define DSMP_FACTORY_WORKER "dsmp.factory.worker/0"

/* Names one call. 0 names none. */
typedef uint64_t dsmp_call;

/* Why a function failed. */
enum {
    DSMP_ERROR_FAILED = -1,      /* for a reason that was logged */
    DSMP_ERROR_NO_MEMORY = -2,
    DSMP_ERROR_NO_METHOD = -3,   /* the worker has no such method */
    DSMP_ERROR_BUSY = -4,        /* a limit of the worker's own was reached */
    DSMP_ERROR_ENDED = -5,       /* the call has ended */
    DSMP_ERROR_TOO_LONG = -6     /* more than DSMP_MESSAGE_BYTES */
};

/* How a call ended: the codes of Specs/call.md, section 5. */
enum {
    DSMP_STATUS_OK = 0,
    DSMP_STATUS_CANCELLED = 1,
    DSMP_STATUS_FAILED = 2,
    DSMP_STATUS_INVALID_ARGUMENT = 3,
    DSMP_STATUS_DEADLINE_EXCEEDED = 4,
    DSMP_STATUS_NOT_FOUND = 5,
    DSMP_STATUS_REFUSED = 7,
    DSMP_STATUS_RESOURCE_EXHAUSTED = 8,
    DSMP_STATUS_NO_SUCH_METHOD = 12,
    DSMP_STATUS_INTERNAL = 13,
    DSMP_STATUS_UNAVAILABLE = 14
};

/* What `on_message` returns when it kept a copy of the message to work on later. */
#define DSMP_LATER 1
/* What `send` returns when the caller is behind: wait for `on_writable` before the next message of this call. */
#define DSMP_FULL 1

enum { DSMP_LOG_ERROR = 1, DSMP_LOG_WARNING = 2, DSMP_LOG_INFO = 3, DSMP_LOG_DEBUG = 4 };

/* What a caller says before its first message. */
typedef struct dsmp_call_header {
    uint32_t struct_size;
    uint32_t method_length;           /* 1 to 64 */
    const char *method;
    uint32_t deadline_milliseconds;   /* from now; 0 is none. The agent enforces it by `on_cancel`. */
    uint32_t attempt;                 /* from 1 */
    const uint8_t *caller;            /* the caller's peer id, or null for a local caller */
    uint32_t caller_length;
    uint32_t idempotency_key_length;  /* 0 to 64 */
    const uint8_t *idempotency_key;
    const char *trace_parent;         /* W3C trace context, or null */
    uint32_t trace_parent_length;
    uint32_t reserved;                /* 0 */
} dsmp_call_header;

/* What the agent offers. It outlives the worker; the worker keeps the pointer. */
typedef struct dsmp_host {
    uint32_t struct_size;
    uint32_t abi_version;             /* DSMP_ABI_VERSION of the agent */
    void *host_data;                  /* the agent's own */

    /* [any] Sends one message to the caller; the bytes are copied. 0, DSMP_FULL, or an error. A message is taken also
     * when DSMP_FULL is returned; one sent in spite of DSMP_FULL may be refused with DSMP_ERROR_BUSY. */
    int32_t (*send)(const struct dsmp_host *host, dsmp_call call, const uint8_t *bytes, size_t length);

    /* [any] Ends the call. The text says what happened and what to do; at most 1024 bytes are kept. Every call that
     * `on_open` accepted is ended exactly once, also a cancelled one. Further ends do nothing. */
    void (*end)(const struct dsmp_host *host, dsmp_call call, uint32_t status, const char *text, size_t text_length);

    /* [any] Gives back the room of one message that `on_message` answered with DSMP_LATER; `length` is its length. */
    void (*consumed)(const struct dsmp_host *host, dsmp_call call, size_t length);

    /* [any] Writes one line to the worker's log; at most 4096 bytes are kept. */
    void (*log)(const struct dsmp_host *host, int32_t level, const char *text, size_t text_length);

    /* [any] A struct of further functions by name ("dsmp.timer/1"), or null. It lives as long as the host. */
    const void *(*get_extension)(const struct dsmp_host *host, const char *name);
} dsmp_host;

/* One worker that the library made. The library allocates and owns it; `worker_data` is the library's own. */
typedef struct dsmp_worker {
    uint32_t struct_size;
    uint32_t reserved;                /* 0 */
    void *worker_data;

    /* [loop] Called once after `create`, before any call. An error ends the worker: `destroy` follows. */
    int32_t (*start)(struct dsmp_worker *worker);

    /* [loop] A call begins. The header is valid until this returns. *call_data (null at first) is handed to the other
     * functions of the call. An error refuses the call, and no further function is called for it. */
    int32_t (*on_open)(
        struct dsmp_worker *worker, dsmp_call call, const dsmp_call_header *header, void **call_data);

    /* [loop] One message of the caller, valid until this returns. 0: it was used up, the caller may go on. DSMP_LATER:
     * `consumed` follows. An error ends the call with DSMP_STATUS_FAILED. */
    int32_t (*on_message)(
        struct dsmp_worker *worker, dsmp_call call, void *call_data, const uint8_t *bytes, size_t length);

    /* [loop] No message follows. */
    void (*on_finish)(struct dsmp_worker *worker, dsmp_call call, void *call_data);

    /* [loop] After `send` returned DSMP_FULL: there is room again. May be null when the worker never sends more than one
     * message a call. */
    void (*on_writable)(struct dsmp_worker *worker, dsmp_call call, void *call_data);

    /* [loop] The caller gave up, the deadline passed or the worker is about to stop: `end` the call soon, normally with
     * the status given here. Nothing that is sent still arrives. */
    void (*on_cancel)(struct dsmp_worker *worker, dsmp_call call, void *call_data, uint32_t status);

    /* [loop] The call has ended and its number is dead: free call_data. Called exactly once for each call that
     * `on_open` accepted, after its `end`. */
    void (*on_close)(struct dsmp_worker *worker, dsmp_call call, void *call_data);

    /* [loop] Finish soon: no call begins any more. Calls in progress are cancelled first. May be null. */
    void (*stop)(struct dsmp_worker *worker);

    /* [loop] The last function called: every call was closed. No thread of the worker may use the host after this
     * returns. */
    void (*destroy)(struct dsmp_worker *worker);

    /* [any] A struct of further functions by name, or null. May be null. */
    const void *(*get_extension)(const struct dsmp_worker *worker, const char *name);
} dsmp_worker;

/* What a worker is. Static: it lives as long as the library. */
typedef struct dsmp_worker_descriptor {
    uint32_t struct_size;
    uint32_t reserved;                /* 0 */
    const char *name;                 /* zero-terminated; equals `name` of worker.yaml */
    const char *release;              /* zero-terminated; equals `release` of worker.yaml */
} dsmp_worker_descriptor;

/* Makes workers. Static. */
typedef struct dsmp_worker_factory {
    uint32_t struct_size;
    uint32_t worker_count;            /* 1 or more */

    /* [any] The descriptor at an index below worker_count. */
    const dsmp_worker_descriptor *(*get_descriptor)(uint32_t index);

    /* [loop] Makes the worker of that name, or returns null after logging why. It calls no function of the host but
     * `log` and `get_extension`. */
    dsmp_worker *(*create)(const dsmp_host *host, const char *name);
} dsmp_worker_factory;

/* What the library exports under the name `dsmp_worker_entry`. */
typedef struct dsmp_entry {
    uint32_t struct_size;
    uint32_t abi_version;             /* DSMP_ABI_VERSION of the library */

    /* [loop] Called before anything else; may be called more than once, with as many `deinit`. The path is that of the
     * library file and zero-terminated. May be null. */
    int32_t (*init)(const char *library_path);

    /* [loop] May be null. */
    void (*deinit)(void);

    /* [loop] DSMP_FACTORY_WORKER gives a dsmp_worker_factory; null for names that the library does not know. */
    const void *(*get_factory)(const char *name);
} dsmp_entry;

#if defined(__GNUC__)
#define DSMP_EXPORT __attribute__((visibility("default"), used))
#else
#define DSMP_EXPORT
#endif

/* Defined by the library: DSMP_EXPORT const dsmp_entry dsmp_worker_entry = { ... }; */
#define DSMP_ENTRY_SYMBOL "dsmp_worker_entry"

#ifdef __cplusplus
}
#endif

#endif
