import Glibc
import Storage

// Writes to a store without end and prints each change once it was acknowledged, until it is killed.
// Usage: storage-crash-child FOLDER PEER

let folder = try DataFolder.open(CommandLine.arguments[1])
let store = try AgentStore(in: folder, peerID: CommandLine.arguments[2])
while true {
    let number = try await store.nextSequence("worker")
    try await store.keepHostedWorker(
        StoredHostedWorker(
            worker: "dsmp://peer/w\(number)", release: "bafk\(number)", grant: [UInt8(truncatingIfNeeded: number)],
            descriptor: []))
    let line = Array("\(number)\n".utf8)
    write(STDOUT_FILENO, line, line.count)
}
