import CSeccomp
import Glibc
package import Libuv

/// Starts workers in jails through the helper `dsmp-jail`, one helper a worker, on one event loop.
///
/// When this process ends, however it does, every jail that it started ends with it.
package actor JailLauncher: Launcher {
    /// The helper's name.
    package static let helperName = "dsmp-jail"
    /// How long a jail may take to be ready.
    package static let timeoutMilliseconds: UInt64 = 30_000

    private let loop: EventLoop
    /// Where the helper is.
    package nonisolated let helper: String
    private var lastRequest: UInt32 = 0
    private var channels: [UInt32: JailChannel] = [:]
    private var idleWaiters: [CheckedContinuation<Void, Never>] = []

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - loop: runs this actor and watches the helpers.
    ///   - helper: path of `dsmp-jail`; nil means beside the running executable.
    package init(on loop: EventLoop, helper: String? = nil) {
        self.loop = loop
        self.helper = helper ?? Self.pathBesideExecutable()
    }

    isolated deinit {}

    /// The helper's path beside the running executable.
    package static func pathBesideExecutable() -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { (bytes) -> Int in
            guard let start = bytes.baseAddress else { return -1 }
            return unsafe readlink("/proc/self/exe", start, bytes.count)
        }
        let path = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        return (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "/usr/bin/") + Self.helperName
    }

    /// How many helpers of this launcher have not ended.
    package var liveCount: Int { self.channels.count }

    /// Ends every jail and waits until all helpers are gone.
    package func shutdown() async {
        for (_, channel) in self.channels.sorted(by: { $0.key < $1.key }) { channel.end(.cancelled) }
        await self.allEnded()
    }

    /// Waits until no helper is left.
    package func allEnded() async {
        guard !self.channels.isEmpty else { return }
        await withCheckedContinuation { self.idleWaiters.append($0) }
    }

    /// Forgets a start when its helper has ended.
    private func reap(_ request: UInt32) {
        Task {
            // Fails only when the loop stops, and then nobody can wait any more.
            _ = try? await self.channels[request]?.child?.exitStatus()
            self.channels[request] = nil
            guard self.channels.isEmpty else { return }
            for waiter in self.idleWaiters { waiter.resume() }
            self.idleWaiters = []
        }
    }

    package func launch(_ plan: LaunchPlan) async throws(LaunchError) -> LaunchedProcess {
        let bytes = try Self.resolved(plan).encoded()
        guard !Task.isCancelled else { throw .cancelled }
        self.lastRequest &+= 1
        let request = self.lastRequest
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in self.begin(request, plan, bytes, waiter) }
        } onCancel: {
            self.loop.perform { self.assumeIsolated { $0.channels[request]?.end(.cancelled) } }
        }
        return try result.get()
    }

    /// The plan with its release by its real path: the agent's own folder may be reached through links, in which the jail
    /// does not believe.
    private static func resolved(_ plan: LaunchPlan) throws(LaunchError) -> LaunchPlan {
        guard let folder = plan.releaseFolder else { return plan }
        guard let path = unsafe realpath(folder, nil) else {
            throw .step(JailFailure(step: "bind-open", errno: errno, detail: folder))
        }
        defer { unsafe free(path) }
        var plan = plan
        plan.releaseFolder = unsafe String(cString: path)
        return plan
    }

    private func begin(
        _ request: UInt32, _ plan: LaunchPlan, _ bytes: [UInt8],
        _ waiter: CheckedContinuation<Result<LaunchedProcess, LaunchError>, Never>
    ) {
        do {
            let channel = try self.start(request, plan, bytes, waiter)
            channel.onEnd = { [weak self] in self?.assumeIsolated { $0.reap(request) } }
            self.channels[request] = channel
        } catch {
            waiter.resume(returning: .failure(error))
        }
    }

    /// Sends the order and starts the helper. What is not handed over is closed on return.
    private func start(
        _ request: UInt32, _ plan: LaunchPlan, _ bytes: [UInt8],
        _ waiter: CheckedContinuation<Result<LaunchedProcess, LaunchError>, Never>
    ) throws(LaunchError) -> JailChannel {
        guard unsafe access(self.helper, X_OK) == 0 else { throw .helperMissing(path: self.helper) }
        let theirs = DescriptorBag()
        let ours = DescriptorBag()
        let wiring = try Wiring(plan, theirs: theirs, ours: ours)
        let file = try MemoryFile.sealed(bytes, name: "dsmp-plan")
        let (own, other) = try theirs.make(.packet)
        _ = ours.adopt(theirs.release(own))
        try Self.order(request, on: own, [file.descriptor] + wiring.theirs)
        do {
            let channel = try JailChannel(
                request: request, channel: own, descriptors: wiring.ours, bag: ours, on: self.loop, waiter: waiter)
            channel.child = try ChildProcess(
                ChildProcess.Description(
                    program: self.helper, arguments: ["launch"], environment: [], workingDirectory: "/",
                    descriptors: [.null, .null, .null, .duplicate(other)], isSessionLeader: true), on: self.loop)
            try channel.start(timeoutMilliseconds: Self.timeoutMilliseconds)
            return channel
        } catch {
            throw .helperFailed(reason: "\(error)")
        }
    }

    /// Sends a launch order (Specs/sandbox.md, section 7.1).
    private static func order(_ request: UInt32, on channel: Int32, _ descriptors: [Int32]) throws(LaunchError) {
        let packet = PlanWriter.payload { writer in
            writer.append(UInt32(0x4F4A_5344))
            writer.append(UInt16(1))
            writer.append(UInt16(truncatingIfNeeded: (1 << descriptors.count) - 1))
            writer.append(request)
            writer.append(UInt32(0))
        }
        let status = unsafe packet.withUnsafeBytes { packet in
            unsafe descriptors.withUnsafeBufferPointer { numbers in
                unsafe dsmp_send_packet(channel, packet.baseAddress, packet.count, numbers.baseAddress, numbers.count)
            }
        }
        guard status == 0 else { throw .agent(call: "sendmsg", errno: status) }
    }
}

/// The descriptors of one start: the worker's side in the order of the launch order, and the agent's.
private struct Wiring {
    var theirs: [Int32]
    var ours = LaunchedProcess.Descriptors()

    init(_ plan: LaunchPlan, theirs bag: DescriptorBag, ours: DescriptorBag) throws(LaunchError) {
        var input: Int32 = -1
        switch plan.input {
        case .nothing: input = try bag.openNull()
        case .descriptor(let number): input = number
        case .pipe:
            let pipe = try bag.make(.pipe)
            input = pipe.first
            self.ours.input = ours.adopt(bag.release(pipe.second))
        }
        var log: Int32 = -1
        if plan.output == .log || plan.error == .log {
            let pipe = try bag.make(.pipe)
            log = pipe.second
            self.ours.log = ours.adopt(bag.release(pipe.first))
        }
        var output = log
        switch plan.output {
        case .log: break
        case .descriptor(let number): output = number
        case .pipe:
            let pipe = try bag.make(.pipe)
            output = pipe.second
            self.ours.output = ours.adopt(bag.release(pipe.first))
        }
        var error = log
        if case .descriptor(let number) = plan.error { error = number }
        self.theirs = [input, output, error]
        guard plan.wantsControl else { return }
        let sockets = try bag.make(.stream)
        self.theirs.append(sockets.second)
        self.ours.control = ours.adopt(bag.release(sockets.first))
    }
}
