/// A breach of yamux that ends the connection (Specs/libp2p.md, section 5.6). Lesser ones end a stream or are ignored.
package enum YamuxFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownVersion(UInt8)
    case unknownKind(UInt8)
    /// A stream was opened with number zero or with a number of the other side.
    case wrongStreamNumber(UInt32)
    /// A stream was opened twice.
    case duplicateStream(UInt32)
    /// More bytes were sent on a stream than its window allows.
    case windowExceeded(number: UInt32, byteCount: UInt32, credit: Int)
    /// A ping or a farewell named a stream.
    case sessionFrameOnStream(UInt32)
    case unknownGoAway(UInt32)
    /// The peer made more answers necessary than it reads.
    case controlFlood(limitBytes: Int)
    /// The peer opens streams only to reset them.
    case resetFlood(limitPerSecond: Int)

    package var description: String {
        switch self {
        case .unknownVersion(let version): "yamux version \(version), not 0"
        case .unknownKind(let kind): "yamux frame of the unknown type \(kind)"
        case .wrongStreamNumber(let number): "the peer opened yamux stream \(number), which is not its to open"
        case .duplicateStream(let number): "the peer opened yamux stream \(number) twice"
        case .windowExceeded(let number, let byteCount, let credit):
            "the peer sent \(byteCount) bytes on yamux stream \(number), whose window has room for \(credit)"
        case .sessionFrameOnStream(let number): "a yamux session frame names stream \(number)"
        case .unknownGoAway(let code): "yamux farewell with the unknown code \(code)"
        case .controlFlood(let limit): "the peer asks for more than \(limit) bytes of answers without reading them"
        case .resetFlood(let limit): "the peer opens and resets more than \(limit) streams a second"
        }
    }
}

/// Why no stream can be opened now.
package enum StreamOpenFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The connection is over or one side said farewell.
    case connectionEnding
    /// As many streams are open as the configuration allows.
    case tooManyStreams(limit: Int)
    /// The session has used all its stream numbers; a new connection has them again.
    case numbersExhausted

    package var description: String {
        switch self {
        case .connectionEnding: "the connection is ending; open another one"
        case .tooManyStreams(let limit): "\(limit) streams are open on this connection; end some first"
        case .numbersExhausted: "this connection has used up its stream numbers; open another one"
        }
    }
}
