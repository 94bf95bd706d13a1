import Identity
import Launching
import Libuv
import Mesh

/// Carries out what ``WorkerSupervisor`` decides.
extension WorkerHost {
    /// Gives an instance's supervisor an input and carries out the effects.
    func step(_ input: WorkerSupervisor.Input, _ worker: HostedWorker, _ instance: WorkerInstance) {
        let before = instance.supervisor.state
        let effects = instance.supervisor.step(
            input, nowMilliseconds: self.loop.nowMilliseconds, randomness: .random(in: .min ... .max))
        let state = instance.supervisor.state
        if state != before {
            let reason = instance.supervisor.reason
            self.note("\(state.rawValue)" + (reason.isEmpty ? "" : ": \(reason)"), worker, instance)
        }
        for effect in effects {
            switch effect {
            case .launch: self.launch(worker, instance)
            case .requestStop: self.requestStop(worker, instance)
            case .kill: self.kill(worker, instance)
            case .setTimer(let delay): self.setTimer(delay, worker, instance)
            case .clearTimer:
                instance.timer?.close()
                instance.timer = nil
            case .settled: instance.closeTimers()
            }
        }
        if state != before { self.changed(worker) }
    }

    /// As ``step(_:_:_:)``, for news of one run: ignored when the instance has begun another.
    private func news(_ input: WorkerSupervisor.Input, _ name: WorkerName, _ index: Int, run: UInt64) {
        guard let (worker, instance) = self.find(name, index, run: run) else { return }
        self.step(input, worker, instance)
    }

    private func find(_ name: WorkerName, _ index: Int, run: UInt64) -> (HostedWorker, WorkerInstance)? {
        guard let worker = self.workers[name], worker.instances.indices.contains(index) else { return nil }
        let instance = worker.instances[index]
        return instance.run == run ? (worker, instance) : nil
    }

    private func setTimer(_ delay: UInt64, _ worker: HostedWorker, _ instance: WorkerInstance) {
        instance.timer?.close()
        // The loop refuses timers only while it stops; then nothing is supervised any more.
        do throws(LibuvError) { instance.timer = try LoopTimer(on: self.loop) } catch { return }
        let name = worker.deployment.worker
        let index = instance.index
        let run = instance.run
        instance.timer?.start(afterMilliseconds: delay) { [weak self] in
            self?.assumeIsolated { $0.news(.timerFired, name, index, run: run) }
        }
    }

    private func note(_ text: String, _ worker: HostedWorker, _ instance: WorkerInstance) {
        let line = "[host] instance \(instance.index) \(LineSplitter.escaped(Array(text.utf8)))"
        worker.log.append(line, unixMilliseconds: WorkerLog.unixMilliseconds)
    }

    /// What a worker's own lines go through, from any thread.
    private func logger(_ name: WorkerName, _ index: Int) -> @Sendable (String) -> Void {
        { [weak self, loop] line in
            loop.perform { [weak self] in
                self?.assumeIsolated { host in
                    host.workers[name]?.log.append(
                        "[\(index)] \(line)", unixMilliseconds: WorkerLog.unixMilliseconds)
                }
            }
        }
    }

    // MARK: Starting

    private func launch(_ worker: HostedWorker, _ instance: WorkerInstance) {
        instance.run += 1
        switch worker.deployment.manifest.kind {
        case .subprocess: self.launchProcess(worker, instance)
        case .library: self.loadLibrary(worker, instance)
        case .exec: self.prepareExec(worker, instance)
        }
    }

    private func starter(_ worker: HostedWorker) -> ProcessStarter {
        ProcessStarter(
            loop: self.loop, launcher: self.launcher, slots: self.slots, deployment: worker.deployment)
    }

    /// Turns an event of a session into an input, after whatever runs now.
    private func reporter(
        _ worker: HostedWorker, _ instance: WorkerInstance
    ) -> @Sendable (WorkerSupervisor.Input) -> Void {
        let name = worker.deployment.worker
        let index = instance.index
        let run = instance.run
        return { [weak self, loop] input in
            loop.perform { [weak self] in self?.assumeIsolated { $0.news(input, name, index, run: run) } }
        }
    }

    private func launchProcess(_ worker: HostedWorker, _ instance: WorkerInstance) {
        let report = self.reporter(worker, instance)
        let manifest = worker.deployment.manifest
        let session = SubprocessSession(on: self.loop, name: manifest.name, concurrency: manifest.concurrency) {
            event in
            switch event {
            case .ready: report(.ready)
            case .closed: report(.channelClosed)
            case .broken(let reason): report(.unresponsive(reason: reason))
            }
        }
        instance.carrier = session
        let starter = self.starter(worker)
        let name = worker.deployment.worker
        let index = instance.index
        let run = instance.run
        instance.launching = Task {
            do throws(LaunchError) {
                let process = try await starter.launchResident()
                self.launched(process, session, name, index, run)
            } catch {
                self.news(.launchFailed(reason: "\(error)", isFatal: Self.isFatal(error)), name, index, run: run)
            }
        }
    }

    private static func isFatal(_ error: LaunchError) -> Bool {
        switch error {
        case .invalidPlan, .helperMissing: true
        case .step(let failure): failure.concernsProgram
        case .helperFailed, .agent, .cancelled: false
        }
    }

