import Commands
import Glibc
import TestKit
import Testing

@Suite("A devnet's parts") struct DevnetTests {
    @Test(
        "parse faults",
        arguments: [
            ("2=crash", 2, "crash"), ("0=freeze", 0, "freeze"), ("2", nil, nil), ("x=crash", nil, nil),
            ("2=fire", nil, nil), ("-1=crash", nil, nil), ("2=crash=x", nil, nil), ("=crash", nil, nil),
        ] as [(String, Int?, String?)])
    func faults(text: String, index: Int?, kind: String?) {
        let fault = DevnetFault(argument: text)
        #expect(fault?.index == index)
        #expect(fault?.kind.rawValue == kind)
    }

    @Test("end a process that asks for time, and one that ignores the question") func ends() throws {
        let folder = try TemporaryFolder()
        for script in ["exec sleep 600", "trap '' TERM; echo ready; while :; do sleep 600; done"] {
            let process = try DetachedProcess.start("/bin/sh", ["-c", script], log: folder.file("log"))
            #expect(process.isRunning)
            #expect(getsid(process.pid) == process.pid || !process.isRunning)
            #expect(process.end(patienceMilliseconds: 200))
            #expect(!process.isRunning)
            #expect(!process.end(patienceMilliseconds: 200))
        }
    }

    @Test("never signal another process that was given an old number") func reusedNumber() throws {
        let folder = try TemporaryFolder()
        let process = try DetachedProcess.start("/bin/sleep", ["600"], log: folder.file("log"))
        let older = DetachedProcess(pid: process.pid, startTicks: process.startTicks &- 1)
        #expect(!older.isRunning)
        #expect(!older.send(SIGKILL))
        #expect(!older.end(patienceMilliseconds: 0))
        #expect(process.isRunning)
        #expect(process.end(patienceMilliseconds: 1_000))
    }

    @Test("say why a program does not start") func missingProgram() throws {
        let folder = try TemporaryFolder()
        #expect(throws: (any Error).self) {
            try DetachedProcess.start("/does/not/exist", [], log: folder.file("log"))
        }
    }
}
