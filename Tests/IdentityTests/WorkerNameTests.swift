import Identity
import TestKit
import Testing
import Wire

@Suite("A worker's name") struct WorkerNameTests {
    @Test("is read in both forms of the publisher and written in one") func forms() throws {
        let peerID = try makeKeyPair().peerID
        let name = try WorkerName(publisher: peerID, name: "word-freq2")
        #expect(name.description == "dsmp://\(peerID)/word-freq2")
        #expect(try WorkerName(name.description) == name)
        #expect(try WorkerName("dsmp://\(peerID.cidText)/word-freq2") == name)
    }

    @Test("has 1 to 63 small letters, digits and hyphens", arguments: ["a", "0", "a-b", "a--b", "9z", "digest"])
    func accepts(name: String) throws {
        #expect(WorkerName.isName(name))
        let longest = String(repeating: "a", count: WorkerName.maximumNameCharacterCount)
        #expect(WorkerName.isName(longest) && !WorkerName.isName(longest + "a"))
        #expect(try WorkerName(publisher: makeKeyPair().peerID, name: name).name == name)
    }

    @Test(
        "is refused otherwise",
        arguments: ["", "-", "-a", "a-", "A", "a_b", "a.b", "a b", "ä", "a/b", "a\u{301}", "a\n", "\u{0}", "１"])
    func refuses(name: String) throws {
        let publisher = try makeKeyPair().peerID
        #expect(!WorkerName.isName(name))
        #expect(throws: IdentityError.self) { try WorkerName(publisher: publisher, name: name) }
        #expect(throws: IdentityError.self) { try WorkerName("dsmp://\(publisher)/\(name)") }
    }

    @Test("is refused without its publisher or scheme") func refusesParts() throws {
        let peerID = try makeKeyPair().peerID
        for text in [
            "", "digest", "dsmp://", "dsmp:///digest", "dsmp://\(peerID)", "dsmp://\(peerID)/a/b",
            "dsmp://\(peerID)/a/",
            "http://\(peerID)/a", "DSMP://\(peerID)/a", "dsmp:/\(peerID)/a", "/\(peerID)/a", "dsmp://x/a",
            "dsmp://\(peerID)/a" + String(repeating: "b", count: 300),
        ] {
            #expect(throws: IdentityError.self, "\(text)") { try WorkerName(text) }
        }
    }

    @Test("is ordered by publisher, then name") func order() throws {
        let peers = try [makeKeyPair(1).peerID, makeKeyPair(2).peerID].sorted()
        let names = try peers.flatMap { peer in try ["a", "b"].map { try WorkerName(publisher: peer, name: $0) } }
        #expect(names.shuffled().sorted() == names)
    }
}
