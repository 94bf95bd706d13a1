import Hosting
import TestKit
import Testing

@Suite("The supervisor of a worker") struct SupervisorTests {
    typealias Input = WorkerSupervisor.Input
    typealias Effect = WorkerSupervisor.Effect

    private static func make(_ change: (inout WorkerSupervisor.Policy) -> Void = { _ in }) -> WorkerSupervisor {
        var policy = WorkerSupervisor.Policy()
        change(&policy)
        return WorkerSupervisor(policy: policy)
    }

    /// Feeds inputs at time 0 with a randomness that spreads nothing.
    private static func feed(_ supervisor: inout WorkerSupervisor, _ inputs: Input...) -> [Effect] {
        var effects: [Effect] = []
        for input in inputs {
            // Half of the pause is the spread's middle: the pause itself.
            effects = supervisor.step(input, nowMilliseconds: 0, randomness: 0)
        }
        return effects
    }

    @Test("starts, is ready, and stops") func life() {
        var one = Self.make()
        #expect(Self.feed(&one, .start) == [.launch, .setTimer(afterMilliseconds: 60_000)])
        #expect(Self.feed(&one, .launched) == [.setTimer(afterMilliseconds: 10_000)])
        #expect(Self.feed(&one, .ready) == [.clearTimer])
        #expect(one.state == .ready)
        #expect(Self.feed(&one, .stop) == [.requestStop, .setTimer(afterMilliseconds: 5_000)])
        #expect(Self.feed(&one, .timerFired) == [.kill])
        #expect(Self.feed(&one, .exited(reason: "it was killed", isFatal: false)) == [.clearTimer, .settled])
        #expect(one.state == .stopped)
        #expect(one.reason.isEmpty)
    }

    @Test("ends a process that does not get ready, and says so") func readiness() {
        var one = Self.make { $0.readyMilliseconds = 3_000 }
        #expect(Self.feed(&one, .start, .launched, .timerFired) == [.clearTimer, .kill])
        _ = Self.feed(&one, .exited(reason: "ended by signal 9", isFatal: false))
        #expect(one.state == .backoff)
        #expect(one.reason == "it was not ready within 3 s")
        #expect(Self.feed(&one, .timerFired, .timerFired) == [.clearTimer, .kill])
        #expect(one.reason == "it could not be launched within 60 s")
    }

    @Test("doubles the pause between restarts up to the longest, spread by a quarter to either side") func backoff() {
        for seed in 0..<UInt64(100) {
            var random = SplitMix64(seed: seed)
            var one = Self.make { $0.failureLimit = 100 }
            var expected: UInt64 = 250
            _ = one.step(.start, nowMilliseconds: 0, randomness: random.next())
            for _ in 0..<20 {
                let effects = one.step(
                    .exited(reason: "x", isFatal: false), nowMilliseconds: 0, randomness: random.next())
                guard case .setTimer(let pause)? = effects.first else {
                    Issue.record("no pause but \(effects); replay with seed \(seed)")
                    return
                }
                #expect(pause >= expected - expected / 4 && pause <= expected + expected / 4, "seed \(seed)")
                expected = min(60_000, expected * 2)
                let restart = one.step(.timerFired, nowMilliseconds: 0, randomness: random.next())
                #expect(restart.first == .launch)
            }
            #expect(one.restartCount == 20)
        }
    }

    @Test("gives up after ten failures in a row, at once when it is hopeless, and starts again when told")
    func givingUp() {
        var one = Self.make()
        _ = Self.feed(&one, .start)
        for _ in 1..<10 {
            _ = Self.feed(&one, .exited(reason: "x", isFatal: false))
            #expect(one.state == .backoff)
            _ = Self.feed(&one, .timerFired)
        }
        #expect(Self.feed(&one, .exited(reason: "last", isFatal: false)) == [.clearTimer, .settled])
        #expect(one.state == .failed)
        #expect(one.reason == "last")
        #expect(Self.feed(&one, .start).first == .launch)
        #expect(one.failureCount == 0)
        _ = Self.feed(&one, .launchFailed(reason: "no such program", isFatal: true))
        #expect(one.state == .failed)
    }

    @Test("forgets old failures after a minute of readiness") func stability() {
        var one = Self.make()
        _ = Self.feed(&one, .start)
        for _ in 0..<5 { _ = Self.feed(&one, .exited(reason: "x", isFatal: false), .timerFired) }
        #expect(one.failureCount == 5)
        _ = one.step(.ready, nowMilliseconds: 1_000, randomness: 0)
        _ = one.step(.exited(reason: "x", isFatal: false), nowMilliseconds: 60_999, randomness: 0)
        #expect(one.failureCount == 6)
        _ = one.step(.timerFired, nowMilliseconds: 61_000, randomness: 0)
        _ = one.step(.ready, nowMilliseconds: 61_000, randomness: 0)
        _ = one.step(.exited(reason: "x", isFatal: false), nowMilliseconds: 121_000, randomness: 0)
        #expect(one.failureCount == 1)
    }

