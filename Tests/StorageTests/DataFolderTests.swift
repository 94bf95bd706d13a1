import Foundation
import Glibc
import Storage
import TestKit
import Testing

@Suite("A data folder") struct DataFolderTests {
    @Test("is made with those above it, for its owner alone") func made() throws {
        let base = try TemporaryFolder()
        let folder = try DataFolder.open(base.file("a/b/c"))
        #expect(base.mode(of: "a/b/c") == 0o700)
        #expect(try folder.subfolder("logs") == folder.path + "/logs")
        #expect(base.mode(of: "a/b/c/logs") == 0o700)
    }

    @Test("belongs to one agent at a time") func locked() throws {
        let base = try TemporaryFolder()
        do {
            let folder = try DataFolder.open(base.path)
            let error = #expect(throws: StorageError.self) { try DataFolder.open(base.path) }
            #expect(error == .inUse(path: folder.path, processID: getpid()))
            #expect(error?.description.contains("process \(getpid())") == true)
        }
        _ = try DataFolder.open(base.path)
    }

    @Test("is refused when others can enter it", arguments: [0o755, 0o750, 0o701])
    func open(mode: UInt32) throws {
        let base = try TemporaryFolder()
        chmod(base.path, mode)
        let error = #expect(throws: StorageError.self) { try DataFolder.open(base.path) }
        #expect(error == .tooOpen(path: base.path, mode: String(mode, radix: 8)))
    }

    @Test("is not a file") func file() throws {
        let base = try TemporaryFolder()
        try Data().write(to: URL(filePath: base.file("file")))
        #expect(throws: StorageError.self) { try DataFolder.open(base.file("file")) }
        #expect(throws: StorageError.self) { try DataFolder.open(base.file("file/below")) }
    }

    @Test("has an absolute path", arguments: [("/a/../b/./c", "/b/c"), ("/a//b/", "/a/b")])
    func absolute(path: String, expected: String) {
        #expect(DataFolder.absolute(path) == expected)
        #expect(DataFolder.absolute("x").hasPrefix("/"))
    }
}
