import Identity
import Mesh
import TestKit
import Testing

@Suite("A catalog") struct CatalogTests {
    let publisher: KeyPair
    let host: PeerID
    let now = MeshFixture.issued + 1_000

    init() throws {
        self.publisher = try MeshFixture.key(1)
        self.host = try MeshFixture.key(2).peerID
    }

    private func ask(
        _ query: CatalogQuery, of hosted: [CatalogEntry], from host: PeerID? = nil, now: UInt64? = nil
    ) throws -> [String] {
        let read = try CatalogQuery(payload: query.payload)
        #expect(read == query)
        let answer = CatalogAnswer(to: read, hosted: hosted, unixMilliseconds: now ?? self.now)
        #expect(answer.payload.count <= CatalogAnswer.maximumBytes)
        let seen = try CatalogAnswer(
            payload: answer.payload, to: query, from: host ?? self.host, unixMilliseconds: now ?? self.now)
        return seen.entries.map(\.descriptor.content.worker.name)
    }

    @Test("answers by full name, name, tag and text, in order") func queries() throws {
        let hosted = try [
            MeshFixture.entry("words", by: self.publisher, at: self.host, tags: ["text"]),
            MeshFixture.entry("digest", by: self.publisher, at: self.host, tags: ["hash", "text"]),
        ]
        let worker = hosted[0].descriptor.content.worker
        #expect(try self.ask(CatalogQuery(.worker(worker)), of: hosted) == ["words"])
        #expect(try self.ask(CatalogQuery(.name("digest")), of: hosted) == ["digest"])
        #expect(try self.ask(CatalogQuery(.name("dig")), of: hosted) == [])
        #expect(try self.ask(CatalogQuery(.tag("text")), of: hosted) == ["digest", "words"])
        #expect(try self.ask(CatalogQuery(.tag("none")), of: hosted) == [])
        #expect(try self.ask(CatalogQuery(.text("WORD")), of: hosted) == ["words"])
        #expect(try self.ask(CatalogQuery(.text("has")), of: hosted) == ["digest"])
        #expect(try self.ask(CatalogQuery(.text("digests what")), of: hosted) == ["digest", "words"])
        #expect(try self.ask(CatalogQuery(.text("")), of: hosted) == ["digest", "words"])
        #expect(try self.ask(CatalogQuery(.text(""), limit: 1), of: hosted) == ["digest"])
    }

    @Test("never names a private worker, except to a proof") func privateWorkers() throws {
        let hosted = [try MeshFixture.entry("sauce", by: self.publisher, at: self.host, visibility: .private)]
        let worker = hosted[0].descriptor.content.worker
        for subject in [CatalogQuery.Subject.worker(worker), .name("sauce"), .tag("hash"), .text("sauce"), .text("")] {
            let answer = CatalogAnswer(to: CatalogQuery(subject), hosted: hosted, unixMilliseconds: self.now)
            let empty = CatalogAnswer(to: CatalogQuery(subject), hosted: [], unixMilliseconds: self.now)
            #expect(answer.payload == empty.payload)
        }
        let query = CatalogQuery(.membership([UInt8](repeating: 1, count: 32)))
        let answer = CatalogAnswer(to: query, hosted: hosted, unixMilliseconds: self.now)
        let seen = try CatalogAnswer(
            payload: answer.payload, to: query, from: self.host, private: worker, unixMilliseconds: self.now)
        #expect(seen.entries == hosted)
        let other = try WorkerName(publisher: self.publisher.peerID, name: "other")
        let unwanted = try CatalogAnswer(
            payload: answer.payload, to: query, from: self.host, private: other, unixMilliseconds: self.now)
        #expect(unwanted.entries.isEmpty)
    }

