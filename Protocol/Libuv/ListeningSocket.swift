import CLibuv
import Glibc

/// Accepts connections on a listening socket, of any family, and backs off instead of spinning when descriptors run out.
///
/// Polls the socket and calls `accept4` itself: libuv's own listener drops the waiting connections when the process has no
/// descriptor left, and can loop without end when its spare one is gone.
final class ListeningSocket {
    /// Connections accepted before other handles get their turn.
    static let maximumAcceptsPerTurn = 64
    /// Milliseconds without accepting after the process or the system ran out of descriptors or memory.
    static let backOffMilliseconds: UInt64 = 100

    private let poller: DescriptorPoller
    private let timer: LoopTimer
    private let descriptor: Int32
    private let acceptNext: (Int32) -> Int32
    private var onAccepted: ((consuming OwnedDescriptor) -> Void)?
    private var onTrouble: ((LibuvError) -> Void)?
    private var isPaused = false
    /// How often accepting was suspended for want of descriptors.
    private(set) var backOffCount = 0

    /// `acceptNext` takes the listening descriptor and returns a connected one, or a negative `errno`.
    init(
        adopting descriptor: consuming OwnedDescriptor, on loop: EventLoop,
        acceptNext: @escaping (Int32) -> Int32 = ListeningSocket.acceptNext
    ) throws(LibuvError) {
        self.descriptor = descriptor.number
        self.acceptNext = acceptNext
        self.poller = try DescriptorPoller(adopting: descriptor, on: loop)
        self.timer = try LoopTimer(on: loop)
    }

    static func acceptNext(_ listening: Int32) -> Int32 {
        let number = dsmp_accept(listening)
        return number >= 0 ? number : -errno
    }

    func start(
        onAccepted: @escaping (consuming OwnedDescriptor) -> Void, onTrouble: @escaping (LibuvError) -> Void
    ) throws(LibuvError) {
        self.onAccepted = onAccepted
        self.onTrouble = onTrouble
        try self.poll()
    }

    func pause() {
        self.isPaused = true
        self.poller.stop()
    }

    func resume() throws(LibuvError) {
        guard self.isPaused else { return }
        self.isPaused = false
        if !self.timer.isActive { try self.poll() }
    }

    func close() {
        self.poller.close()
        self.timer.close()
        self.onAccepted = nil
        self.onTrouble = nil
    }

    private func poll() throws(LibuvError) {
        try self.poller.start(.readable) { [weak self] result in
            switch result {
            case .success: self?.acceptBatch()
            case .failure(let error): self?.backOff(error)
            }
        }
    }

    private func acceptBatch() {
        for _ in 0..<Self.maximumAcceptsPerTurn {
            guard !self.isPaused, let onAccepted = self.onAccepted else { return }
            let number = self.acceptNext(self.descriptor)
            guard number < 0 else {
                onAccepted(OwnedDescriptor(adopting: number))
                continue
            }
            switch -number {
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                self.backOff(LibuvError(status: number, "accept a connection"))
                return
            default: continue  // The connection died in the queue (accept(2), "Error handling"); take the next.
            }
        }
    }

    private func backOff(_ error: LibuvError) {
        self.backOffCount += 1
        self.poller.stop()
        self.timer.start(afterMilliseconds: Self.backOffMilliseconds) { [weak self] in
            guard let self, !self.isPaused else { return }
            do throws(LibuvError) { try self.poll() } catch { self.onTrouble?(error) }
        }
        self.onTrouble?(error)
    }
}
