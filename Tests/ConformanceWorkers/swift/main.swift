import Glibc
import WorkerKit

// The conformance worker on WorkerKit: the methods that every kind of worker is tested with.

var worker = Worker(maximumCalls: 256)
worker.method("echo") { call in while let message = try await call.receive() { try await call.send(message) } }
worker.method("sum") { call in
    var count = 0
    while let message = try await call.receive() { count += message.count }
    try await call.send(Array("\(count)".utf8))
}
worker.method("stream") { call in
    let count = Int(String(decoding: try await call.receive() ?? [], as: UTF8.self)) ?? 0
    let chunk = [UInt8](repeating: 0, count: 65_536)
    for _ in 0..<count { try await call.send(chunk) }
}
worker.method("slow") { call in
    while try await call.receive() != nil {}; try await waitForEver()
}
worker.method("fail") { _ in throw CallError(.failed, "as asked") }
worker.method("crash") { call in
    while try await call.receive() != nil {}
    exit(3)
}
worker.run()

/// Returns only by throwing, when the task is cancelled.
func waitForEver() async throws {
    let forever = AsyncStream<Never> { _ in }
    for await _ in forever {}
    try Task.checkCancellation()
}
