import CSeccomp
import Glibc
import Launching
import Libuv
import Policy
import TestKit
import Testing

/// The helper takes its plan for hostile input, although only an agent can send it one.
@Suite("The helper and a broken plan") struct HostilePlanTests {
    @Test("refuses each kind of damage by name") func damage() async throws {
        let good = try Self.goodPlan()
        func outcome(_ change: (inout [UInt8]) -> Void, isSealed: Bool = true) async throws -> String {
            var bytes = good
            change(&bytes)
            return try await Self.outcome(bytes, isSealed: isSealed)
        }
        #expect(try await outcome { _ in } == "ended 0")
        #expect(try await outcome({ _ in }, isSealed: false) == "plan: it is not in a sealed memory file")
        #expect(try await outcome { $0 = [] } == "plan: its size is out of bounds")
        #expect(
            try await outcome { $0 = [UInt8](repeating: 0, count: (1 << 20) + 1) } == "plan: its size is out of bounds")
        #expect(try await outcome { $0[0] = 0 } == "plan: it is no plan")
        #expect(try await outcome { $0[8] = 2 } == "plan: its version is not 1")
        #expect(try await outcome { $0.append(0) } == "plan: its length is wrong")
        #expect(try await outcome { $0[16] = 2 } == "plan: its policy is missing")
        #expect(try await outcome { $0[18] = 1 } == "plan: its policy is missing")
        #expect(try await outcome { $0[23] = 0x7F } == "plan: its policy is missing")
        #expect(try await outcome { $0[24] = 99 } == "plan: its policy is malformed")
        #expect(try await outcome { $0[32] = 0xFF } == "plan: its policy is malformed")
    }

    @Test("refuses a host user below 200000, the real root above all", .enabled(if: geteuid() == 0))
    func realUsers() async throws {
        let good = try Self.goodPlan()
        let slot: [UInt8] = [0x40, 0x0D, 0x03, 0x00]
        let identity = [30, 0, 0, 0, 8, 0, 0, 0] + slot + slot
        let place = try #require(good.indices.first { good[$0...].starts(with: identity) })
        for user in [0, 1, 1000, 199_999] as [UInt32] {
            var bytes = good
            for index in 0..<4 { bytes[place + 8 + index] = UInt8(truncatingIfNeeded: user >> (8 * UInt32(index))) }
            #expect(try await Self.outcome(bytes) == "identity: the worker's user is below 200000")
        }
    }

    @Test("survives any damage") func mutations() async throws {
        let good = try Self.goodPlan()
        // Not inside the filter, which is the kernel's to check: another valid one may let nothing run or end.
        let places = try Self.placesOutsideFilter(good)
        for seed in 0..<UInt64(120) {
            var random = SplitMix64(seed: seed)
            var bytes = good
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let index = places[Int.random(in: places.indices, using: &random)]
                bytes[index] =
                    random.oneIn(2)
                    ? UInt8(truncatingIfNeeded: random.next()) : bytes[index] ^ (1 << UInt8(random.next() % 8))
            }
            if random.oneIn(8) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            let outcome = try await Self.outcome(bytes)
            #expect(!outcome.hasPrefix("lost"), "the helper died without a report; replay with seed \(seed)")
        }
    }

    @Test("answers an order that is none, and no order at all") func orders() async throws {
        #expect(try await Helper(on: TestJail.loop).talk(order: [1, 2, 3], descriptors: []) == "order: ")
        var order = Self.order
        order[6] = 0x1F
        // Five descriptors announced, one sent.
        #expect(try await Helper(on: TestJail.loop).talk(order: order, descriptors: [0]) == "order: ")
        order = Self.order
        order[0] = 0
        #expect(try await Helper(on: TestJail.loop).talk(order: order, descriptors: [0, 0, 0, 0]) == "order: ")
        #expect(try await Helper(on: TestJail.loop).talk(order: nil, descriptors: []) == "order: ")
    }

    @Test("is started by nobody else") func commandLine() async throws {
        let error = try TemporaryFile()
        let status = try await Command.run(TestJail.products + "dsmp-jail", [], error: error.descriptor)
        #expect(status == 2)
        #expect(try error.text().contains("dsmp sandbox run"))
    }

    // MARK: Talking to the helper

    private static let order: [UInt8] = [0x44, 0x53, 0x4A, 0x4F, 1, 0, 0x0F, 0, 7, 0, 0, 0, 0, 0, 0, 0]

    private static func goodPlan() throws -> [UInt8] {
        var slots = UserSlots()
        let taken = slots.take()
        return try LaunchPlan(
            name: "broken", program: "/usr/bin/true", arguments: ["true"],
            policy: try TestJail.compile(try TestJail.policy()), slot: try #require(taken)
        ).encoded()
    }

    /// Every byte of a plan but the instructions of its filter.
    private static func placesOutsideFilter(_ plan: [UInt8]) throws -> [Int] {
        func number(_ index: Int) -> Int { (0..<4).reduce(0) { $0 | Int(plan[index + $1]) << (8 * $1) } }
        var section = 24
        while plan[section] != 15 { section += 8 + (number(section + 4) + 7) / 8 * 8 }
        let filter = (section + 8)..<(section + 8 + number(section + 4))
        return plan.indices.filter { !filter.contains($0) }
    }

    private static func outcome(_ plan: [UInt8], isSealed: Bool = true) async throws -> String {
        let file = dsmp_sealable_memory("test-plan")
        try #require(file >= 0)
        defer { close(file) }
        try #require(pwrite(file, plan, plan.count, 0) == plan.count)
        if isSealed { try #require(dsmp_seal(file) == 0) }
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        return try await Helper(on: TestJail.loop).talk(order: Self.order, descriptors: [file, null, null, null])
    }
}

