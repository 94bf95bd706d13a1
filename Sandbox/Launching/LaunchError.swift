/// Why a process was not started. The text is for the operator: what happened, then what to do.
package enum LaunchError: Error, Equatable, CustomStringConvertible {
    /// The helper `dsmp-jail` is not where it should be.
    case helperMissing(path: String)
    /// The helper could not be started.
    case helperFailed(reason: String)
    /// The plan breaks a rule that the caller should have kept.
    case invalidPlan(reason: String)
    /// The agent itself ran out of descriptors or memory.
    case agent(call: String, errno: Int32)
    /// A step of building the jail failed.
    case step(JailFailure)
    /// The launcher was closed, or the task that waited was cancelled.
    case cancelled

    package var description: String {
        switch self {
        case .helperMissing(let path):
            "the helper dsmp-jail is not at \(path); install it beside dsmp"
        case .helperFailed(let reason):
            "the helper dsmp-jail could not be started: \(reason)"
        case .invalidPlan(let reason): reason
        case .agent(let call, let errno):
            "\(call) failed: \(JailFailure.text(errno: errno)); raise `ulimit -n`, or free memory"
        case .step(let failure): failure.description
        case .cancelled: "the start was cancelled"
        }
    }
}
