import Identity
import Libuv
import Mesh
import Wire

/// The bounds of serving releases (Specs/blocks.md, section 2).
enum BlockServing {
    /// How long a transfer may move no byte, in milliseconds.
    static let idleMilliseconds: UInt64 = 30_000
}

extension Agent {
    func serveBlock(_ stream: any MeshStream) async {
        guard self.inbound.begin(.block, of: stream.peer) else {
            await self.refuseBlock(stream, .resourceExhausted)
            return
        }
        defer { self.inbound.end(.block, of: stream.peer) }
        let watchdog = StreamGuard(stream, on: self.loop, milliseconds: BlockServing.idleMilliseconds)
        defer { watchdog.end() }
        do {
            var reader = MessageReader(stream)
            let query = try BlockQuery(payload: try await reader.message(limit: BlockQuery.maximumBytes))
            guard self.mayHave(query, stream.peer),
                let file = try? await ArchiveFile.open(self.archives.path(of: query.cid))
            else { return await self.refuseBlock(stream, .notFound) }
            guard query.offset <= file.size else { return await self.refuseBlock(stream, .invalidArgument) }
            try await stream.writeMessage(BlockHeader.content(size: file.size).payload)
            var offset = query.offset
            while offset < file.size {
                let bytes = try await file.read(at: offset)
                guard !bytes.isEmpty else { return stream.reset() }
                try await stream.write(bytes)
                watchdog.touch()
                offset += UInt64(bytes.count)
            }
            try await stream.finishWriting()
            guard try await reader.bytes() == nil else { return stream.reset() }
        } catch {
            stream.reset()
        }
    }

    /// Whether a peer may have a release: it is one of a public worker here, or the peer shows a host grant for it.
    private func mayHave(_ query: BlockQuery, _ peer: PeerID) -> Bool {
        let entries = self.own.values.map(\.entry) + self.guests.values.map(\.entry)
        return entries.contains { entry in
            let content = entry.descriptor.content
            guard content.release.cid == query.cid else { return false }
            return content.visibility == .public
                || query.isCredential(for: content.worker, peer: peer, unixMilliseconds: self.now)
        }
    }

    private func refuseBlock(_ stream: any MeshStream, _ status: CallStatus) async {
        do throws(NetworkError) {
            try await stream.writeMessage(BlockHeader.refused(status).payload)
            try await stream.finishWriting()
        } catch {
            stream.reset()
        }
    }
}
