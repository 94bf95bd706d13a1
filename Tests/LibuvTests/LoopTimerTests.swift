import Libuv
import Testing

@Suite("A timer") struct LoopTimerTests {
    @Test("fires in the order of the due times, ties in the order of starting") func order() async throws {
        try await withLoop { actor in
            var fired: [Int] = []
            let done = Slot<Int>()
            let delays: [UInt64] = [12, 4, 8, 4, 0]
            let timers = try delays.map { _ in try LoopTimer(on: actor.loop) }
            for (index, timer) in timers.enumerated() {
                timer.start(afterMilliseconds: delays[index]) {
                    fired.append(index)
                    if fired.count == delays.count { done.fill(1) }
                }
            }
            _ = await done.get()
            #expect(fired == [4, 1, 3, 2, 0])
            #expect(timers.allSatisfy { !$0.isActive })
        }
    }

    @Test("repeats until it is stopped") func repeats() async throws {
        try await withLoop { actor in
            var count = 0
            let done = Slot<Int>()
            let timer = try LoopTimer(on: actor.loop)
            timer.start(afterMilliseconds: 1, everyMilliseconds: 1) { [unowned timer] in
                count += 1
                if count == 5 {
                    timer.stop()
                    done.fill(count)
                }
            }
            _ = await done.get()
            try await actor.loop.sleep(milliseconds: 5)
            #expect(count == 5)
        }
    }

    @Test("does not fire after close") func closed() async throws {
        try await withLoop { actor in
            var hasFired = false
            let timer = try LoopTimer(on: actor.loop)
            timer.start(afterMilliseconds: 1) { hasFired = true }
            timer.close()
            timer.start(afterMilliseconds: 1) { hasFired = true }
            try await actor.loop.sleep(milliseconds: 5)
            #expect(!hasFired)
            #expect(!timer.isActive)
        }
    }

    @Test("sleeps at least as long as asked") func sleeps() async throws {
        let loop = EventLoop()
        let start = MonotonicClock.nowMilliseconds
        try await loop.sleep(milliseconds: 20)
        #expect(MonotonicClock.nowMilliseconds - start >= 19)
        await loop.stop()
    }

    @Test("stops sleeping when the task is cancelled") func cancelledSleep() async throws {
        let loop = EventLoop()
        let task = Task { try await loop.sleep(milliseconds: 1_000_000) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await loop.stop()
    }

    @Test("stops sleeping when the loop stops") func stoppedSleep() async throws {
        let loop = EventLoop()
        let started = Task {
            try await LoopActor(on: loop).run { actor in try await actor.loop.sleep(milliseconds: 1_000_000) }
        }
        while loop.statistics.openHandleCount == 0 { await Task.yield() }
        await loop.stop()
        await #expect(throws: CancellationError.self) { try await started.value }
    }
}
