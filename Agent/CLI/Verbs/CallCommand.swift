import ArgumentParser
import ControlAPI
import ControlClient

struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Call a method of a worker; its result goes to standard output.",
        discussion: """
            dsmp call dsmp://12D3Koo.../digest sha256 --input movie.mkv
            echo 'SELECT count(*) FROM files' | dsmp call query sql --input -
            dsmp call sort sort --input words.txt --deadline 30 >sorted.txt

            A bare name means a worker of this agent or one you subscribed to, never a stranger's.
            Without --input the input is empty. A result that is not whole is followed by exit status 1, 3 or 4.
            """)

    @OptionGroup var agent: AgentOptions
    @Flag(name: .long, help: "Print a failure as JSON; the result is printed as it is.")
    var json = false
    @Argument(help: "The worker, in full or by its name.")
    var worker: String
    @Argument(help: "One of its methods: see `dsmp worker show WORKER`.")
    var method: String
    @Option(help: ArgumentHelp("What to send; - is standard input.", valueName: "file"))
    var input: String?
    @Flag(help: "Send standard input piece by piece as it comes, for a dialogue.")
    var stream = false
    @Option(help: ArgumentHelp("End the call after this long.", valueName: "seconds"))
    var deadline: Double?
    @Option(
        help: ArgumentHelp(
            "Lets another host repeat the call when one fails; equal calls have equal keys.", valueName: "text"))
    var idempotencyKey: String?
    @Option(help: ArgumentHelp("W3C trace context to hand on.", valueName: "traceparent"))
    var traceParent: String?

    func validate() throws {
        if let deadline, !(deadline >= 0.001 && deadline <= 86_400) {
            throw ValidationError("--deadline takes 0.001 to 86400 seconds")
        }
        if let key = self.idempotencyKey, !(1...64 ~= key.utf8.count && key.utf8.allSatisfy { 0x21...0x7e ~= $0 }) {
            throw ValidationError("--idempotency-key takes 1 to 64 printable ASCII characters")
        }
        if let trace = self.traceParent, !(1...64 ~= trace.utf8.count && trace.utf8.allSatisfy { 0x21...0x7e ~= $0 }) {
            throw ValidationError("--trace-parent takes a W3C traceparent")
        }
        if self.stream, self.input != "-" { throw ValidationError("--stream needs --input -") }
    }

    func run() async throws {
        let request = CallRequest(
            worker: self.worker, method: self.method,
            deadlineMilliseconds: self.deadline.map { UInt32($0 * 1_000) } ?? 0,
            idempotencyKey: Array((self.idempotencyKey ?? "").utf8), traceParent: self.traceParent ?? "")
        let input = try FileInput.open(self.input, streams: self.stream)
        let progress = ProgressBar(title: "sent", total: input.byteCount)
        defer { progress.finish() }
        try await self.agent.client.call(
            request, input: input, sent: { progress.update($0) },
            output: { piece throws(ControlError) in try Printer.write(piece) })
    }
}
