import Identity
import Mesh
import TestKit
import Testing
import Wire

@Suite("The names of workers") struct NamingTests {
    struct Vectors: Decodable {
        let publisherSeed, publisher, name, worker, descriptorKey, nodeKey, hostKey, nameKey, tag, tagKey: String
        let valid, invalid: [String]
    }

    let vectors: Vectors

    init() throws { self.vectors = try Repository.vectors("Specs/vectors/naming.json", as: Vectors.self) }

    @Test("are written and read as specified") func readsAndWrites() throws {
        let key = try KeyPair(seed: bytes(self.vectors.publisherSeed))
        let worker = try WorkerName(publisher: key.peerID, name: self.vectors.name)
        #expect(key.peerID.description == self.vectors.publisher)
        #expect(worker.description == self.vectors.worker)
        for text in self.vectors.valid { #expect(try WorkerName(text).description == text) }
        for text in self.vectors.invalid { #expect(throws: IdentityError.self, "\(text)") { try WorkerName(text) } }
    }

    @Test("lead to the specified keys of the table") func derivesKeys() throws {
        let worker = try WorkerName(self.vectors.worker)
        #expect(MeshKey.descriptor(of: worker) == Array(self.vectors.descriptorKey.utf8))
        #expect(MeshKey.node(worker.publisher) == Array(self.vectors.nodeKey.utf8))
        #expect(MeshKey.hosts(of: worker).hexadecimal == self.vectors.hostKey)
        #expect(MeshKey.name(worker.name).hexadecimal == self.vectors.nameKey)
        #expect(MeshKey.tag(self.vectors.tag).hexadecimal == self.vectors.tagKey)
    }
}

@Suite("A text from outside") struct WorkerTextTests {
    @Test("is a tag only in lower case, up to 32 characters") func tags() {
        for tag in ["a", "0", "a-b", "a-", String(repeating: "a", count: 32)] { #expect(WorkerText.isTag(tag)) }
        for tag in ["", "-a", "A", "a b", "ä", "a.b", String(repeating: "a", count: 33)] {
            #expect(!WorkerText.isTag(tag), "\(tag)")
        }
    }

    @Test("is a method up to 64 characters") func methods() {
        for method in ["run", "a/b", "A.b_c-d", String(repeating: "m", count: 64)] {
            #expect(WorkerText.isMethod(method))
        }
        for method in ["", "a b", "a\n", "é", String(repeating: "m", count: 65)] {
            #expect(!WorkerText.isMethod(method), "\(method)")
        }
    }

    @Test("never carries what a terminal obeys") func controls() {
        for scalar in ["\u{1b}", "\u{0}", "\u{7f}", "\u{9b}", "\u{202e}", "\u{2066}", "\u{2028}", "\n", "\r"] {
            #expect(!WorkerText.isPrintable("a\(scalar)b", limit: 100))
            #expect(WorkerText.printable("a\(scalar)b") == "a\u{FFFD}b")
        }
        #expect(WorkerText.printable("grüße 👋") == "grüße 👋")
    }

    @Test("is cut at the end of a character") func cuts() {
        #expect(WorkerText.cut("abc", to: 3) == "abc")
        #expect(WorkerText.cut("abcd", to: 3) == "abc")
        #expect(WorkerText.cut("aé", to: 2) == "a")
        #expect(WorkerText.cut("👋👋", to: 7) == "👋")
    }
}
