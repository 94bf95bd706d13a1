import Identity
import SwiftProtobuf
import Wire

extension CallHeader {
    /// The encoded header, without ``caller``, which the secure channel says.
    package var payload: [UInt8] {
        var message = CallHeaderMessage()
        message.worker = self.worker.description
        message.method = self.method
        message.deadline = self.deadlineMilliseconds
        message.attempt = self.attempt
        message.idempotencyKey = self.idempotencyKey.data
        message.traceParent = self.traceParent
        message.proof = self.proof.data
        return encode(message)
    }

    /// Reads a header that a peer sent, of at most ``CallLimits/headerBytes`` bytes.
    ///
    /// - Throws: ``CallFrameError/malformedHeader(_:)`` when a field breaks its bound.
    package init(payload: [UInt8]) throws(CallFrameError) {
        guard let message = try? decode(CallHeaderMessage.self, payload, limit: CallLimits.headerBytes) else {
            throw .malformedHeader("it cannot be decoded")
        }
        guard let worker = try? WorkerName(message.worker) else {
            throw .malformedHeader("\"worker\" is not a full name, dsmp://PUBLISHER/NAME")
        }
        guard WorkerText.isMethod(message.method) else { throw .malformedHeader("\"method\" is not a method name") }
        guard message.attempt <= CallLimits.attempts else {
            throw .malformedHeader("\"attempt\" is over \(CallLimits.attempts)")
        }
        guard message.idempotencyKey.count <= CallLimits.idempotencyKeyBytes else {
            throw .malformedHeader("\"idempotency_key\" is over \(CallLimits.idempotencyKeyBytes) bytes")
        }
        guard WorkerText.isPrintable(message.traceParent, limit: CallLimits.traceParentBytes) else {
            throw .malformedHeader("\"trace_parent\" is not a W3C traceparent")
        }
        guard message.proof.count <= CallLimits.proofBytes else {
            throw .malformedHeader("\"proof\" is over \(CallLimits.proofBytes) bytes")
        }
        self.init(
            worker: worker, method: message.method,
            deadlineMilliseconds: min(message.deadline, CallLimits.deadlineMilliseconds),
            attempt: max(1, message.attempt), idempotencyKey: [UInt8](message.idempotencyKey),
            traceParent: message.traceParent, proof: [UInt8](message.proof))
    }
}
