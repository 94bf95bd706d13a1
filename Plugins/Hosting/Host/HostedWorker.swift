import Launching
import Libuv
import Mesh

/// One worker of a host with its instances. Part of the state of ``WorkerHost``; used by it alone.
final class HostedWorker {
    let deployment: WorkerDeployment
    let methods: [String: WorkerManifest.Method]
    let log: WorkerLog
    var instances: [WorkerInstance] = []
    var callCount: UInt64 = 0
    /// Which instance the next call tries first.
    var turn = 0
    var readyWaiters: [CheckedContinuation<Void, Never>] = []
    var stopWaiters: [CheckedContinuation<Void, Never>] = []

    init(_ deployment: WorkerDeployment, log: WorkerLog) {
        self.deployment = deployment
        self.log = log
        self.methods = Dictionary(
            deployment.manifest.methods.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    var isSettled: Bool {
        self.instances.allSatisfy { [.created, .stopped, .failed].contains($0.supervisor.state) }
    }
}

/// One running form of a worker: a process, a loaded library, or the starter of processes of kind `exec`.
final class WorkerInstance {
    let index: Int
    var supervisor: WorkerSupervisor
    /// Grows with each run, so that news of an earlier run is recognised.
    var run: UInt64 = 0
    var timer: LoopTimer?
    var watchdog: LoopTimer?
    var cloggedTicks = 0
    var launching: Task<Void, Never>?
    var process: LaunchedProcess?
    var carrier: (any CallCarrier)?
    var logReader: LogReader?

    init(index: Int, policy: WorkerSupervisor.Policy) {
        self.index = index
        self.supervisor = WorkerSupervisor(policy: policy)
    }

    func closeTimers() {
        self.timer?.close()
        self.timer = nil
        self.watchdog?.close()
        self.watchdog = nil
    }
}
