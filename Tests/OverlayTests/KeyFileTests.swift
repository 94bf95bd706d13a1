import Cryptography
import Foundation
import Glibc
import Identity
import Overlay
import Testing

@Suite("The key file") final class KeyFileTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/dsmp-key-file-XXXXXX\0".utf8CString.dropLast())
        template.append(0)
        let made = try #require(mkdtemp(&template))
        self.folder = String(cString: made)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.folder) }

    private var path: String { "\(self.folder)/\(KeyFile.name)" }
    private static func keyPair(_ number: UInt8 = 1) throws -> KeyPair {
        try KeyPair(seed: [UInt8](repeating: number, count: 32))
    }

    @Test("is made once, with mode 0600, and read again") func roundTrip() throws {
        let keyPair = try Self.keyPair()
        try KeyFile.create(self.path, keyPair)
        var status = stat()
        #expect(stat(self.path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(status.st_nlink == 1, "the temporary name is gone")
        #expect(try FileManager.default.contentsOfDirectory(atPath: self.folder) == [KeyFile.name])
        #expect(try KeyFile.read(self.path).peerID == keyPair.peerID)
    }

    @Test("is never replaced") func isKept() throws {
        let first = try Self.keyPair(1)
        try KeyFile.create(self.path, first)
        #expect(throws: KeyFileError.alreadyExists(path: self.path)) { try KeyFile.create(self.path, Self.keyPair(2)) }
        #expect(try KeyFile.read(self.path).peerID == first.peerID)
        #expect(try FileManager.default.contentsOfDirectory(atPath: self.folder) == [KeyFile.name])
    }

    @Test("is made at the first start alone") func readOrCreate() throws {
        let (made, isNew) = try KeyFile.readOrCreate(self.path) { [UInt8](repeating: 3, count: 32) }
        let (read, isNewAgain) = try KeyFile.readOrCreate(self.path) {
            Issue.record("a seed was asked for, although there is a key")
            return [UInt8](repeating: 4, count: 32)
        }
        #expect(isNew && !isNewAgain && made.peerID == read.peerID)
    }

    @Test("is one, however many processes start at once") func race() async throws {
        let path = self.path
        let ids = try await withThrowingTaskGroup(of: PeerID.self) { group in
            for number in UInt8(1)...8 {
                group.addTask { @concurrent in
                    try KeyFile.readOrCreate(path) { [UInt8](repeating: number, count: 32) }.keyPair.peerID
                }
            }
            return try await group.reduce(into: Set<PeerID>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: self.folder) == [KeyFile.name])
    }

    @Test("is refused when others may use it", arguments: [0o640, 0o604, 0o610, 0o666] as [mode_t])
    func refusesOpenFiles(mode: mode_t) throws {
        try KeyFile.create(self.path, Self.keyPair())
        #expect(chmod(self.path, mode) == 0)
        let error = KeyFileError.openToOthers(path: self.path, mode: mode)
        #expect(throws: error) { try KeyFile.read(self.path) }
        #expect(throws: error) { try KeyFile.readOrCreate(self.path) { [UInt8](repeating: 3, count: 32) } }
        #expect("\(error)".contains("chmod 600 \(self.path)"))
    }

    @Test("is refused when it holds something else") func refusesContent() throws {
        let key = try Self.keyPair().privateKeyProtobuf
        let contents: [[UInt8]] = [
            [], Array("garbage\n".utf8), Array(key.dropLast()), key + [0], [UInt8](repeating: 0, count: 256),
            [UInt8](repeating: 0, count: 1 << 20),
        ]
        for content in contents {
            try Data(content).write(to: URL(filePath: self.path))
            #expect(chmod(self.path, 0o600) == 0)
            do throws(KeyFileError) {
                _ = try KeyFile.read(self.path)
                Issue.record("\(content.count) bytes were taken for a key")
            } catch {
                guard case .malformed(self.path, _) = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test("is refused when it is no file, and nothing blocks") func refusesOthers() throws {
        #expect(throws: KeyFileError.missing(path: self.path)) { try KeyFile.read(self.path) }
        #expect(mkfifo(self.path, 0o600) == 0)
        #expect(throws: KeyFileError.notAFile(path: self.path)) { try KeyFile.read(self.path) }
        #expect(throws: KeyFileError.notAFile(path: self.folder)) { try KeyFile.read(self.folder) }
        let lost = "\(self.folder)/missing/\(KeyFile.name)"
        #expect(throws: KeyFileError.self) { try KeyFile.create(lost, Self.keyPair()) }
        #expect(throws: KeyFileError.self) { try KeyFile.readOrCreate(lost) { [UInt8](repeating: 3, count: 32) } }
        #expect(throws: KeyFileError.malformed(path: "\(self.folder)/new", .key(.wrongSeedLength(byteCount: 1)))) {
            try KeyFile.readOrCreate("\(self.folder)/new") { [1] }
        }
    }
}
