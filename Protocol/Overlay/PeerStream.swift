package import Identity
import Libp2p
import Libuv
import Synchronization
import Wire

/// One stream with a peer, for one protocol: bytes in order in both directions, each direction ended on its own.
///
/// Use it from any task; from tasks on the loop (its actors, ``EventLoop/taskExecutor``) it costs no hop between threads.
/// One task may read while another writes. Back-pressure is built in: the peer may send only as much as was read, and
/// ``write(_:)`` returns when there is room. Dropping the last reference resets a stream that is not over.
package final class PeerStream: Sendable {
    /// Who is at the other end; authenticated.
    package let peer: PeerID
    /// What was agreed on.
    package let protocolID: String
    let core: StreamCore

    init(_ core: StreamCore, peer: PeerID, protocolID: String) {
        self.core = core
        self.peer = peer
        self.protocolID = protocolID
    }

    deinit {
        let core = self.core
        if core.loop.isCurrent { core.dropped() } else { core.loop.perform { core.dropped() } }
    }

    /// Reads what is there, or waits for it: at most `maximum` bytes, at least one. Nil when the peer has finished.
    package func read(upTo maximum: Int = 262_144) async throws(StreamError) -> [UInt8]? {
        try await self.perform(.some(maximum: maximum))
    }

    /// Reads exactly so many bytes.
    ///
    /// - Throws: ``StreamError/unexpectedEnd`` when the peer finishes before, ``StreamError`` when the stream is over.
    package func readExactly(_ count: Int) async throws(StreamError) -> [UInt8] {
        guard let bytes = try await self.perform(.exactly(count)) else { throw .unexpectedEnd }
        return bytes
    }

    /// Reads one message behind its length, an unsigned varint. Nil when the peer has finished.
    ///
    /// - Throws: ``StreamError/messageTooLong(limitBytes:)`` before anything of it is read; reset the stream then.
    package func readMessage(limit: Int) async throws(StreamError) -> [UInt8]? {
        try await self.perform(.message(limit: limit))
    }

    /// Sends bytes and returns when there is room for more. What one call writes is not mixed with another's.
    ///
    /// After ``StreamError/cancelled`` a part may have been sent: reset the stream.
    package func write(_ bytes: [UInt8]) async throws(StreamError) {
        guard !bytes.isEmpty else { return }
        let core = self.core
        var rest = bytes[...]
        let isOnLoop = core.loop.isCurrent
        if isOnLoop, let result = core.writeNow(&rest) { return try result.get() }
        let writer = StreamWriter(rest)
        if isOnLoop { core.write(writer) }
        let result = await withTaskCancellationHandler {
            await core.loop.settle { continuation in
                writer.wait(continuation)
                if !isOnLoop { core.write(writer) }
            }
        } onCancel: {
            core.loop.perform { core.cancelWrite(writer) }
        }
        try result.get()
    }

    /// Sends one message behind its length, an unsigned varint.
    package func writeMessage(_ message: [UInt8]) async throws(StreamError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(message.count + 4)
        bytes.appendLengthPrefixed(message)
        try await self.write(bytes)
    }

    /// Says that nothing more will be written, once what was written is sent. Reading still works.
    package func finishWriting() {
        let core = self.core
        if core.loop.isCurrent { core.finishWriting() } else { core.loop.perform { core.finishWriting() } }
    }

    /// Ends the stream in both directions at once; what was not sent is dropped, and whoever waits gets
    /// ``StreamError/closedLocally``.
    package func reset() {
        let core = self.core
        if core.loop.isCurrent { core.reset() } else { core.loop.perform { core.reset() } }
    }

    /// Received bytes that nobody has read. At most the stream's window, 16 MiB, and 64 MiB over all streams of a peer.
    package var unreadByteCount: Int {
        get async { await self.core.loop.settle { [core] in $0.resume(returning: core.inbox.count) } }
    }

    private func perform(_ request: StreamRead) async throws(StreamError) -> [UInt8]? {
        var request = request
        let core = self.core
        if core.loop.isCurrent, let result = core.readNow(&request) { return try result.get() }
        let ticket = StreamTicket()
        let begun = request
        let result = await withTaskCancellationHandler {
            await core.loop.settle { core.beginRead(begun, ticket, $0) }
        } onCancel: {
            ticket.isCancelled.store(true, ordering: .relaxed)
            core.loop.perform { core.cancelRead(ticket) }
        }
        return try result.get()
    }
}
