package import Mesh

extension ControlError {
    /// How a call ended, as the control surface says it.
    ///
    /// ``CallStatus/notFound`` stays `notFound` whatever its reason was, so that a private worker is not revealed.
    package init(_ failure: CallFailure) {
        let (code, hint) =
            switch failure.code {
            case .ok, .internal: (ControlErrorCode.internal, "")
            case .cancelled: (.cancelled, "")
            case .failed: (.failed, "see `dsmp worker logs` on the host")
            case .invalidArgument: (.usage, "")
            case .deadlineExceeded: (.timeout, "give it more time with --deadline SECONDS")
            case .notFound: (.notFound, "see what there is with `dsmp find`")
            case .refused: (.refused, "ask the publisher for a grant")
            case .resourceExhausted: (.exhausted, "try again later")
            case .noSuchMethod: (.notFound, "see its methods with `dsmp worker show`")
            case .unavailable: (.unreachable, "see its hosts with `dsmp worker show`")
            }
        self.init(code, failure.message, hint: hint)
    }
}
