import Libuv
import Synchronization
import Testing

private actor Counter {
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }
    private(set) var count = 0

    init(on loop: EventLoop) { self.loop = loop }
    func increase() { self.count += 1 }
    nonisolated func increaseFromCallback() { self.assumeIsolated { $0.count += 1 } }
}

@Suite("An event loop") struct EventLoopTests {
    @Test("runs the jobs of its actors on its own thread") func runsJobs() async throws {
        try await withLoop { actor in
            #expect(actor.loop.isCurrent)
            actor.loop.preconditionIsCurrent()
        }
        let loop = EventLoop()
        #expect(!loop.isCurrent)
        await loop.stop()
    }

    @Test("needs no wake-up for calls between its actors") func callsWithoutHop() async throws {
        try await withLoop { actor in
            let counter = Counter(on: actor.loop)
            let before = actor.loop.statistics
            for _ in 0..<10_000 { await counter.increase() }
            for _ in 0..<100 {
                await actor.loop.suspend { continuation in
                    Task(executorPreference: actor.loop.taskExecutor) {
                        actor.loop.preconditionIsCurrent()
                        await counter.increase()
                        continuation.resume()
                    }
                }
            }
            let count = await counter.count
            let after = actor.loop.statistics
            #expect(count == 10_100)
            #expect(after.wakeUpCount == before.wakeUpCount)
        }
    }

    @Test("registers whoever waits before any other job runs") func suspendsAtomically() async throws {
        try await withLoop { actor in
            // Each waiter is woken by a job that is in the queue before it waits: one that came too late would hang.
            for round in 0..<200 {
                let box = Slot<LoopContinuation<Int>>()
                actor.loop.perform { [box = Carried(box)] in box.value.takeNow()?.resume(returning: round) }
                let value = await actor.loop.suspend { box.fill($0) }
                #expect(value == round)
            }
            let before = actor.loop.statistics.localJobCount
            let value = await actor.loop.suspend { $0.resume(returning: 7) }
            #expect(value == 7)
            #expect(actor.loop.statistics.localJobCount == before, "what is there already costs no turn")
        }
    }

    @Test("settles a question from its own thread and from others alike") func settles() async throws {
        let loop = EventLoop()
        let isOnLoop = await loop.settle { $0.resume(returning: loop.isCurrent) }
        #expect(isOnLoop)
        let both = await LoopActor(on: loop).run { actor in
            await actor.loop.settle { $0.resume(returning: actor.loop.isCurrent) }
        }
        #expect(both)
        await loop.stop()
    }

    @Test("runs jobs that a timer's callback enqueues, without a wake-up") func jobsFromTimer() async throws {
        try await withLoop { actor in
            let counter = Counter(on: actor.loop)
            let timer = try LoopTimer(on: actor.loop)
            let before = actor.loop.statistics
            await actor.loop.suspend { continuation in
                timer.start(afterMilliseconds: 1) {
                    counter.increaseFromCallback()
                    continuation.resume()
                }
            }
            let count = await counter.count
            #expect(count == 1)
            #expect(actor.loop.statistics.wakeUpCount == before.wakeUpCount)
        }
    }

    @Test("wakes up far less often than other threads enqueue") func batchesForeignJobs() async throws {
        let loop = EventLoop()
        let counter = Counter(on: loop)
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<500 { await counter.increase() } }
            }
        }
        #expect(await counter.count == 4_000)
        #expect(loop.statistics.foreignJobCount >= 1)
        await loop.stop()
    }

    @Test("polls for I/O between batches of an actor that never rests") func doesNotStarve() async throws {
        try await withLoop { actor in
            let fired = Slot<Int>()
            let timer = try LoopTimer(on: actor.loop)
            timer.start(afterMilliseconds: 1) { fired.fill(1) }
            var yields = 0
            while !fired.isFilled {
                await Task.yield()
                yields += 1
            }
            #expect(yields > 0)
        }
    }

    @Test("performs closures in order, never at once") func performsInOrder() async throws {
        try await withLoop { actor in
            let order = Mutex<[Int]>([])
            await actor.loop.suspend { continuation in
                for index in 0..<100 { actor.loop.perform { order.withLock { $0.append(index) } } }
                #expect(order.withLock(\.self).isEmpty)
                actor.loop.perform { continuation.resume() }
            }
            #expect(order.withLock(\.self) == Array(0..<100))
        }
    }

    @Test("runs jobs that arrive after it was stopped, one at a time") func jobsAfterStop() async throws {
        let loop = EventLoop()
        let counter = Counter(on: loop)
        await counter.increase()
        await loop.stop()
        await withTaskGroup { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<100 { await counter.increase() } } }
        }
        #expect(await counter.count == 801)
    }

    @Test("refuses new handles once it was stopped") func refusesHandlesAfterStop() async throws {
        let loop = EventLoop()
        let actor = LoopActor(on: loop)
        await loop.stop()
        let code = await actor.run { actor -> LibuvError.Code? in
            do throws(LibuvError) {
                _ = try LoopTimer(on: actor.loop)
                return nil
            } catch { return error.code }
        }
        #expect(code == .cancelled)
        await #expect(throws: CancellationError.self) { try await loop.sleep(milliseconds: 1) }
    }

    @Test("ends though tasks keep enqueueing themselves") func endsWithRestlessTask() async throws {
        let loop = EventLoop()
        let actor = LoopActor(on: loop)
        let task = Task { await actor.run { _ in while !Task.isCancelled { await Task.yield() } } }
        await actor.run { _ in }
        await loop.stop()
        task.cancel()
        await task.value
    }

    @Test("closes handles that are dropped on another thread") func dropsElsewhere() async throws {
        let loop = EventLoop()
        let actor = LoopActor(on: loop)
        let box = await actor.run { actor in Box(timer: try? LoopTimer(on: actor.loop)) }
        #expect(loop.statistics.openHandleCount == 1)
        #expect(!loop.isCurrent)
        box.timer = nil
        while loop.statistics.openHandleCount > 0 { await actor.run { _ in } }
        #expect(await loop.stop().openHandleCount == 0)
    }

    @Test("starts and stops many times without leaving threads or descriptors") func manyLoops() async throws {
        for _ in 0..<50 {
            let loop = EventLoop()
            let count = await LoopActor(on: loop).run { _ in 1 }
            #expect(count == 1)
            #expect(await loop.stop().closeStatus == 0)
        }
    }
}

/// Carries a handle off its loop, which only a test does.
///
/// Safety: the test hands it over before it waits for the loop, and never touches it from two threads at once.
private final class Box: @unchecked Sendable {
    var timer: LoopTimer?
    init(timer: LoopTimer?) { self.timer = timer }
}

/// Carries what is used on one loop's thread into a closure that runs there.
///
/// Safety: the value is touched on that thread alone.
private struct Carried<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
