/// Runs something that blocks on a thread of the pool instead of the loop's, also in a task that prefers the loop's
/// executor.
func offLoop<Value: Sendable, Failure: Error>(
    _ body: @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    try await withTaskExecutorPreference(globalConcurrentExecutor) { () async throws(Failure) -> Value in
        try await onPool(body)
    }
}

@concurrent private func onPool<Value: Sendable, Failure: Error>(
    _ body: @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    try body()
}
