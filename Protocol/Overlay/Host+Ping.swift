import Cryptography
package import Identity
import Libp2p
import Libuv

/// Sends pings to one peer over one stream, one at a time.
package final class PingStream: Sendable {
    private let stream: PeerStream

    init(_ stream: PeerStream) { self.stream = stream }

    /// Measures one round trip, in nanoseconds.
    ///
    /// - Throws: ``StreamError``, or ``PingRequester/WrongAnswer`` after which the stream is reset.
    package func ping() async throws -> UInt64 {
        var requester = PingRequester()
        let payload = SecureRandom.bytes(Ping.byteCount)
        requester.begin(payload: payload, nowNanoseconds: MonotonicClock.nowNanoseconds)
        try await self.stream.write(payload)
        while true {
            guard let answer = try await self.stream.read(upTo: Ping.byteCount) else { throw StreamError.unexpectedEnd }
            do {
                let time = try requester.receive(answer[...], nowNanoseconds: MonotonicClock.nowNanoseconds)
                if let time { return time }
            } catch {
                self.stream.reset()
                throw error
            }
        }
    }

    /// Ends the stream.
    package func close() { self.stream.finishAndDiscard(upTo: 0) }
}

extension Host {
    /// Opens a stream for pings.
    package func openPing(to peer: PeerID) async throws(HostError) -> PingStream {
        PingStream(try await self.openStream(to: peer, protocols: [Ping.protocolID]))
    }

    /// Measures one round trip to a peer, in nanoseconds, with a time-out of ``Ping/timeoutMilliseconds``.
    package func ping(_ peer: PeerID) async throws -> UInt64 {
        let stream = try await self.openStream(to: peer, protocols: [Ping.protocolID])
        let deadline = Task(executorPreference: self.loop.taskExecutor) { [loop] in
            try await loop.sleep(milliseconds: Ping.timeoutMilliseconds)
            stream.reset()
        }
        defer { deadline.cancel() }
        let ping = PingStream(stream)
        let time = try await ping.ping()
        ping.close()
        return time
    }

    func registerPing() {
        self.handle(Ping.protocolID, maximumStreamsPerPeer: Ping.inboundStreamLimit) { stream in
            var responder = PingResponder()
            while let bytes = try await stream.read(upTo: 4_096) {
                try await stream.write(responder.receive(bytes[...]))
            }
        }
    }
}
