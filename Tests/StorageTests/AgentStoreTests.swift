import Foundation
import GRDB
import Storage
import TestKit
import Testing

@Suite("The agent's store") struct AgentStoreTests {
    @Test("keeps settings and trusted libraries") func settings() async throws {
        let files = try StoreFiles()
        let store = try files.open()
        #expect(try await store.setting("colour") == nil)
        try await store.setSetting("colour", "red")
        try await store.setSetting("colour", "blue")
        for digest in ["bb", "aa", "aa"] { try await store.trustLibrary(digest) }
        try store.close()
        let again = try files.open()
        #expect(try await again.setting("colour") == "blue")
        #expect(try await again.trustedLibraries() == ["aa", "bb"])
        try await again.distrustLibrary("aa")
        #expect(try await again.trustedLibraries() == ["bb"])
        try again.close()
    }

    @Test("never gives a number twice, also after a restart") func counters() async throws {
        let files = try StoreFiles()
        let store = try files.open()
        #expect(try await store.nextSequence("a") == 1)
        #expect(try await store.nextSequence("a") == 2)
        #expect(try await store.nextSequence("b", atLeast: 1_000) == 1_000)
        try store.close()
        let again = try files.open()
        #expect(try await again.nextSequence("a") == 3)
        #expect(try await again.nextSequence("b", atLeast: 5) == 1_001)
        #expect(try await again.nextSequence("b", atLeast: .max) == .max)
        let error = await #expect(throws: StorageError.self) { try await again.nextSequence("b") }
        #expect(error == .counterExhausted(name: "b"))
        try again.close()
    }

    @Test("keeps published workers and their group's secrets") func published() async throws {
        var worker = StoredPublishedWorker(
            name: "digest", manifest: [1, 2], release: "bafk", descriptor: [3], sequence: .max, isPrivate: true,
            folder: "/w/digest")
        let secrets = (1...UInt64(AgentStore.keptEpochs + 2)).map {
            StoredGroupSecret(worker: "digest", epoch: $0, secret: [UInt8($0)], locationSeed: [9])
        }
        let files = try StoreFiles()
        let store = try files.open()
        worker.sequence = 1
        try await store.keepPublishedWorker(worker)
        worker.sequence = .max
        try await store.keepPublishedWorker(worker)
        for secret in secrets { try await store.keepGroupSecret(secret) }
        try store.close()
        let again = try files.open()
        #expect(try await again.publishedWorkers() == [worker])
        #expect(try await again.groupSecrets(of: "digest") == Array(secrets.reversed().prefix(AgentStore.keptEpochs)))
        #expect(try await again.groupSecrets(of: "other").isEmpty)
        try await again.removePublishedWorker("digest")
        #expect(try await again.publishedWorkers().isEmpty)
        #expect(try await again.groupSecrets(of: "digest").count == AgentStore.keptEpochs)
        try again.close()
    }

    @Test("keeps hosted workers and memberships") func hosted() async throws {
        let worker = StoredHostedWorker(worker: "dsmp://a/w", release: "bafk", grant: [1], descriptor: [2, 3])
        let membership = StoredMembership(worker: "dsmp://a/p", epoch: 3, secret: [4], location: [5])
        let files = try StoreFiles()
        let store = try files.open()
        try await store.keepHostedWorker(worker)
        try await store.keepMembership(membership)
        try store.close()
        let again = try files.open()
        #expect(try await again.hostedWorkers() == [worker])
        #expect(try await again.memberships() == [membership])
        try await again.removeHostedWorker("dsmp://a/w")
        try await again.removeMembership("dsmp://a/p")
        #expect(try await again.hostedWorkers().isEmpty)
        #expect(try await again.memberships().isEmpty)
        try again.close()
    }

    @Test("keeps grants, and rotates a secret together with them") func grants() async throws {
        let host = StoredGrant(
            worker: "w", peer: "p", role: .host, release: "bafk", envelope: [1], sequence: 1,
            expiresUnixMilliseconds: 99)
        var consumer = StoredGrant(
            worker: "w", peer: "p", role: .consumer, release: nil, envelope: [], sequence: 2,
            expiresUnixMilliseconds: 98)
        let secret = StoredGroupSecret(worker: "w", epoch: 2, secret: [1], locationSeed: [2])
        let files = try StoreFiles()
        let store = try files.open()
        try await store.keepGrants([host, consumer])
        consumer.isRevoked = true
        try await store.rotate(secret, grants: [consumer])
        try store.close()
        let again = try files.open()
        #expect(try await again.grants(of: "w") == [consumer, host])
        #expect(try await again.groupSecrets(of: "w") == [secret])
        try await again.removeGrant(worker: "w", peer: "p", role: .consumer)
        #expect(try await again.grants(of: "w") == [host])
        try again.close()
    }

