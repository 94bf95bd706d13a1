import Identity
import Libp2p
import Libuv
import Overlay
import Synchronization
import TestKit
import Testing
import Wire

/// A host on a loop of its own, listening on loopback.
struct TestHost: Sendable {
    let host: Host
    let loop: EventLoop

    var peerID: PeerID { self.host.peerID }

    /// Runs the body on the loop's thread, which its tasks do not leave.
    func onLoop<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
        try await Task(executorPreference: self.loop.taskExecutor) { try await body() }.value
    }
}

/// Where a test host listens before the kernel has chosen the port.
let loopbackAddress = "/ip4/127.0.0.1/tcp/0"

/// Runs a test with so many hosts, numbered, and checks that each ends with nothing left open.
func withHosts<R>(
    _ count: Int, sharingLoop: Bool = false, isListening: Bool = true,
    configure: (inout HostConfiguration) -> Void = { _ in }, _ body: ([TestHost]) async throws -> R
) async throws -> R {
    var hosts: [TestHost] = []
    var configuration = HostConfiguration()
    configure(&configuration)
    let shared = sharingLoop ? EventLoop() : nil
    for index in 0..<count {
        let identity = try KeyPair(seed: [UInt8](repeating: UInt8(index + 1), count: 32))
        let loop = shared ?? EventLoop()
        let host = try Host(identity: identity, on: loop, configuration: configuration)
        await host.start()
        if isListening { _ = try await host.listen(on: Multiaddr(loopbackAddress)) }
        hosts.append(TestHost(host: host, loop: loop))
    }
    let result: Result<R, any Error>
    do { result = .success(try await body(hosts)) } catch { result = .failure(error) }
    for test in hosts { await test.host.shutdown() }
    for loop in shared.map({ [$0] }) ?? hosts.map(\.loop) {
        #expect(await loop.stop() == EventLoop.StopReport(openHandleCount: 0, closeStatus: 0))
    }
    return try result.get()
}

extension TestHost {
    /// Connects to another test host and waits until it is identified.
    func connect(to other: TestHost) async throws {
        let addresses = await other.host.addresses
        try await self.host.connect(to: other.peerID, addresses: addresses)
        _ = try await self.host.description(of: other.peerID)
    }

    /// Waits for an event that fits, among those that a subscription gives.
    static func next<R>(_ events: AsyncStream<HostEvent>, _ match: (HostEvent) -> R?) async -> R? {
        for await event in events { if let found = match(event) { return found } }
        return nil
    }
}

let echoProtocol = "/dsmp-test/echo/1"
let sinkProtocol = "/dsmp-test/sink/1"

/// Sends back what comes.
let echo: StreamHandler = { stream in
    while let bytes = try await stream.read() { try await stream.write(bytes) }
}

/// Bytes that are the same for the same seed.
func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        let word = random.next()
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
}

/// Waits until a condition holds, looking again after each turn of a loop; an issue after ten seconds.
func eventually(
    _ loop: EventLoop, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async -> Bool
) async throws {
    let deadline = MonotonicClock.nowMilliseconds + 10_000
    while await !condition() {
        guard MonotonicClock.nowMilliseconds < deadline else {
            Issue.record("it did not happen within ten seconds", sourceLocation: sourceLocation)
            return
        }
        try await loop.sleep(milliseconds: 2)
    }
}

/// A connection below libp2p, for hostile peers.
///
/// Safety: used on one loop's thread alone.
final class RawPeer: @unchecked Sendable {
    let loop: EventLoop
    private var connection: TCPConnection?
    private(set) var received: [UInt8] = []
    private(set) var isEnded = false

    init(on loop: EventLoop) { self.loop = loop }

    /// Connects to a host's address and sends bytes.
    func connect(to address: Multiaddr, sending bytes: [UInt8]) async throws {
        let endpoint = try #require(address.tcpEndpoint)
        let socket = try #require(SocketAddress(ipBytes: endpoint.address.bytes, port: endpoint.port))
        let failure: LibuvError? = await withCheckedContinuation { continuation in
            self.loop.perform {
                do throws(LibuvError) {
                    let connection = try TCPConnection(on: self.loop)
                    self.connection = connection
                    connection.connect(to: socket) { error in
                        if error == nil {
                            connection.start(
                                onBytes: { span in
                                    span.withUnsafeBytes { self.received.append(contentsOf: $0) }
                                },
                                onEvent: { event in if event != .writable { self.isEnded = true } })
                            connection.write(bytes)
                        }
                        continuation.resume(returning: error)
                    }
                } catch {
                    continuation.resume(returning: error)
                }
            }
        }
        if let failure { throw failure }
    }

    /// Whether the other side has closed the connection.
    var hasEnded: Bool {
        get async { await withCheckedContinuation { c in self.loop.perform { c.resume(returning: self.isEnded) } } }
    }

    func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            self.loop.perform {
                self.connection?.close()
                self.connection = nil
                continuation.resume()
            }
        }
    }
}
