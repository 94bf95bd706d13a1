/// The paths of the control API (Specs/control-api.md, section 3), in one place for server and client.
package enum ControlPath: String, Sendable, CaseIterable {
    case status = "/v1/status"
    case doctor = "/v1/doctor"
    case limits = "/v1/limits"
    case workers = "/v1/workers"
    case worker = "/v1/worker"
    case logs = "/v1/worker/logs"
    case publish = "/v1/worker/publish"
    case unpublish = "/v1/worker/unpublish"
    case host = "/v1/worker/host"
    case grant = "/v1/worker/grant"
    case revoke = "/v1/worker/revoke"
    case find = "/v1/find"
    case subscribe = "/v1/subscribe"
    case unsubscribe = "/v1/unsubscribe"
    case subscriptions = "/v1/subscriptions"
    case peers = "/v1/peers"
    case route = "/v1/route"
    case ping = "/v1/ping"
    case getRecord = "/v1/dht/get"
    case putRecord = "/v1/dht/put"
    case provide = "/v1/dht/provide"
    case providers = "/v1/dht/providers"
    case findPeer = "/v1/dht/find-peer"

    /// The prefix of calls: `/v1/call/[<publisher>/]<name>/<method>`.
    package static let callPrefix = "/v1/call/"
    /// The prefix of the mesh ingress: `/svc/[<publisher>/]<name>/<method>`.
    package static let ingressPrefix = "/svc/"
    package static let metrics = "/metrics"

    /// Whether it only reads and takes GET; every other one takes POST with a JSON body.
    package var isQuestion: Bool {
        switch self {
        case .status, .doctor, .limits, .workers, .subscriptions, .peers: true
        default: false
        }
    }
}

/// Header and trailer names of a call (Specs/control-api.md, section 5).
package enum CallField {
    /// Request: whole milliseconds until the call is ended.
    package static let deadline = "dsmp-deadline-ms"
    package static let idempotencyKey = "idempotency-key"
    package static let traceParent = "traceparent"
    /// Trailer: `ok`, or a code of ``ControlErrorCode`` when the call failed after its first output.
    package static let status = "dsmp-status"
    /// Trailer: the percent-encoded message of a failure.
    package static let message = "dsmp-message"
    /// Trailer: the percent-encoded hint of a failure.
    package static let hint = "dsmp-hint"

    /// Percent-encodes all but letters, digits, space and `-._:;,/` of UTF-8, so that the text fits a header.
    package static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x20, 0x2c...0x2f, 0x3a, 0x3b, 0x5f:
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return escaped
    }

    /// Reads what ``escape(_:)`` wrote. A percent sign without two digits stays as it is.
    package static func unescape(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 0x25, rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
