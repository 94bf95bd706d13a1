import Synchronization

/// Something that happens once.
final class Latch: Sendable {
    private let isSet = Atomic(false)

    /// True for the first caller only.
    func set() -> Bool { !self.isSet.exchange(true, ordering: .acquiringAndReleasing) }
}
