import Mesh
import Synchronization

/// The frames of one direction of a call that were read and not yet taken. Filled only when it is empty, so it holds what
/// one read of the stream brought.
final class CallFrameQueue: Sendable {
    private struct State {
        var reader = CallFrameReader(.fromCaller)
        /// The next last.
        var frames: [CallFrame] = []
    }

    private let state = Mutex(State())

    /// The next frame; nil when more has to be read.
    func pop() -> CallFrame? { self.state.withLock { $0.frames.popLast() } }

    /// Adds bytes of the stream.
    func push(_ chunk: [UInt8]) throws(CallFrameError) {
        try self.state.withLock { state throws(CallFrameError) in
            state.frames = Array(try state.reader.read(chunk).reversed())
        }
    }

    /// The stream has ended.
    func finish() throws(CallFrameError) {
        try self.state.withLock { state throws(CallFrameError) in try state.reader.finish() }
    }
}
