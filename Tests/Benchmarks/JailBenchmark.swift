import Glibc
import Launching
import Libuv
import Policy

/// How long it takes to start a program in a jail, beside the same program without one.
enum JailBenchmark {
    /// One row: medians in microseconds, and the least, which other work on the machine distorts less.
    struct Row: Sendable {
        let name: String
        /// From the call of `launch` until the program runs.
        let runningMicroseconds: Double
        /// From the call until the program has ended and nothing of the jail is left.
        let endedMicroseconds: Double
        let leastEndedMicroseconds: Double

        init(name: String, running: [Double], ended: [Double]) {
            self.name = name
            self.runningMicroseconds = JailBenchmark.median(running)
            self.endedMicroseconds = JailBenchmark.median(ended)
            self.leastEndedMicroseconds = ended.min() ?? 0
        }
    }

    static let startCount = 60
    /// Between the starts of the row that is called cold: caches and the kernel's deferred work have gone quiet then.
    static let pauseMilliseconds: UInt64 = 100

    /// Measures starts one after the other, back to back and with pauses.
    ///
    /// - Parameter program: a path that exists in the jail and on the host, such as /usr/bin/true.
    /// - Returns: a row without a jail, then the jailed ones.
    /// - Throws: when a start fails.
    static func measure(program: String = "/usr/bin/true") async throws -> [Row] {
        let loop = EventLoop()
        let launcher = JailLauncher(on: loop)
        let protected = try ProtectedPaths(own: ["/var/lib/dsmp"])
        let policy = try PolicyCompiler.compile(EffectivePolicy(protected: protected))
        var slots = UserSlots()
        func start() async throws -> (Double, Double) {
            guard let slot = slots.take() else { preconditionFailure("a slot is free when none is in use") }
            defer { slots.release(slot) }
            let plan = LaunchPlan(name: "bench", program: program, arguments: [program], policy: policy, slot: slot)
            let clock = ContinuousClock()
            let begin = clock.now
            let process = try await launcher.launch(plan)
            let running = clock.now - begin
            _ = await process.exitStatus()
            return (Self.microseconds(running), Self.microseconds(clock.now - begin))
        }
        let plain = try await PlainStarter(on: loop).measure(program: program, count: Self.startCount)
        let hot = try await Self.row("jailed start, back to back", pause: 0, loop, start)
        let cold = try await Self.row("jailed start, 100 ms apart", pause: Self.pauseMilliseconds, loop, start)
        await launcher.allEnded()
        await loop.stop()
        return [plain, hot, cold]
    }

    private static func row(
        _ name: String, pause: UInt64, _ loop: EventLoop, _ start: () async throws -> (Double, Double)
    ) async throws -> Row {
        _ = try await start()
        var running: [Double] = []
        var ended: [Double] = []
        for _ in 0..<Self.startCount {
            if pause > 0 { try await loop.sleep(milliseconds: pause) }
            let times = try await start()
            running.append(times.0)
            ended.append(times.1)
        }
        return Row(name: name, running: running, ended: ended)
    }

    static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    static func microseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e6 + Double(duration.components.attoseconds) / 1e12
    }
}

/// Starts the program through libuv without a jail.
private actor PlainStarter {
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    init(on loop: EventLoop) { self.loop = loop }

    func measure(program: String, count: Int) async throws -> JailBenchmark.Row {
        var running: [Double] = []
        var ended: [Double] = []
        let clock = ContinuousClock()
        for _ in 0..<count {
            let begin = clock.now
            let child = try ChildProcess(ChildProcess.Description(program: program, environment: []), on: self.loop)
            running.append(JailBenchmark.microseconds(clock.now - begin))
            _ = try await child.exitStatus()
            ended.append(JailBenchmark.microseconds(clock.now - begin))
        }
        return JailBenchmark.Row(name: "plain start", running: running, ended: ended)
    }
}
