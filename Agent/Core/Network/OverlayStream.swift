import Identity
import Kademlia
import Libp2p
import Overlay

/// A stream of the host, as the agent sees streams.
final class OverlayStream: MeshStream {
    private let stream: PeerStream

    init(_ stream: PeerStream) {
        self.stream = stream
    }

    var peer: PeerID { self.stream.peer }

    func read() async throws(NetworkError) -> [UInt8]? {
        do throws(StreamError) { return try await self.stream.read() } catch { throw NetworkError(error) }
    }

    func write(_ bytes: [UInt8]) async throws(NetworkError) {
        do throws(StreamError) { try await self.stream.write(bytes) } catch { throw NetworkError(error) }
    }

    func finishWriting() async throws(NetworkError) { self.stream.finishWriting() }

    func reset() { self.stream.reset() }
}

extension HostError {
    /// Whether another address of the peer might lead to it.
    var mayBeElsewhere: Bool {
        switch self {
        case .noAddresses, .unreachable: true
        default: false
        }
    }
}

extension NetworkError {
    init(_ error: HostError) {
        switch error {
        case .limitReached: self = .exhausted(error.description)
        case .negotiation(let failure): self.init(failure)
        default: self = .unreachable(error.description)
        }
    }

    init(_ error: StreamError) {
        switch error {
        case .ended(.negotiationFailed), .ended(.finishedDuringNegotiation): self = .protocolRefused
        case .ended(.negotiationTimedOut): self = .timedOut
        case .messageTooLong, .malformedLength, .unexpectedEnd: self = .malformed(error.description)
        default: self = .closed(error.description)
        }
    }

    init(_ error: DistributedHashTableError) {
        switch error {
        case .refused(.record(let refusal)): self = .refusedRecord(refusal.description)
        case .refused(let refusal): self = .exhausted(refusal.description)
        case .peerNotFound, .notBootstrapped: self = .unreachable(error.description)
        case .cancelled, .stopped: self = .closed(error.description)
        }
    }
}
