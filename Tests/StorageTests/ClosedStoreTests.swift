import Foundation
import Storage
import Testing

@Suite("A closed store") struct ClosedStoreTests {
    @Test("refuses what comes later and what still waits for its turn") func refuses() async throws {
        let path = NSTemporaryDirectory() + "dsmp-closed-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder.open(path)
        let store = try AgentStore(in: folder, peerID: "peer")
        // Some are answered and some refused; that each comes to an end is the claim.
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<64 { group.addTask { _ = try? await store.publishedWorkers() } }
            try? store.close()
        }
        await #expect(throws: StorageError.self) { _ = try await store.publishedWorkers() }
        #expect(throws: StorageError.self) { try AgentStore(in: folder, peerID: "another") }
    }
}
