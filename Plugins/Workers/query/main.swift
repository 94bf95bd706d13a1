import WorkerKit

// The worker `query`: read-only SQL over one SQLite database, whose path is the first argument.

let path = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "/worker/data.db"
/// Bytes of rows that are sent together.
let batchBytes = 65_536

var worker = Worker(maximumCalls: 16)
worker.method("sql", execution: .concurrent) { call in
    do {
        let input = try QueryInput(try await call.receiveAll(limit: ReadOnlyDatabase.statementBytes * 2))
        let database = try ReadOnlyDatabase(path: path) { call.isCancelled }
        let writer = RowWriter(format: input.format)
        var batch: [UInt8] = []
        func flush() async throws {
            for start in stride(from: 0, to: batch.count, by: 1_048_576) {
                try await call.send(Array(batch[start..<min(batch.count, start + 1_048_576)]))
            }
            batch.removeAll(keepingCapacity: true)
        }
        try await database.run(input.sql) { row in
            writer.write(row, into: &batch)
            if batch.count >= batchBytes { try await flush() }
        }
        try await flush()
    } catch let fault as QueryFault {
        throw CallError(.invalidArgument, fault.text)
    }
}
worker.run()
