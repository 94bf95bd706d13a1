import Libuv
import Mesh

/// The deadlines of the calls of one worker, behind one timer of the loop.
///
/// Loop thread only. A deadline that was forgotten costs nothing until the timer would have fired for it.
final class DeadlineList<Key: Hashable> {
    private var deadlines: [Key: UInt64] = [:]
    private var timer: LoopTimer?
    private var timerDue = UInt64.max
    private let loop: EventLoop
    private var onExpiry: ((Key) -> Void)?

    init(on loop: EventLoop) { self.loop = loop }

    /// Sets what happens to a call whose time is over.
    func onExpiry(_ handler: @escaping (Key) -> Void) { self.onExpiry = handler }

    /// Sets a deadline, in milliseconds from now; 0 is none.
    func set(_ key: Key, afterMilliseconds delay: UInt32) {
        guard delay > 0 else { return }
        let due = self.loop.nowMilliseconds + UInt64(min(delay, CallLimits.deadlineMilliseconds))
        self.deadlines[key] = due
        if due < self.timerDue { self.arm(due) }
    }

    func forget(_ key: Key) { self.deadlines.removeValue(forKey: key) }

    func close() {
        self.timer?.close()
        self.timer = nil
        self.deadlines = [:]
        self.onExpiry = nil
    }

    private func arm(_ due: UInt64) {
        if self.timer == nil {
            // The loop refuses timers only while it stops; then nobody waits for a deadline any more.
            do throws(LibuvError) { self.timer = try LoopTimer(on: self.loop) } catch { return }
        }
        self.timerDue = due
        let now = self.loop.nowMilliseconds
        self.timer?.start(afterMilliseconds: due > now ? due - now : 0) { [weak self] in self?.expire() }
    }

    private func expire() {
        let now = self.loop.nowMilliseconds
        self.timerDue = .max
        // All due calls expire in this turn; their order does not matter to anybody.
        for key in self.deadlines.filter({ $0.value <= now }).map(\.key) {
            self.deadlines.removeValue(forKey: key)
            self.onExpiry?(key)
        }
        if let next = self.deadlines.values.min() { self.arm(next) }
    }
}
