import Core
import Cryptography
import Identity
import Mesh
import Wire

/// A peer without an agent, which sends whatever a test wants.
struct RawPeer: Sendable {
    let key: KeyPair
    let network: MemoryNetwork

    /// A fresh peer on a mesh.
    init(on mesh: MemoryMesh) throws {
        self.key = try KeyPair(seed: SecureRandom.bytes(32))
        self.network = MemoryNetwork(mesh, self.key.peerID)
    }

    /// Sends the header of a call and its end, and returns every byte of the answer.
    func call(_ header: CallHeader, at host: PeerID) async throws -> [UInt8] {
        try await self.send(CallFrame.header(header).bytes + CallFrame.end.bytes, "/dsmp/call/1", at: host)
    }

    /// Asks a question and returns every byte of the answer.
    func ask(_ protocolID: String, _ question: [UInt8], at host: PeerID) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLengthPrefixed(question)
        return try await self.send(bytes, protocolID, at: host)
    }

    /// Sends bytes, finishes, and returns every byte that comes back.
    func send(_ bytes: [UInt8], _ protocolID: String, at host: PeerID) async throws -> [UInt8] {
        let stream = try await self.network.openStream(to: host, protocolID: protocolID)
        try await stream.write(bytes)
        try await stream.finishWriting()
        var answer: [UInt8] = []
        while let more = try await stream.read() { answer += more }
        return answer
    }
}
