// A small agent for the sandbox's tests: runs one program in a jail and ends with its status. The tests end it by force,
// start it as an ordinary user, and measure with it.
//
//     sandbox-probe [--profile P] [--bind B]... [--protect PATH]... [--repeat N] -- PROGRAM ARG...
//
// With --repeat it runs the program N times and then looks for what the runs left behind.

import Glibc
import Launching
import Libuv
import Policy

private func standardError(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
}

private func usage(_ problem: String) -> Never {
    standardError(problem)
    exit(2)
}

var words = CommandLine.arguments.dropFirst()
var profile = SandboxProfile.strict
var binds: [String] = []
var protected: [String] = []
var count = 0
while let option = words.popFirst(), option != "--" {
    guard let value = words.popFirst() else { usage("\(option) needs a value") }
    switch option {
    case "--profile":
        guard let named = SandboxProfile(rawValue: value) else { usage("no profile \(value)") }
        profile = named
    case "--bind": binds.append(value)
    case "--protect": protected.append(value)
    case "--repeat": count = Int(value) ?? 0
    default: usage("unknown option \(option)")
    }
}
guard let program = words.popFirst() else { usage("no program") }
guard let folder = unsafe getcwd(nil, 0) else { usage("no working directory") }
var run = SandboxRun(
    program: program, currentFolder: unsafe String(cString: folder), protected: try ProtectedPaths(own: protected))
run.profile = profile
run.binds = binds
run.arguments = Array(words)
let loop = EventLoop()
if count > 0 { exit(await Leaks.look(after: run, count: count, on: loop)) }
let outcome = await run.run(on: loop)
if let problem = outcome.problem { standardError(problem) }
exit(outcome.exitStatus)
