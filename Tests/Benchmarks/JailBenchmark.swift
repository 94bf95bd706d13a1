import Launching
import Libuv
import Policy

/// How long it takes to start a program in a jail, beside the same program through libuv without one. "Started" is when
/// the program runs, "ended" when it has ended and nothing of the jail is left.
func jailBenchmark() async throws -> Report {
    let loop = EventLoop()
    let bench = JailBench(on: loop)
    var report = Report()
    report.add("start of /usr/bin/true, no jail, to its end", try await bench.plain(), unit: "us")
    for (name, pause) in [("back to back", 0), ("100 ms apart", 100)] as [(String, UInt64)] {
        let times = try await bench.jailed(pauseMilliseconds: pause)
        report.add("start in a jail, \(name), to running", times.map(\.started), unit: "us")
        report.add("start in a jail, \(name), to its end", times.map(\.ended), unit: "us")
    }
    await loop.stop()
    return report
}

private actor JailBench {
    struct Times {
        let started: Double
        let ended: Double
    }

    static let startCount = 60
    private static let program = "/usr/bin/true"

    private let loop: EventLoop
    private let launcher: JailLauncher
    private var slots = UserSlots()
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    init(on loop: EventLoop) {
        self.loop = loop
        self.launcher = JailLauncher(on: loop)
    }

    func plain() async throws -> [Double] {
        var times: [Double] = []
        for _ in 0..<Self.startCount {
            let begin = ContinuousClock().now
            let child = try ChildProcess(
                ChildProcess.Description(program: Self.program, environment: []), on: self.loop)
            _ = try await child.exitStatus()
            times.append(Self.microseconds(since: begin))
        }
        return times
    }

    func jailed(pauseMilliseconds: UInt64) async throws -> [Times] {
        let protected = try ProtectedPaths(own: ["/var/lib/dsmp"])
        let policy = try PolicyCompiler.compile(EffectivePolicy(protected: protected))
        var times: [Times] = []
        for _ in 0..<Self.startCount {
            if pauseMilliseconds > 0 { try await self.loop.sleep(milliseconds: pauseMilliseconds) }
            guard let slot = self.slots.take() else { preconditionFailure("one slot is in use at a time") }
            defer { self.slots.release(slot) }
            let plan = LaunchPlan(
                name: "bench", program: Self.program, arguments: [Self.program], policy: policy, slot: slot)
            let begin = ContinuousClock().now
            let process = try await self.launcher.launch(plan)
            let started = Self.microseconds(since: begin)
            _ = await process.exitStatus()
            times.append(Times(started: started, ended: Self.microseconds(since: begin)))
        }
        await self.launcher.allEnded()
        return times
    }

    private static func microseconds(since begin: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = (ContinuousClock().now - begin).components
        return Double(seconds) * 1e6 + Double(attoseconds) / 1e12
    }
}