    @Test("keeps subscriptions from both sides") func subscriptions() async throws {
        var own = StoredSubscription(
            consumer: "me", worker: "dsmp://a/w", nonce: [1], sequence: 1, envelope: [1], receipt: nil,
            isCancelled: false)
        let other = StoredSubscription(
            consumer: "you", worker: "dsmp://a/w", nonce: [1], sequence: 1, envelope: [2], receipt: [3],
            isCancelled: true)
        let files = try StoreFiles()
        let store = try files.open()
        try await store.keepSubscription(own)
        own.sequence = 2
        own.receipt = [9]
        try await store.keepSubscription(own)
        try await store.keepSubscription(other)
        try store.close()
        let again = try files.open()
        #expect(try await again.subscriptions(of: "me") == [own])
        #expect(try await again.subscriptions(to: "dsmp://a/w") == [own, other])
        #expect(try await again.subscriptionCount(to: "dsmp://a/w") == 2)
        try again.close()
    }

    @Test("is readable by its owner alone") func modes() async throws {
        let base = try TemporaryFolder()
        let store = try AgentStore(in: DataFolder.open(base.path), peerID: "me")
        try await store.setSetting("a", "b")
        for name in ["agent.sqlite", "agent.sqlite-wal", "agent.sqlite-shm"] {
            #expect(base.mode(of: name) == 0o600, "\(name)")
        }
        try store.close()
    }

    @Test("of another identity is refused") func otherIdentity() throws {
        let base = try TemporaryFolder()
        let folder = try DataFolder.open(base.path)
        try AgentStore(in: folder, peerID: "me").close()
        let error = #expect(throws: StorageError.self) { try AgentStore(in: folder, peerID: "you") }
        #expect(error == .otherIdentity(stored: "me", own: "you"))
    }

    @Test("of a newer version is refused and left as it is") func newerVersion() async throws {
        let base = try TemporaryFolder()
        let folder = try DataFolder.open(base.path)
        try AgentStore(in: folder, peerID: "me").close()
        let queue = try DatabaseQueue(path: base.file(AgentStore.fileName))
        try await queue.write { database in
            try database.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('9999 from the future')")
        }
        try queue.close()
        let error = #expect(throws: StorageError.self) { try AgentStore(in: folder, peerID: "me") }
        #expect(error == .newerVersion(path: base.file(AgentStore.fileName)))
        #expect(error?.description.contains("newer version of dsmp") == true)
    }

    @Test("that is damaged is refused and left as it is") func damaged() throws {
        let base = try TemporaryFolder()
        let path = base.file(AgentStore.fileName)
        let garbage = Data((0..<8_192).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) })
        try garbage.write(to: URL(filePath: path))
        let folder = try DataFolder.open(base.path)
        let error = #expect(throws: StorageError.self) { try AgentStore(in: folder, peerID: "me") }
        guard case .corrupt = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == garbage)
    }

    @Test("survives kill -9 with everything it acknowledged", arguments: [1, 40]) func crash(lines: Int) async throws {
        let base = try TemporaryFolder()
        let acknowledged = try await CrashChild.run(folder: base.path, killedAfterLines: lines)
        #expect(acknowledged >= UInt64(lines))
        let store = try AgentStore(in: DataFolder.open(base.path), peerID: "me")
        let workers = try await store.hostedWorkers()
        #expect(workers.count >= Int(acknowledged))
        for number in 1...acknowledged {
            #expect(workers.contains { $0.worker == "dsmp://peer/w\(number)" && $0.release == "bafk\(number)" })
        }
        #expect(try await store.nextSequence("worker") > acknowledged)
        try store.close()
    }
}

/// The files of one store, opened more than once.
struct StoreFiles {
    let base: TemporaryFolder
    let folder: DataFolder

    init() throws {
        self.base = try TemporaryFolder()
        self.folder = try DataFolder.open(self.base.path)
    }

    func open() throws -> AgentStore { try AgentStore(in: self.folder, peerID: "me") }
}