    @Test("is believed only for the host that answers, for what was asked, and now") func verification() throws {
        let hosted = [try MeshFixture.entry(by: self.publisher, at: self.host)]
        let stranger = try MeshFixture.key(3).peerID
        #expect(try self.ask(CatalogQuery(.name("digest")), of: hosted, from: stranger) == [])
        let expiry = hosted[0].descriptor.content.expires
        #expect(try self.ask(CatalogQuery(.name("digest")), of: hosted, now: expiry) == [])
        let answer = CatalogAnswer(to: CatalogQuery(.name("digest")), hosted: hosted, unixMilliseconds: self.now)
        let asked = CatalogQuery(.name("other"))
        let seen = try CatalogAnswer(payload: answer.payload, to: asked, from: self.host, unixMilliseconds: self.now)
        #expect(seen.entries.isEmpty)
    }

    @Test("drops an entry with an expired or revoked grant and keeps the others") func dropsBadEntries() throws {
        let good = try MeshFixture.entry("good", by: self.publisher, at: self.host)
        let revoked = CatalogEntry(
            descriptor: try MeshFixture.descriptor("revoked", by: self.publisher, grantFloor: 9),
            grant: try MeshFixture.grant("revoked", by: self.publisher, to: self.host, sequence: 8))
        let swapped = CatalogEntry(
            descriptor: try MeshFixture.descriptor("swapped", by: self.publisher), grant: good.grant)
        let withdrawn = CatalogEntry(
            descriptor: try MeshFixture.descriptor("withdrawn", by: self.publisher, isWithdrawn: true),
            grant: try MeshFixture.grant("withdrawn", by: self.publisher, to: self.host))
        let names = try self.ask(CatalogQuery(.text("")), of: [revoked, swapped, withdrawn, good])
        #expect(names == ["good"])
    }

    @Test("answers with at most 24 entries and says that there are more") func bounded() throws {
        let hosted = try (0..<25).map { try MeshFixture.entry("w\($0)", by: self.publisher, at: self.host) }
        let query = CatalogQuery(.text(""), limit: 1_000)
        let answer = CatalogAnswer(to: query, hosted: hosted, unixMilliseconds: self.now)
        #expect(answer.entries.count == 24 && answer.hasMore)
        let whole = CatalogAnswer(to: query, hosted: Array(hosted.dropLast()), unixMilliseconds: self.now)
        #expect(whole.entries.count == 24 && !whole.hasMore)
    }

    @Test("refuses queries over their bounds") func refusesQueries() {
        #expect(throws: RecordRefusal.self) { _ = try CatalogQuery(payload: [UInt8](repeating: 0, count: 513)) }
        let text = CatalogQuery(.text(String(repeating: "a", count: 129)))
        #expect(throws: RecordRefusal.self) { _ = try CatalogQuery(payload: text.payload) }
        let proof = CatalogQuery(.membership([1]))
        #expect(throws: RecordRefusal.self) { _ = try CatalogQuery(payload: proof.payload) }
        #expect(throws: RecordRefusal.self) { _ = try CatalogQuery(payload: CatalogQuery(.tag("A B")).payload) }
    }
}

@Suite("Grants and blocks on the wire") struct GrantExchangeTests {
    let publisher: KeyPair
    let host: PeerID
    let now = MeshFixture.issued + 1_000

    init() throws {
        self.publisher = try MeshFixture.key(1)
        self.host = try MeshFixture.key(2).peerID
    }

    @Test("are written and read back") func roundTrips() throws {
        let secret = try GroupSecret(
            epoch: 3, secret: [UInt8](repeating: 5, count: 32), location: MeshFixture.key(4).publicKey.data)
        let bundle = GrantBundle(
            descriptor: try MeshFixture.descriptor(by: self.publisher, visibility: .private),
            grant: try MeshFixture.grant(by: self.publisher, to: self.host), secret: secret)
        let worker = bundle.descriptor.content.worker
        for query in [GrantQuery.get(worker), .put(bundle)] {
            #expect(try GrantQuery(payload: query.payload) == query)
        }
        for answer in [GrantAnswer.bundle(bundle), .received, .notFound] {
            #expect(try GrantAnswer(payload: answer.payload) == answer)
        }
        let block = BlockQuery(cid: try MeshFixture.cid(), offset: 77, grant: bundle.grant.envelope)
        #expect(try BlockQuery(payload: block.payload) == block)
        for header in [BlockHeader.content(size: 0), .content(size: 1 << 40), .refused(.notFound)] {
            #expect(try BlockHeader(payload: header.payload) == header)
        }
        try bundle.check(worker: worker, host: self.host, unixMilliseconds: self.now)
    }

