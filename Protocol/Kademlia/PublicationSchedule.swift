/// What a node publishes and when it is due again (Specs/kademlia.md, section 5).
struct PublicationSchedule: Sendable {
    enum Subject: Hashable, Sendable {
        case value(key: [UInt8])
        case provider(key: [UInt8])
    }

    private struct Publication: Sendable {
        let subject: Subject
        var dueAtMilliseconds: UInt64
        var isUnderWay = false
        var publishedAtMilliseconds: UInt64 = 0
        /// How many peers took it, and how many the table held then.
        var reachedCount = 0
        var tableCount = 0
    }

    private var publications: [Publication] = []  // In the order they were added.

    var count: Int { self.publications.count }

    func contains(_ subject: Subject) -> Bool { self.publications.contains { $0.subject == subject } }

    /// Adds a subject, or makes a known one due at another time.
    mutating func add(_ subject: Subject, dueAtMilliseconds: UInt64) {
        if let index = self.index(of: subject) {
            self.publications[index].dueAtMilliseconds = dueAtMilliseconds
        } else {
            self.publications.append(Publication(subject: subject, dueAtMilliseconds: dueAtMilliseconds))
        }
    }

    mutating func remove(_ subject: Subject) { self.publications.removeAll { $0.subject == subject } }

    mutating func onStart(_ subject: Subject) {
        if let index = self.index(of: subject) { self.publications[index].isUnderWay = true }
    }

    mutating func onEnd(
        _ subject: Subject, reachedCount: Int, tableCount: Int, atMilliseconds now: UInt64, intervalMilliseconds: UInt64
    ) {
        guard let index = self.index(of: subject) else { return }
        self.publications[index].isUnderWay = false
        self.publications[index].publishedAtMilliseconds = now
        self.publications[index].dueAtMilliseconds = saturatingSum(now, intervalMilliseconds)
        self.publications[index].reachedCount = reachedCount
        self.publications[index].tableCount = tableCount
    }

    /// What is due, at most `count`.
    func due(
        atMilliseconds now: UInt64, tableCount: Int, parameters: KademliaParameters, count: Int
    ) -> [Subject] {
        self.publications.lazy.filter { !$0.isUnderWay }
            .filter { self.deadline(of: $0, tableCount: tableCount, parameters: parameters) <= now }
            .prefix(count).map(\.subject)
    }

    /// When the next one is due.
    func nextDeadline(tableCount: Int, parameters: KademliaParameters) -> UInt64? {
        self.publications.lazy.filter { !$0.isUnderWay }
            .map { self.deadline(of: $0, tableCount: tableCount, parameters: parameters) }.min()
    }

    var underWayCount: Int { self.publications.count(where: \.isUnderWay) }

    private func index(of subject: Subject) -> Int? { self.publications.firstIndex { $0.subject == subject } }

    /// A publication that reached few peers is due early once more of them are known; one that reached nobody, anyway.
    private func deadline(of publication: Publication, tableCount: Int, parameters: KademliaParameters) -> UInt64 {
        let hasGrown = tableCount > publication.tableCount
        let early = saturatingSum(publication.publishedAtMilliseconds, parameters.earlyRepublishIntervalMilliseconds)
        if publication.reachedCount == 0 {
            return min(hasGrown ? publication.publishedAtMilliseconds : early, publication.dueAtMilliseconds)
        }
        let isEarly = publication.reachedCount < parameters.replication && hasGrown
        return isEarly ? min(early, publication.dueAtMilliseconds) : publication.dueAtMilliseconds
    }
}
