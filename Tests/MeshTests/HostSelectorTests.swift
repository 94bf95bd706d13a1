import Identity
import Mesh
import TestKit
import Testing

@Suite("The selection of a host") struct HostSelectorTests {
    let hosts: [PeerID]
    var candidates: [HostSelector.Candidate] { self.hosts.map { .init(host: $0) } }

    init() throws { self.hosts = try (10..<14).map { try MeshFixture.key($0).peerID }.sorted() }

    @Test("prefers this agent, then the newest release") func preferences() throws {
        let selector = HostSelector()
        let mixed = [
            HostSelector.Candidate(host: self.hosts[0], runsNewestRelease: false),
            .init(host: self.hosts[1], runsNewestRelease: true),
            .init(host: self.hosts[2], isLocal: true, runsNewestRelease: false),
        ]
        #expect(selector.choose(from: mixed, excluding: [], nowMilliseconds: 0, random: 1)?.host == self.hosts[2])
        let second = selector.choose(from: mixed, excluding: [self.hosts[2]], nowMilliseconds: 0, random: 1)
        #expect(second?.host == self.hosts[1])
        let third = selector.choose(
            from: mixed, excluding: [self.hosts[1], self.hosts[2]], nowMilliseconds: 0, random: 1)
        #expect(third?.host == self.hosts[0])
        #expect(selector.choose(from: mixed, excluding: self.hosts, nowMilliseconds: 0, random: 1) == nil)
        #expect(selector.choose(from: [], excluding: [], nowMilliseconds: 0, random: 1) == nil)
    }

    @Test("tries every host once before it gives up", arguments: 0..<UInt64(20)) func exhausts(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let selector = HostSelector()
        var tried: [PeerID] = []
        while let next = selector.choose(
            from: self.candidates, excluding: tried, nowMilliseconds: 5, random: random.next())
        {
            tried.append(next.host)
        }
        #expect(tried.sorted() == self.hosts, "replay with seed \(seed)")
    }

    @Test("sends most calls to the quicker of two hosts, and some to each of many equal ones") func latency() {
        var selector = HostSelector()
        for (host, latency) in zip(self.hosts, [1_000, 50_000, 50_000, 50_000] as [UInt64]) {
            selector.onStarted(host)
            selector.onSucceeded(host, latencyMicroseconds: latency)
        }
        var random = SplitMix64(seed: 1)
        var counts = [0, 0, 0, 0]
        for _ in 0..<1_000 {
            let choice = selector.choose(
                from: self.candidates, excluding: [], nowMilliseconds: 0, random: random.next())
            if let choice, let index = self.hosts.firstIndex(of: choice.host) { counts[index] += 1 }
        }
        #expect(counts.reduce(0, +) == 1_000)
        #expect(counts[0] > 400 && counts[1...].allSatisfy { $0 > 50 }, "\(counts)")
    }

    @Test("spreads what is under way over equal hosts") func outstanding() {
        var selector = HostSelector()
        for host in self.hosts {
            selector.onStarted(host)
            selector.onSucceeded(host, latencyMicroseconds: 1_000)
        }
        var random = SplitMix64(seed: 2)
        var counts: [PeerID: Int] = [:]
        for _ in 0..<400 {
            guard
                let choice = selector.choose(
                    from: self.candidates, excluding: [], nowMilliseconds: 0, random: random.next())
            else { continue }
            selector.onStarted(choice.host)
            counts[choice.host, default: 0] += 1
        }
        #expect(self.hosts.allSatisfy { (80...120).contains(counts[$0] ?? 0) }, "\(counts.values.sorted())")
    }

    @Test("leaves a failing host alone for twice as long each time, and forgives it after a success") func backOff() {
        var selector = HostSelector()
        var last: UInt64 = 0
        for failure in 0..<6 {
            selector.onStarted(self.hosts[0])
            selector.onFailed(self.hosts[0], nowMilliseconds: 0, random: 0)
            let until = selector.backedOffUntil(self.hosts[0])
            #expect(until > last && until <= 1_000 << UInt64(failure))
            last = until
        }
        for _ in 0..<40 { selector.onFailed(self.hosts[0], nowMilliseconds: 0, random: .max) }
        #expect(selector.backedOffUntil(self.hosts[0]) <= HostSelector.maximumBackOffMilliseconds * 9 / 8)
        #expect(
            selector.choose(from: self.candidates, excluding: [], nowMilliseconds: 1, random: 0)?.host != self.hosts[0])
        selector.onSucceeded(self.hosts[0], latencyMicroseconds: 1)
        #expect(selector.backedOffUntil(self.hosts[0]) == 0)
    }

    @Test("honours a host's wish to be left alone, up to five minutes") func retryAfter() {
        var selector = HostSelector()
        selector.onFailed(self.hosts[0], retryAfterMilliseconds: 20_000, nowMilliseconds: 100, random: 0)
        #expect(selector.backedOffUntil(self.hosts[0]) == 20_100)
        selector.onFailed(self.hosts[1], retryAfterMilliseconds: .max, nowMilliseconds: 100, random: 0)
        #expect(selector.backedOffUntil(self.hosts[1]) == 300_100)
    }

    @Test("tries the host whose back-off ends first when all are backed off") func lastResort() {
        var selector = HostSelector()
        for (index, host) in self.hosts.enumerated() {
            selector.onFailed(
                host, retryAfterMilliseconds: UInt32(10_000 - index * 1_000), nowMilliseconds: 0, random: 0)
        }
        let choice = selector.choose(from: self.candidates, excluding: [], nowMilliseconds: 1, random: 0)
        #expect(choice?.host == self.hosts[3])
    }

    @Test("remembers at most 1,024 hosts") func bounded() throws {
        var selector = HostSelector()
        selector.onFailed(self.hosts[0], nowMilliseconds: 0, random: 0)
        for index in 0..<HostSelector.maximumHosts {
            let seed = Array("\(index)".utf8) + [UInt8](repeating: 1, count: 32)
            selector.onStarted(try KeyPair(seed: Array(seed.prefix(32))).peerID)
        }
        #expect(selector.backedOffUntil(self.hosts[0]) == 0)
    }
}
