// An ordinary Swift program for the sandbox's tests: a task group, a thread, a sleeping task.

import Glibc

nonisolated func addInTasks() async -> Int {
    await withTaskGroup(of: Int.self) { group in
        for number in 0..<100 { group.addTask { number } }
        var sum = 0
        for await number in group { sum += number }
        return sum
    }
}

nonisolated func answerOfThread() -> Int {
    var thread = pthread_t()
    pthread_create(&thread, nil, { _ in UnsafeMutableRawPointer(bitPattern: 7) }, nil)
    var answer: UnsafeMutableRawPointer?
    pthread_join(thread, &answer)
    return Int(bitPattern: answer)
}

let sum = await addInTasks()
let answer = answerOfThread()
try await ContinuousClock().sleep(for: .milliseconds(1))
print("sum \(sum), thread \(answer == 7 ? "ran" : "lost"), slept")
