import ControlAPI
import Foundation
import Glibc
import TestKit
import Testing

@Suite("A devnet") struct DevnetTests {
    private struct Member: Decodable {
        var data: String
        var peerID: String
        var addresses: [String]
        var api: String?
        var pid: Int32
        var state: String
    }

    private static func members(_ text: String) throws -> [Member] {
        try JSONDecoder().decode([Member].self, from: Data(text.utf8))
    }

    /// Whether the process runs; one that only waits for its parent to take notice does not.
    private static func isAlive(_ pid: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return !(stat.split(separator: ")").last?.hasPrefix(" Z") ?? true)
    }

    @Test("comes up connected, injects faults, and goes down without a trace") func lifecycle() async throws {
        let base = try TemporaryFolder()
        let up = try await Program.dsmp(
            "devnet", "up", "-n", "4", "--fault", "2=crash", "--fault", "3=freeze", "--json", data: base.path)
        try #require(up.status == 0, "\(up.errors)")
        let members = try Self.members(up.text)
        #expect(members.map(\.state) == ["running", "running", "crashed", "frozen"])
        #expect(Set(members.map(\.peerID)).count == 4)
        #expect(members.allSatisfy { !$0.addresses.isEmpty && $0.api == nil })
        #expect(up.text.contains("\"api\" : null"))
        let again = try await Program.dsmp("devnet", "up", data: base.path)
        #expect(again.status == 1 && again.errors.contains("devnet down"), "\(again.errors)")
        let status = try await Program.dsmp("devnet", "status", "--json", data: base.path)
        #expect(try Self.members(status.text).map(\.state) == ["running", "running", "crashed", "frozen"])
        let down = try await Program.dsmp("devnet", "down", "--json", data: base.path)
        #expect(down.status == 0, "\(down.errors)")
        for member in members { #expect(!Self.isAlive(member.pid), "process \(member.pid) is still there") }
        #expect(!FileManager.default.fileExists(atPath: base.file("devnet")))
        #expect(try await Program.dsmp("devnet", "down", data: base.path).status == 0)
    }

    @Test("is not fooled by a number that now means another process") func staleNumber() async throws {
        let base = try TemporaryFolder()
        try #require(try await Program.dsmp("devnet", "up", "-n", "1", data: base.path).status == 0)
        let file = base.file("devnet/devnet.json")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let agent = try #require(try Self.members(text).first)
        kill(agent.pid, SIGKILL)
        let bystander = Process()
        bystander.executableURL = URL(filePath: "/bin/sleep")
        bystander.arguments = ["600"]
        try bystander.run()
        defer { kill(bystander.processIdentifier, SIGKILL) }
        try text.replacing("\"pid\":\(agent.pid)", with: "\"pid\":\(bystander.processIdentifier)")
            .write(toFile: file, atomically: true, encoding: .utf8)
        let down = try await Program.dsmp("devnet", "down", data: base.path)
        #expect(down.status == 0 && down.text.contains("no agent was running"), "\(down.errors)\(down.text)")
        #expect(bystander.isRunning)
    }
}