/// One helper and the raw end of its channel.
private actor Helper {
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    init(on loop: EventLoop) { self.loop = loop }

    /// Sends an order, or none, and returns what the helper said last: `step: detail`, `ended CODE`, or how it was lost.
    func talk(order: [UInt8]?, descriptors: [Int32]) async throws -> String {
        var ends: [Int32] = [-1, -1]
        try #require(dsmp_packet_sockets(&ends) == 0)
        defer { close(ends[0]) }
        if let order {
            try #require(dsmp_send_packet(ends[0], order, order.count, descriptors, descriptors.count) == 0)
        } else {
            shutdown(ends[0], Int32(SHUT_WR))
        }
        let child = try ChildProcess(
            ChildProcess.Description(
                program: TestJail.products + "dsmp-jail", arguments: ["launch"], environment: [],
                descriptors: [.null, .null, .null, .duplicate(ends[1])]), on: self.loop)
        close(ends[1])
        let status = try await child.exitStatus()
        var last = "lost: \(status)"
        var packet = [UInt8](repeating: 0, count: 560)
        while true {
            var received = [Int32](repeating: -1, count: 8)
            var count = 0
            let byteCount = dsmp_receive_packet(ends[0], &packet, packet.count, &received, &count)
            for number in received.prefix(count) { close(number) }
            guard byteCount > 0 else { break }
            guard let report = JailReport(decoding: packet.prefix(byteCount)) else { return "no report" }
            switch report.kind {
            case .failed(let failure): last = "\(failure.step): \(failure.detail)"
            case .ended(let report):
                if case .exited(let code) = report.reason {
                    last = "ended \(code)"
                } else {
                    last = "ended \(report.reason)"
                }
            case .started, .running: break
            }
        }
        return last
    }
}

@Suite("A report") struct JailReportTests {
    @Test("is decoded, or refused when it is none") func decoding() throws {
        var packet = [UInt8](repeating: 0, count: 48)
        packet.replaceSubrange(0..<8, with: [0x44, 0x53, 0x4A, 0x52, 4, 0, 0, 0])
        packet[8] = 9
        packet[12] = 1
        packet[16] = 77
        packet[24] = 5
        packet[40] = 8
        let report = try #require(JailReport(decoding: packet[...]))
        #expect(report.request == 9)
        #expect(
            report.kind
                == .ended(ExitReport(reason: .exited(code: 77), userMicroseconds: 5, maximumResidentBytes: 8)))
        #expect(JailReport(decoding: packet.dropLast()) == nil)
        #expect(JailReport(decoding: packet + [0]) == nil)
        for (index, value) in [(0, 0), (4, 9), (6, 1), (12, 3)] as [(Int, UInt8)] {
            var broken = packet
            broken[index] = value
            #expect(JailReport(decoding: broken[...]) == nil, "byte \(index)")
        }
    }

    @Test("is never trusted to be well-formed") func hostile() {
        for seed in 0..<UInt64(2_000) {
            var random = SplitMix64(seed: seed)
            var packet = random.bytes(Int.random(in: 0...560, using: &random))
            packet.replaceSubrange(0..<min(4, packet.count), with: [0x44, 0x53, 0x4A, 0x52].prefix(packet.count))
            if packet.count >= 48 {
                packet[4] = UInt8(random.next() % 6)
                packet[5] = 0
                let textCount = packet.count - 48
                packet[6] = UInt8(textCount & 0xFF)
                packet[7] = UInt8(textCount >> 8)
            }
            if let report = JailReport(decoding: packet[...]), case .failed(let failure) = report.kind {
                #expect(!failure.description.isEmpty, "replay with seed \(seed)")
            }
        }
    }
}
