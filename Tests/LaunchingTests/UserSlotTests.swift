import Launching
import TestKit
import Testing

@Suite("User slots") struct UserSlotTests {
    @Test("are never in use twice") func unique() {
        for seed in 0..<UInt64(50) {
            var random = SplitMix64(seed: seed)
            var slots = UserSlots(count: 16)
            var taken: [UserSlot] = []
            for _ in 0..<500 {
                if random.oneIn(2), let slot = slots.take() {
                    #expect(!taken.contains(slot), "replay with seed \(seed)")
                    taken.append(slot)
                } else if !taken.isEmpty {
                    slots.release(taken.remove(at: .random(in: taken.indices, using: &random)))
                }
            }
            #expect(taken.count <= 16)
        }
    }

    @Test("end at their count and begin at 200000") func bounds() throws {
        var slots = UserSlots(count: 2)
        let taken = slots.take()
        let first = try #require(taken)
        #expect(first.kernelUserID == 200_000)
        #expect(slots.take()?.kernelUserID == 200_001)
        #expect(slots.take() == nil)
        slots.release(first)
        #expect(slots.take() == first)
    }

    @Test("rest after their release") func rest() throws {
        var slots = UserSlots(count: 3)
        let taken = slots.take()
        let first = try #require(taken)
        slots.release(first)
        #expect(slots.take()?.index == first.index + 1)
    }

    @Test("can be asked for by number, once") func byNumber() {
        var slots = UserSlots(count: 3)
        #expect(slots.take(index: 2)?.kernelUserID == 200_002)
        #expect(slots.take(index: 2) == nil)
        #expect(slots.take(index: 3) == nil)
    }
}
