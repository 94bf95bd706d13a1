import Glibc
package import Identity
package import Launching
package import Libuv
package import Mesh

/// Runs workers of all three kinds, keeps them running, and opens calls to them.
///
/// Bound to the loop: a caller on the same loop reaches a worker without a hop between threads. A worker that crashes
/// ends its own calls and is started again; only a library, which the operator trusted, can take the agent with it.
package actor WorkerHost {
    /// The most workers at once.
    package static let maximumWorkerCount = 1_024

    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    let launcher: any Launcher
    private(set) var settings: WorkerHostSettings
    let slots = SlotPool()
    var workers: [WorkerName: HostedWorker] = [:]
    private var isShutDown = false
    private let onChange: @Sendable (HostedWorkerStatus) -> Void

    /// - Parameters:
    ///   - loop: runs this host and everything it opens.
    ///   - launcher: starts jailed processes.
    ///   - settings: what all workers have in common.
    ///   - onChange: called on the loop's thread whenever the state of an instance has changed.
    package init(
        on loop: EventLoop, launcher: any Launcher, settings: WorkerHostSettings,
        onChange: @escaping @Sendable (HostedWorkerStatus) -> Void = { _ in }
    ) {
        self.loop = loop
        self.launcher = launcher
        self.settings = settings
        self.onChange = onChange
    }

    /// Replaces the list of libraries that may be loaded from now on.
    package func trust(_ libraries: TrustedLibraries) { self.settings.trustedLibraries = libraries }

    /// Begins to run a worker and keeps it running until ``stop(_:)``. Returns at once; ``waitUntilReady(_:)`` waits.
    ///
    /// A worker that was stopped or failed before is replaced by this deployment.
    package func start(_ deployment: WorkerDeployment) throws(HostingError) {
        guard !self.isShutDown else { throw .shutDown }
        guard deployment.manifest.name == deployment.worker.name else {
            throw .wrongName(manifest: deployment.manifest.name, worker: deployment.worker.name)
        }
        if let known = self.workers[deployment.worker] {
            guard known.isSettled else { throw .stillRunning(deployment.worker.description) }
        } else if self.workers.count >= Self.maximumWorkerCount {
            throw .tooManyWorkers(limit: Self.maximumWorkerCount)
        }
        let worker = HostedWorker(deployment, log: self.openLog(deployment.worker))
        var policy = self.settings.supervision
        policy.readyMilliseconds = UInt64(deployment.manifest.readySeconds) * 1_000
        policy.stopMilliseconds = UInt64(deployment.manifest.stopSeconds) * 1_000
        worker.instances = (0..<deployment.manifest.instances).map { WorkerInstance(index: $0, policy: policy) }
        self.workers[deployment.worker] = worker
        for instance in worker.instances { self.step(.start, worker, instance) }
    }

    /// Returns when an instance takes calls.
    ///
    /// - Throws: ``HostingError/notReady(_:reason:)`` when the worker failed instead, also when it will be tried again.
    package func waitUntilReady(_ name: WorkerName) async throws(HostingError) {
        while true {
            guard let worker = self.workers[name] else { throw .unknownWorker(name.description) }
            let status = self.status(of: worker)
            switch status.state {
            case .ready: return
            case .backoff, .failed, .stopping, .stopped:
                throw .notReady(name.name, reason: status.reason.isEmpty ? "it was stopped" : status.reason)
            case .created, .starting:
                await self.change(of: worker)
            }
        }
    }

    /// Stops a worker and returns when nothing of it runs. It stays known, so that its log can be read.
    package func stop(_ name: WorkerName) async throws(HostingError) {
        guard let worker = self.workers[name] else { throw .unknownWorker(name.description) }
        for instance in worker.instances { self.step(.stop, worker, instance) }
        while !worker.isSettled { await self.settling(of: worker) }
    }

    /// Stops a worker and starts it again, also one that was given up.
    package func restart(_ name: WorkerName) async throws(HostingError) {
        try await self.stop(name)
        guard !self.isShutDown, let worker = self.workers[name] else { throw .unknownWorker(name.description) }
        for instance in worker.instances { self.step(.start, worker, instance) }
    }

    /// Stops a worker and forgets it.
    package func remove(_ name: WorkerName) async throws(HostingError) {
        try await self.stop(name)
        self.workers.removeValue(forKey: name)
    }

    /// Stops every worker; none starts any more.
    package func shutdown() async {
        self.isShutDown = true
        let names = self.workers.keys.sorted()
        for name in names {
            guard let worker = self.workers[name] else { continue }
            for instance in worker.instances { self.step(.stop, worker, instance) }
        }
        for name in names {
            while let worker = self.workers[name], !worker.isSettled { await self.settling(of: worker) }
        }
    }

    /// How a worker is doing; nil when it is not hosted here.
    package func status(_ name: WorkerName) -> HostedWorkerStatus? { self.workers[name].map { self.status(of: $0) } }

    /// How all workers are doing, sorted by name.
    package func statuses() -> [HostedWorkerStatus] {
        self.workers.keys.sorted().compactMap { self.status($0) }
    }

    /// The last lines of a worker's log, oldest first: wall time in milliseconds, then what happened or was printed.
    /// Blocks on reading at most 2 MiB.
    package func logs(_ name: WorkerName, lines: Int) throws(HostingError) -> [String] {
        guard let worker = self.workers[name] else { throw .unknownWorker(name.description) }
        return worker.log.tail(lines: lines)
    }

    /// Begins a call to a worker.
    ///
    /// - Throws: ``CallFailure`` with `notFound` for a worker that is not hosted here, `noSuchMethod`, `unavailable` when
    ///   it is not ready and `resourceExhausted` when its calls are at their limit.
    package func open(_ header: CallHeader) async throws(CallFailure) -> any CallExchange {
        guard let worker = self.workers[header.worker] else {
            throw CallFailure(.notFound, "no such worker", mayRetryElsewhere: true)
        }
        guard let method = worker.methods[header.method] else {
            let known = worker.deployment.manifest.methods.map(\.name).joined(separator: ", ")
            throw CallFailure(.noSuchMethod, "the worker has no method `\(header.method)`; it has \(known)")
        }
        let order = CallOrder(header: header, method: method)
        var failure: CallFailure?
        for offset in 0..<worker.instances.count {
            let instance = worker.instances[(worker.turn + offset) % worker.instances.count]
            guard instance.supervisor.state == .ready, let carrier = instance.carrier else { continue }
            do throws(CallFailure) {
                let exchange = try await carrier.open(order)
                worker.turn = (instance.index + 1) % worker.instances.count
                worker.callCount += 1
                return exchange
            } catch {
                guard error.mayRetryElsewhere else { throw error }
                failure = error
            }
        }
        if let failure { throw failure }
        let status = self.status(of: worker)
        let reason = status.reason.isEmpty ? "it is \(status.state.rawValue)" : status.reason
        throw CallFailure(
            .unavailable, "the worker takes no calls now: \(reason)", mayRetryElsewhere: true,
            retryAfterMilliseconds: 500)
    }

    func status(of worker: HostedWorker) -> HostedWorkerStatus {
        let manifest = worker.deployment.manifest
        return HostedWorkerStatus(
            worker: worker.deployment.worker, release: manifest.release, kind: manifest.kind,
            visibility: manifest.visibility,
            instances: worker.instances.map { instance in
                HostedWorkerStatus.Instance(
                    state: instance.supervisor.state, reason: instance.supervisor.reason,
                    restartCount: instance.supervisor.restartCount, processID: instance.process?.processID)
            },
            activeCallCount: worker.instances.reduce(0) { sum, instance in
                sum + (instance.carrier?.assumeIsolated { $0.activeCallCount } ?? 0)
            }, callCount: worker.callCount)
    }

    /// Waits for a worker that is on its way up. Looks once more when it begins to wait: in a task that prefers the
    /// loop's executor, the loop runs between the caller's look and that moment.
    private func change(of worker: HostedWorker) async {
        await withCheckedContinuation { continuation in
            let isOnItsWay = [.created, .starting].contains(self.status(of: worker).state)
            if isOnItsWay { worker.readyWaiters.append(continuation) } else { continuation.resume() }
        }
    }

    /// Waits until nothing of a worker runs; looks once more, as ``change(of:)`` does.
    private func settling(of worker: HostedWorker) async {
        await withCheckedContinuation { continuation in
            if worker.isSettled { continuation.resume() } else { worker.stopWaiters.append(continuation) }
        }
    }

    /// Tells everybody who waits for a change of the worker.
    func changed(_ worker: HostedWorker) {
        let ready = worker.readyWaiters
        worker.readyWaiters = []
        for waiter in ready { waiter.resume() }
        if worker.isSettled {
            let stopped = worker.stopWaiters
            worker.stopWaiters = []
            for waiter in stopped { waiter.resume() }
        }
        self.onChange(self.status(of: worker))
    }

    private func openLog(_ name: WorkerName) -> WorkerLog {
        let folder = self.settings.dataFolder + "/logs"
        unsafe mkdir(folder, 0o700)  // A log that cannot be written loses its lines only.
        return WorkerLog(path: "\(folder)/\(name.publisher).\(name.name).log")
    }
}
