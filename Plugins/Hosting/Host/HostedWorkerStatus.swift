package import Identity

/// How a hosted worker is doing, at one moment.
package struct HostedWorkerStatus: Sendable, Hashable {
    package struct Instance: Sendable, Hashable {
        package var state: WorkerSupervisor.State
        /// Why it is not ready, for people; empty when there is nothing to say.
        package var reason: String
        /// Starts after the first.
        package var restartCount: Int
        /// Of the jail's first process; nil for libraries, `exec` and while none runs.
        package var processID: Int32?
    }

    package var worker: WorkerName
    package var release: SemanticVersion
    package var kind: WorkerManifest.Kind
    package var visibility: WorkerManifest.Visibility
    package var instances: [Instance]
    /// Calls in progress.
    package var activeCallCount: Int
    /// Calls begun since the worker was started.
    package var callCount: UInt64

    /// The state of the instance that is best off: the worker takes calls when this is `ready`.
    package var state: WorkerSupervisor.State {
        let order: [WorkerSupervisor.State] = [.ready, .starting, .created, .backoff, .stopping, .failed, .stopped]
        return order.first { state in self.instances.contains { $0.state == state } } ?? .stopped
    }

    /// Why the worker is not ready; empty when it is.
    package var reason: String {
        self.state == .ready ? "" : self.instances.first { !$0.reason.isEmpty }?.reason ?? ""
    }
}

/// Why a worker was not started, stopped or found. The text is for the operator: what happened, then what to do.
package enum HostingError: Error, Sendable, Hashable, CustomStringConvertible {
    case unknownWorker(String)
    case stillRunning(String)
    case tooManyWorkers(limit: Int)
    case wrongName(manifest: String, worker: String)
    case notReady(String, reason: String)
    case shutDown

    package var description: String {
        switch self {
        case .unknownWorker(let name): "no worker \(name) is hosted here; `dsmp worker list` shows those that are"
        case .stillRunning(let name): "the worker \(name) runs already; stop it first"
        case .tooManyWorkers(let limit): "\(limit) workers are hosted here, the limit; stop one first"
        case .wrongName(let manifest, let worker):
            "worker.yaml calls the worker \(manifest), but it is to be hosted as \(worker); use one name"
        case .notReady(let name, let reason):
            "the worker \(name) does not start: \(reason); `dsmp worker logs \(name)` shows what it printed"
        case .shutDown: "the agent is shutting down"
        }
    }
}
