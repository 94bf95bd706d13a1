// An ordinary Swift program for the sandbox's tests: a task group, a thread, a sleeping task.

import Glibc

let sum = await withTaskGroup(of: Int.self) { group in
    for number in 0..<100 { group.addTask { number } }
    var sum = 0
    for await number in group { sum += number }
    return sum
}
var thread = pthread_t()
pthread_create(&thread, nil, { _ in UnsafeMutableRawPointer(bitPattern: 7) }, nil)
var answer: UnsafeMutableRawPointer?
pthread_join(thread, &answer)
try await Task.sleep(for: .milliseconds(1))
print("sum \(sum), thread \(answer == UnsafeMutableRawPointer(bitPattern: 7) ? "ran" : "lost"), slept")
