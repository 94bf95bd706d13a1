/// The user and group that one live worker is on the host, when the agent is root. An agent that runs as an ordinary
/// user maps its own user instead and ignores the slot.
package struct UserSlot: Sendable, Hashable {
    /// Distance from ``UserSlots/base``.
    package let index: UInt32
    /// The slot of a command that runs beside the agent, out of the agent's range; commands that run at the same time have
    /// different process ids.
    package static func ofCommand(processID: Int32) -> UserSlot {
        UserSlot(index: UserSlots.maximumCount + UInt32(bitPattern: processID) % UserSlots.maximumCount)
    }

    /// The kernel user and group id.
    package var kernelUserID: UInt32 { UserSlots.base + self.index }
}

/// Hands out user slots so that no two live workers share one.
package struct UserSlots: Sendable {
    /// The first kernel user id, above what distributions give to people and services.
    package static let base: UInt32 = 200_000
    /// The most slots of an agent. Those up to 299999 are for commands beside it (``UserSlot/ofCommand(processID:)``).
    package static let maximumCount: UInt32 = 50_000

    private let count: UInt32
    private var inUse: Set<UInt32> = []
    /// Where the search for a free slot begins. It moves on, so that a slot rests as long as possible after its release.
    private var next: UInt32 = 0

    /// - Parameter count: how many slots there are, 1...``maximumCount``.
    package init(count: UInt32 = UserSlots.maximumCount) {
        precondition((1...Self.maximumCount).contains(count), "a slot range has 1 to \(Self.maximumCount) slots")
        self.count = count
    }

    /// Takes a slot; `nil` when all are in use.
    package mutating func take() -> UserSlot? {
        guard self.inUse.count < Int(self.count) else { return nil }
        while self.inUse.contains(self.next) { self.next = (self.next + 1) % self.count }
        let index = self.next
        self.inUse.insert(index)
        self.next = (self.next + 1) % self.count
        return UserSlot(index: index)
    }

    /// Takes one particular slot, for a worker that is to keep its user over restarts; `nil` when it is in use or out of
    /// range.
    package mutating func take(index: UInt32) -> UserSlot? {
        guard index < self.count, self.inUse.insert(index).inserted else { return nil }
        return UserSlot(index: index)
    }

    /// Gives a slot back. The worker must have ended.
    package mutating func release(_ slot: UserSlot) {
        precondition(self.inUse.remove(slot.index) != nil, "user slot \(slot.index) was not taken")
    }
}
