import Core
import Identity
import Synchronization

/// One direction of a stream in memory, bounded as a stream's window is.
final class MemoryPipe: Sendable {
    /// Bytes that may be written and not read.
    static let window = 262_144

    private struct State {
        var bytes: [UInt8] = []
        var isFinished = false
        var isReset = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
        /// Everything that was ever written, for tests that compare bytes.
        var record: [UInt8] = []
    }

    private let state = Mutex(State())

    var record: [UInt8] { self.state.withLock { $0.record } }

    func read() async throws(NetworkError) -> [UInt8]? {
        while true {
            enum Step { case bytes([UInt8]), end, reset, wait }
            let step = self.state.withLock { state -> Step in
                if state.isReset { return .reset }
                if !state.bytes.isEmpty {
                    let bytes = state.bytes
                    state.bytes = []
                    state.writer.take()?.resume()
                    return .bytes(bytes)
                }
                return state.isFinished ? .end : .wait
            }
            switch step {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .reset: throw .closed("the stream was reset")
            case .wait: await withCheckedContinuation { self.waitToRead($0) }
            }
        }
    }

    func write(_ bytes: [UInt8]) async throws(NetworkError) {
        let isOpen = self.state.withLock { state -> Bool in
            guard !state.isReset, !state.isFinished else { return false }
            state.bytes += bytes
            state.record += bytes.prefix(4_096)
            state.reader.take()?.resume()
            return true
        }
        guard isOpen else { throw .closed("the stream was reset") }
        while !self.state.withLock({ $0.isReset || $0.bytes.count < Self.window }) {
            await withCheckedContinuation { self.waitToWrite($0) }
        }
        guard !self.state.withLock({ $0.isReset }) else { throw .closed("the stream was reset") }
    }

    func finish() {
        self.state.withLock { state in
            state.isFinished = true
            state.reader.take()?.resume()
        }
    }

    func reset() {
        self.state.withLock { state in
            // A direction that was finished and read to its end is over: a reset does not change that.
            state.isReset = !(state.isFinished && state.bytes.isEmpty)
            state.reader.take()?.resume()
            state.writer.take()?.resume()
        }
    }

    private func waitToRead(_ continuation: CheckedContinuation<Void, Never>) {
        let isDue = self.state.withLock { state -> Bool in
            guard state.bytes.isEmpty, !state.isFinished, !state.isReset else { return true }
            state.reader = continuation
            return false
        }
        if isDue { continuation.resume() }
    }

    private func waitToWrite(_ continuation: CheckedContinuation<Void, Never>) {
        let isDue = self.state.withLock { state -> Bool in
            guard state.bytes.count >= Self.window, !state.isReset else { return true }
            state.writer = continuation
            return false
        }
        if isDue { continuation.resume() }
    }
}

/// One end of a stream in memory.
final class MemoryStream: MeshStream {
    let peer: PeerID
    let input: MemoryPipe
    let output: MemoryPipe

    init(peer: PeerID, input: MemoryPipe, output: MemoryPipe) {
        self.peer = peer
        self.input = input
        self.output = output
    }

    func read() async throws(NetworkError) -> [UInt8]? { try await self.input.read() }
    func write(_ bytes: [UInt8]) async throws(NetworkError) { try await self.output.write(bytes) }
    func finishWriting() async throws(NetworkError) { self.output.finish() }

    func reset() {
        self.input.reset()
        self.output.reset()
    }
}