    @Test("keeps the reason of its own verdict over that of the exit it caused") func verdict() {
        var one = Self.make()
        _ = Self.feed(&one, .start, .launched, .ready)
        #expect(Self.feed(&one, .unresponsive(reason: "it did not answer")) == [.clearTimer, .kill])
        #expect(Self.feed(&one, .unresponsive(reason: "again")).isEmpty)
        _ = Self.feed(&one, .exited(reason: "ended by signal 9", isFatal: false))
        #expect(one.reason == "it did not answer")
    }

    @Test("lets a process that closed its channel say how it ended, but not for ever") func channelClosed() {
        var one = Self.make()
        _ = Self.feed(&one, .start, .launched, .ready)
        #expect(Self.feed(&one, .channelClosed) == [.setTimer(afterMilliseconds: 1_000)])
        var other = one
        _ = Self.feed(&one, .exited(reason: "exited with status 3", isFatal: false))
        #expect(one.reason == "exited with status 3")
        #expect(Self.feed(&other, .timerFired) == [.clearTimer, .kill])
    }

    @Test("starts again after a stop that was followed by a start") func restart() {
        var one = Self.make()
        _ = Self.feed(&one, .start, .launched, .ready, .stop)
        #expect(Self.feed(&one, .start).isEmpty)
        #expect(Self.feed(&one, .exited(reason: "x", isFatal: false)).first == .launch)
        #expect(one.state == .starting)
    }

    @Test("is never without a way on, and never has two runs at once, whatever happens") func simulation() {
        for seed in 0..<UInt64(2_000) {
            var random = SplitMix64(seed: seed)
            var world = SupervisorWorld()
            for _ in 0..<60 { world.step(&random) }
            world.settle(&random)
            #expect(world.problem == nil, "\(world.problem ?? ""); replay with seed \(seed)")
        }
    }
}

/// A world around one supervisor: at most one process, one timer, and news that arrive in any order that can happen.
private struct SupervisorWorld {
    private var supervisor = WorkerSupervisor()
    private var now: UInt64 = 0
    private var isTimerSet = false
    private var isLaunching = false
    private var isRunning = false
    private var isDoomed = false
    private(set) var problem: String?

    mutating func step(_ random: inout SplitMix64) {
        self.now += UInt64.random(in: 0...20_000, using: &random)
        var possible: [WorkerSupervisor.Input] = [.start, .stop]
        if self.isTimerSet { possible += [.timerFired, .timerFired, .timerFired] }
        if self.isLaunching {
            possible += [.launched, .launched, .launchFailed(reason: "x", isFatal: random.oneIn(9))]
        }
        if self.isRunning {
            possible += [
                .ready, .exited(reason: "x", isFatal: random.oneIn(9)), .unresponsive(reason: "y"), .channelClosed,
            ]
        }
        if let input = possible.randomElement(using: &random) { self.feed(input, &random) }
    }

    /// Stops it and lets everything end that must end.
    mutating func settle(_ random: inout SplitMix64) {
        self.feed(.stop, &random)
        for _ in 0..<20 where ![.stopped, .failed, .created].contains(self.supervisor.state) {
            if self.isLaunching {
                self.feed(.launched, &random)
            } else if self.isDoomed, self.isRunning {
                self.feed(.exited(reason: "x", isFatal: false), &random)
            } else if self.isTimerSet {
                self.feed(.timerFired, &random)
            } else {
                self.problem = self.problem ?? "stuck in \(self.supervisor.state)"
            }
        }
        if ![.stopped, .created].contains(self.supervisor.state) {
            self.problem = self.problem ?? "still \(self.supervisor.state)"
        }
        if self.isRunning || self.isLaunching { self.problem = self.problem ?? "stopped with a process" }
    }

    private mutating func feed(_ input: WorkerSupervisor.Input, _ random: inout SplitMix64) {
        switch input {
        case .timerFired: self.isTimerSet = false
        case .launched:
            self.isLaunching = false
            self.isRunning = true
        case .launchFailed: self.isLaunching = false
        case .exited: self.isRunning = false
        default: break
        }
        for effect in self.supervisor.step(input, nowMilliseconds: self.now, randomness: random.next()) {
            switch effect {
            case .launch:
                if self.isLaunching || self.isRunning { self.problem = self.problem ?? "launched twice" }
                self.isLaunching = true
                self.isDoomed = false
            case .kill, .requestStop: self.isDoomed = true
            case .setTimer: self.isTimerSet = true
            case .clearTimer: self.isTimerSet = false
            case .settled: break
            }
        }
    }
}
