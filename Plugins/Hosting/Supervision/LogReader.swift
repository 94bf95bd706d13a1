import Libuv

/// Reads what a process prints, line by line. A process that prints more than 256 KiB a second is made to wait, so that
/// it can neither fill the disk's queue nor occupy the loop. Loop thread only.
final class LogReader {
    /// Bytes read in one second.
    static let bytesPerSecond = 262_144

    private let stream: PipeConnection
    private let timer: LoopTimer
    private var lines = LineSplitter()
    private var readThisSecond = 0
    private var secondBegan: UInt64
    private let onLine: (String) -> Void

    /// Takes over the read end of the log.
    init(
        adopting descriptor: consuming OwnedDescriptor, on loop: EventLoop, onLine: @escaping (String) -> Void
    ) throws(LibuvError) {
        self.stream = try PipeConnection(adopting: descriptor, on: loop)
        self.timer = try LoopTimer(on: loop)
        self.secondBegan = loop.nowMilliseconds
        self.onLine = onLine
        self.stream.start(
            onBytes: { [weak self] bytes in
                let copy = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
                self?.onBytes(copy)
            },
            onEvent: { [weak self] event in if event != .writable { self?.finish() } })
    }

    /// Stops reading.
    func close() {
        self.timer.close()
        self.stream.close()
    }

    private func onBytes(_ bytes: [UInt8]) {
        for line in self.lines.split(bytes) { self.onLine(line) }
        let now = self.stream.loop.nowMilliseconds
        if now - self.secondBegan >= 1_000 {
            self.secondBegan = now
            self.readThisSecond = 0
        }
        self.readThisSecond += bytes.count
        guard self.readThisSecond >= Self.bytesPerSecond else { return }
        self.stream.pauseReading()
        self.timer.start(afterMilliseconds: 1_000 - min(1_000, now - self.secondBegan)) { [weak self] in
            self?.stream.resumeReading()
        }
    }

    private func finish() {
        if let line = self.lines.takeRest() { self.onLine(line) }
        self.close()
    }
}
