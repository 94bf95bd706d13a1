import SwiftProtobuf
import Wire

extension CallFailure {
    /// The answer to a call of a worker that is not here, that is private and not for this caller, or that never was:
    /// one value, so that the bytes cannot differ (Specs/call.md, section 5).
    package static let noSuchWorker = CallFailure(.notFound, "no such worker here", mayRetryElsewhere: true)

    /// The payload of a status frame; nil is the status of a call that ended well.
    package static func payload(of failure: CallFailure?) -> [UInt8] {
        var message = CallStatusMessage()
        if let failure {
            message.code = failure.code.rawValue
            message.message = WorkerText.cut(failure.message, to: CallLimits.failureMessageBytes)
            message.notStarted = failure.mayRetryElsewhere
            message.retryAfter = failure.retryAfterMilliseconds
        }
        return encode(message)
    }

    /// Reads the payload of a status frame that a host sent. Nil is ``CallStatus/ok``. A code that is not known counts
    /// as ``CallStatus/internal``; control characters in the message are replaced, since people will see it.
    ///
    /// - Throws: ``CallFrameError/malformedStatus``.
    package static func read(payload: [UInt8]) throws(CallFrameError) -> CallFailure? {
        guard let message = try? decode(CallStatusMessage.self, payload, limit: CallLimits.statusBytes) else {
            throw .malformedStatus
        }
        guard message.code != CallStatus.ok.rawValue else { return nil }
        let text = WorkerText.cut(message.message, to: CallLimits.failureMessageBytes)
        return CallFailure(
            CallStatus(rawValue: message.code) ?? .internal, WorkerText.printable(text),
            mayRetryElsewhere: message.notStarted, retryAfterMilliseconds: message.retryAfter)
    }
}