    @Test("count only as a whole: one worker, one release, this host, a secret where one belongs") func checks() throws
    {
        let descriptor = try MeshFixture.descriptor(by: self.publisher)
        let worker = descriptor.content.worker
        let grant = try MeshFixture.grant(by: self.publisher, to: self.host)
        let otherRelease = try MeshFixture.grant(by: self.publisher, to: self.host, release: MeshFixture.cid("two"))
        let secret = try GroupSecret(
            epoch: 1, secret: [UInt8](repeating: 5, count: 32), location: MeshFixture.key(4).publicKey.data)
        let stranger = try MeshFixture.key(3).peerID
        func refusal(_ bundle: GrantBundle, host: PeerID? = nil) -> HostCheck.Refusal? {
            do throws(HostCheck.Refusal) {
                try bundle.check(worker: worker, host: host ?? self.host, unixMilliseconds: self.now)
                return nil
            } catch { return error }
        }
        #expect(refusal(GrantBundle(descriptor: descriptor, grant: grant)) == nil)
        #expect(refusal(GrantBundle(descriptor: descriptor, grant: grant), host: stranger) == .otherHost)
        #expect(refusal(GrantBundle(descriptor: descriptor, grant: otherRelease)) != nil)
        #expect(refusal(GrantBundle(descriptor: descriptor, grant: grant, secret: secret)) != nil)
        let other = GrantBundle(
            descriptor: try MeshFixture.descriptor("other", by: self.publisher),
            grant: try MeshFixture.grant("other", by: self.publisher, to: self.host))
        #expect(refusal(other) == .otherWorker)
    }

    @Test("let only a granted host have the archive of a private worker") func credentials() throws {
        let worker = try WorkerName(publisher: self.publisher.peerID, name: "digest")
        let grant = try MeshFixture.grant(by: self.publisher, to: self.host)
        let stranger = try MeshFixture.key(3)
        let forged = try MeshFixture.grant(by: stranger, to: self.host)
        func admits(_ envelope: [UInt8], cid: String = "archive", peer: PeerID? = nil, now: UInt64? = nil) throws
            -> Bool
        {
            BlockQuery(cid: try MeshFixture.cid(cid), grant: envelope).isCredential(
                for: worker, peer: peer ?? self.host, unixMilliseconds: now ?? self.now)
        }
        #expect(try admits(grant.envelope))
        #expect(try !admits(grant.envelope, peer: stranger.peerID))
        #expect(try !admits(grant.envelope, cid: "two"))
        #expect(try !admits(grant.envelope, now: grant.content.expires))
        #expect(try !admits(forged.envelope))
        #expect(try !admits([]))
    }

    @Test("are refused over their bounds, and never trap on noise") func hostile() throws {
        let oversized = [UInt8](repeating: 0, count: GrantQuery.maximumBytes + 1)
        #expect(throws: RecordRefusal.self) { _ = try GrantQuery(payload: oversized) }
        #expect(throws: RecordRefusal.self) { _ = try GrantAnswer(payload: oversized) }
        #expect(throws: RecordRefusal.self) { _ = try BlockQuery(payload: oversized) }
        #expect(throws: RecordRefusal.self) { _ = try BlockHeader(payload: [UInt8](repeating: 0, count: 257)) }
        for seed in 0..<UInt64(200) {
            var random = SplitMix64(seed: seed)
            let noise = random.bytes(Int.random(in: 0...200, using: &random))
            _ = try? GrantQuery(payload: noise)
            _ = try? GrantAnswer(payload: noise)
            _ = try? BlockQuery(payload: noise)
            _ = try? BlockHeader(payload: noise)
            _ = try? CatalogQuery(payload: noise)
            _ = try? GroupSecret.read(payload: noise)
            _ = try? SealedRecord(verifying: noise)
            _ = try? CatalogAnswer(
                payload: noise, to: CatalogQuery(.text("")), from: self.host, unixMilliseconds: self.now)
        }
    }
}
