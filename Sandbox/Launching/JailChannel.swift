import CSeccomp
import Glibc
import Libuv

/// The agent's end of the channel to one helper, and what is known of its jail. Loop thread only.
final class JailChannel {
    /// Packets taken in one turn of the loop, so that no helper can hold it.
    private static let packetsPerTurn = 16

    let request: UInt32
    private let channel: Int32
    private let poller: DescriptorPoller
    private let timer: LoopTimer
    /// The agent's ends, until the process takes them over.
    private let bag: DescriptorBag
    private var descriptors: LaunchedProcess.Descriptors
    private var processID: Int32 = 0
    private var limitsWholeMemory = false
    private var waiter: CheckedContinuation<Result<LaunchedProcess, LaunchError>, Never>?
    /// Weak: when the caller drops the process without ending it, its end is still reaped but reported to nobody.
    private weak var process: LaunchedProcess?
    private var failure: LaunchError?
    /// Called once, when the channel has ended; the helper may take a moment longer.
    var onEnd: (() -> Void)?
    /// The helper.
    var child: ChildProcess?

    init(
        request: UInt32, channel: Int32, descriptors: LaunchedProcess.Descriptors, bag: DescriptorBag,
        on loop: EventLoop,
        waiter: CheckedContinuation<Result<LaunchedProcess, LaunchError>, Never>
    ) throws(LibuvError) {
        self.request = request
        self.channel = channel
        self.descriptors = descriptors
        self.bag = bag
        self.timer = try LoopTimer(on: loop)
        self.poller = try DescriptorPoller(adopting: OwnedDescriptor(adopting: bag.release(channel)), on: loop)
        self.waiter = waiter
    }

    /// Begins to follow the helper.
    func start(timeoutMilliseconds: UInt64) throws(LibuvError) {
        try self.poller.start(.readable) { [weak self] _ in self?.receive() }
        self.timer.onLoopStop = { [weak self] in self?.end(.cancelled) }
        self.timer.start(afterMilliseconds: timeoutMilliseconds) { [weak self] in
            self?.end(.helperFailed(reason: "the jail was not ready after \(timeoutMilliseconds) ms"))
        }
    }

    /// Gives up: closing the channel makes the helper end the jail.
    func end(_ error: LaunchError) {
        let onEnd = self.onEnd
        self.onEnd = nil
        self.poller.close()
        self.timer.close()
        self.process?.finish(ExitReport(reason: .lost))
        self.waiter?.resume(returning: .failure(self.failure ?? error))
        self.waiter = nil
        onEnd?()
    }

    private func receive() {
        for _ in 0..<Self.packetsPerTurn {
            var bytes = [UInt8](repeating: 0, count: JailReport.maximumByteCount)
            var received = [Int32](repeating: -1, count: Int(DSMP_CHANNEL_DESCRIPTOR_LIMIT))
            var count = 0
            let byteCount = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe dsmp_receive_packet(self.channel, bytes.baseAddress, bytes.count, &received, &count)
            }
            if byteCount == -Int(EAGAIN) { return }
            for number in received.prefix(count) { self.take(number) }
            // A reset is the end too: the helper did not even read its order.
            let isEnd = byteCount == 0 || byteCount == -Int(ECONNRESET)
            guard byteCount > 0, let report = JailReport(decoding: bytes.prefix(byteCount)),
                report.request == self.request
            else {
                self.end(.helperFailed(reason: isEnd ? "it ended early" : "it sent what is no report"))
                return
            }
            guard !self.take(report) else { return }
        }
    }

    /// Keeps the first descriptor, the pidfd; more are never sent.
    private func take(_ number: Int32) {
        if self.descriptors.process < 0 && self.processID == 0 {
            self.descriptors.process = self.bag.adopt(number)
        } else {
            _ = Glibc.close(number)
        }
    }

    /// Returns whether the channel came to its end.
    private func take(_ report: JailReport) -> Bool {
        switch report.kind {
        case .started(let processID):
            self.processID = processID
            self.limitsWholeMemory = report.limitsWholeMemory
        case .running:
            guard let waiter = self.waiter, self.processID > 0, self.descriptors.process >= 0 else { break }
            self.waiter = nil
            self.timer.stop()
            let all = self.descriptors
            for number in [all.process, all.control, all.input, all.output, all.log] { _ = self.bag.release(number) }
            let process = LaunchedProcess(
                processID: self.processID, descriptors: all, limitsWholeMemory: self.limitsWholeMemory)
            self.process = process
            waiter.resume(returning: .success(process))
        case .failed(let failure):
            self.failure = .step(failure)
            self.end(.step(failure))
            return true
        case .ended(let report):
            self.process?.finish(report)
            self.end(.step(JailFailure(step: "init", errno: 0, detail: "\(report.reason)")))
            return true
        }
        return false
    }
}
