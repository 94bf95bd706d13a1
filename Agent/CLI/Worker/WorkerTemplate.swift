/// The files of a new worker that works as it is.
package struct WorkerTemplate {
    /// What `dsmp worker new --kind` offers, one for each kind of worker.
    package enum Kind: String, CaseIterable {
        /// A long-running process in Python, kind `subprocess`.
        case python
        /// Any program, one process a call, kind `exec`.
        case exec
        /// A library in C, kind `library`.
        case c
    }

    package struct File: Equatable {
        package var name: String
        package var content: [UInt8]
        package var isExecutable = false

        init(_ name: String, _ content: [UInt8], isExecutable: Bool = false) {
            self.name = name
            self.content = content
            self.isExecutable = isExecutable
        }

        init(_ name: String, _ text: String, isExecutable: Bool = false) {
            self.init(name, Array(text.utf8), isExecutable: isExecutable)
        }
    }

    package var kind: Kind
    package var name: String

    package init(kind: Kind, name: String) {
        self.kind = kind
        self.name = name
    }

    package var files: [File] {
        switch self.kind {
        case .python:
            [
                File("worker.yaml", self.manifest(kind: "subprocess", entry: "[/usr/bin/python3, main.py]")),
                File("main.py", Self.python), File("dsmp_worker.py", EmbeddedFiles.pythonSDK),
            ]
        case .exec:
            [
                File("worker.yaml", self.manifest(kind: "exec", entry: "[/bin/sh, greet.sh]")),
                File("greet.sh", Self.shell, isExecutable: true),
            ]
        case .c:
            [
                File("worker.yaml", self.manifest(kind: "library", entry: "libworker.so")),
                File("worker.c", Self.library.replacing("@NAME@", with: self.name)),
                File("dsmp_worker.h", EmbeddedFiles.workerHeader),
                File("build.sh", Self.build, isExecutable: true),
            ]
        }
    }

    /// What to type next.
    package func next(_ folder: String) -> [String] {
        var lines = ["dsmp worker check \(folder)"]
        if self.kind == .c {
            lines = [
                "\(folder)/build.sh", "dsmp worker check \(folder)", "dsmp worker publish \(folder) --trust-library",
            ]
        } else {
            lines.append("dsmp worker publish \(folder)")
        }
        return lines + ["echo you | dsmp call \(self.name) greet --input -"]
    }

    private func manifest(kind: String, entry: String) -> String {
        """
        # What this worker is and offers: Specs/worker-manifest.md lists every key.
        name: \(self.name)
        kind: \(kind)
        entry: \(entry)
        release: 0.1.0
        visibility: public
        description: Greets people.
        tags: [example]
        methods:
          greet:
            description: Greets whom the input names.
            input: text/plain
            output: text/plain
            idempotent: true

        """
    }

    private static let python = """
        import dsmp_worker

        worker = dsmp_worker.Worker()


        @worker.method("greet")
        def greet(call):
            name = b"".join(call).decode("utf-8", "replace").strip()
            return f"Hello, {name or 'world'}!\\n"


        worker.run()

        """

    private static let shell = """
        #!/bin/sh
        # The input is standard input, the result is standard output, an exit status other than 0 is a failure.
        read -r name
        echo "Hello, ${name:-world}!"

        """

    private static let build = """
        #!/bin/sh
        # Builds libworker.so in this folder.
        cd "$(dirname "$0")" || exit 1
        exec "${CC:-cc}" -std=c11 -O2 -Wall -Wextra -fPIC -fvisibility=hidden -shared -Wl,-z,nodelete -o libworker.so worker.c

        """

    /// `@NAME@` stands for the worker's name.
    private static let library = """
        #include <stdlib.h>
        #include <string.h>

        #include "dsmp_worker.h"

        /* This library runs inside the agent: a crash here ends the agent. Never wait, never block. */

        typedef struct {
            dsmp_worker worker;
            const dsmp_host *host;
        } greeter;

        static int32_t on_open(dsmp_worker *worker, dsmp_call call, const dsmp_call_header *header, void **call_data) {
            (void)worker;
            (void)call;
            (void)call_data;
            return header->method_length == 5 && memcmp(header->method, "greet", 5) == 0 ? 0 : DSMP_ERROR_NO_METHOD;
        }

        static int32_t on_message(
            dsmp_worker *worker, dsmp_call call, void *call_data, const uint8_t *bytes, size_t length) {
            (void)call_data;
            const dsmp_host *host = ((greeter *)worker->worker_data)->host;
            host->send(host, call, (const uint8_t *)"Hello, ", 7);
            host->send(host, call, bytes, length);
            return 0;
        }

        static void on_finish(dsmp_worker *worker, dsmp_call call, void *call_data) {
            (void)call_data;
            const dsmp_host *host = ((greeter *)worker->worker_data)->host;
            host->end(host, call, DSMP_STATUS_OK, NULL, 0);
        }

        static void on_cancel(dsmp_worker *worker, dsmp_call call, void *call_data, uint32_t status) {
            (void)call_data;
            const dsmp_host *host = ((greeter *)worker->worker_data)->host;
            host->end(host, call, status, NULL, 0);
        }

        static void on_close(dsmp_worker *worker, dsmp_call call, void *call_data) {
            (void)worker;
            (void)call;
            (void)call_data;
        }

        static void destroy(dsmp_worker *worker) { free(worker->worker_data); }

        static const dsmp_worker_descriptor descriptor = {
            .struct_size = sizeof descriptor, .name = "@NAME@", .release = "0.1.0"};

        static const dsmp_worker_descriptor *get_descriptor(uint32_t index) { return index == 0 ? &descriptor : NULL; }

        static dsmp_worker *create(const dsmp_host *host, const char *name) {
            (void)name;
            greeter *made = calloc(1, sizeof *made);
            if (made == NULL) {
                return NULL;
            }
            made->host = host;
            made->worker = (dsmp_worker){
                .struct_size = sizeof made->worker, .worker_data = made, .on_open = on_open, .on_message = on_message,
                .on_finish = on_finish, .on_cancel = on_cancel, .on_close = on_close, .destroy = destroy};
            return &made->worker;
        }

        static const dsmp_worker_factory factory = {
            .struct_size = sizeof factory, .worker_count = 1, .get_descriptor = get_descriptor, .create = create};

        static const void *get_factory(const char *name) {
            return strcmp(name, DSMP_FACTORY_WORKER) == 0 ? &factory : NULL;
        }

        DSMP_EXPORT const dsmp_entry dsmp_worker_entry = {
            .struct_size = sizeof dsmp_worker_entry, .abi_version = DSMP_ABI_VERSION, .get_factory = get_factory};

        """
}