    private func launched(
        _ process: LaunchedProcess, _ session: SubprocessSession, _ name: WorkerName, _ index: Int, _ run: UInt64
    ) {
        guard let (worker, instance) = self.find(name, index, run: run) else {
            process.kill()
            return
        }
        instance.process = process
        instance.launching = nil
        Task { self.exited(await process.exitStatus(), session, name, index, run) }
        let log = self.logger(name, index)
        do throws(LibuvError) {
            if let descriptor = process.takeLog() {
                instance.logReader = try LogReader(
                    adopting: OwnedDescriptor(adopting: descriptor), on: self.loop, onLine: log)
            }
            guard let control = process.takeControl() else { throw LibuvError(.notConnected, "use the channel") }
            let failure = session.assumeIsolated { session -> LibuvError? in
                do throws(LibuvError) { try session.attach(control) } catch { return error }
                return nil
            }
            if let failure { throw failure }
        } catch {
            self.note("its descriptors cannot be used: \(error)", worker, instance)
            process.kill()
        }
        self.step(.launched, worker, instance)
        self.startWatchdog(worker, instance, session)
    }

    private func exited(
        _ report: ExitReport, _ session: SubprocessSession, _ name: WorkerName, _ index: Int, _ run: UInt64
    ) {
        let text = "it \(report.reason)"
        guard let (worker, instance) = self.find(name, index, run: run) else {
            session.assumeIsolated { $0.endCalls(text) }
            return
        }
        instance.process = nil
        instance.watchdog?.close()
        instance.watchdog = nil
        instance.carrier = nil
        var isFatal = false
        // 78 is EX_CONFIG of sysexits.h: the worker itself says that starting it again would not help.
        if case .exited(code: 78) = report.reason { isFatal = true }
        self.step(.exited(reason: text, isFatal: isFatal), worker, instance)
        let reason = instance.supervisor.reason
        session.assumeIsolated { $0.endCalls(reason.isEmpty ? text : reason) }
    }

    /// Watches for signs of life while the process runs.
    private func startWatchdog(_ worker: HostedWorker, _ instance: WorkerInstance, _ session: SubprocessSession) {
        let limit = UInt64(worker.deployment.manifest.watchdogSeconds) * 1_000
        guard limit > 0, instance.process != nil else { return }
        do throws(LibuvError) { instance.watchdog = try LoopTimer(on: self.loop) } catch { return }
        let report = self.reporter(worker, instance)
        instance.cloggedTicks = 0
        instance.watchdog?.start(afterMilliseconds: limit / 3, everyMilliseconds: limit / 3) {
            [weak session, weak instance] in
            guard let session, let instance else { return }
            session.assumeIsolated { session in
                let silence = session.loop.nowMilliseconds - session.lastSignMilliseconds
                if silence >= limit { return report(.unresponsive(reason: "it did not answer for \(limit / 1_000) s")) }
                session.ping()
            }
            instance.cloggedTicks = session.assumeIsolated { $0.isClogged } ? instance.cloggedTicks + 1 : 0
            if instance.cloggedTicks >= 3 {
                report(.unresponsive(reason: "all its calls were cancelled and none ended for \(limit / 1_000) s"))
            }
        }
    }

    private func loadLibrary(_ worker: HostedWorker, _ instance: WorkerInstance) {
        let report = self.reporter(worker, instance)
        let manifest = worker.deployment.manifest
        do throws(LibraryError) {
            let library = try LoadedLibrary.load(
                path: worker.deployment.releaseFolder + "/" + (manifest.entry.first ?? ""),
                copyingTo: self.settings.dataFolder + "/libraries", trusted: self.settings.trustedLibraries)
            instance.carrier = try LibrarySession(
                on: self.loop, library: library, name: manifest.name, concurrency: manifest.concurrency,
                log: self.logger(worker.deployment.worker, instance.index),
                onStopped: { report(.exited(reason: "it was stopped", isFatal: false)) })
            report(.launched)
            report(.ready)
        } catch {
            report(.launchFailed(reason: "\(error)", isFatal: error.isFatal))
        }
    }

    private func prepareExec(_ worker: HostedWorker, _ instance: WorkerInstance) {
        let report = self.reporter(worker, instance)
        instance.carrier = ExecSession(
            on: self.loop, starter: self.starter(worker), concurrency: worker.deployment.manifest.concurrency,
            log: self.logger(worker.deployment.worker, instance.index),
            onStopped: { report(.exited(reason: "it was stopped", isFatal: false)) })
        report(.launched)
        report(.ready)
    }

    // MARK: Ending

    private func requestStop(_ worker: HostedWorker, _ instance: WorkerInstance) {
        if let session = instance.carrier as? SubprocessSession {
            if instance.process == nil { instance.launching?.cancel() }
            session.assumeIsolated { $0.requestStop() }
        } else {
            instance.carrier?.assumeIsolated { $0.endCalls("the worker was stopped") }
        }
    }

    private func kill(_ worker: HostedWorker, _ instance: WorkerInstance) {
        if worker.deployment.manifest.kind == .subprocess {
            instance.launching?.cancel()
            instance.process?.kill()
            return
        }
        // A library cannot be ended, and exec processes were killed with their calls: what is left is given up.
        instance.carrier?.assumeIsolated { $0.endCalls("the worker was stopped") }
        instance.carrier = nil
        self.reporter(worker, instance)(.exited(reason: "it did not end its calls in time", isFatal: true))
    }
}
