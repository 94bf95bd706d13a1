import Synchronization

/// Something that happens once.
final class Flag: Sendable {
    private let isSet = Atomic<Bool>(false)

    /// Whether it has happened.
    var value: Bool { self.isSet.load(ordering: .acquiring) }

    /// Returns true the first time.
    func set() -> Bool {
        self.isSet.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    }
}
