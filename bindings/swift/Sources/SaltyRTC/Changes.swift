/// Where tasks wait until something changes. They look at it themselves, before and after.
final class Changes: Sendable {
    private struct State {
        /// How often something has changed.
        var generation: UInt64 = 0
        var lastWaiter: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    }
    private let state = Locked(State())

    /// Wakes all tasks that wait.
    func fire() {
        let waiting = state.withLock { state in
            state.generation &+= 1
            if state.waiting.isEmpty { return [CheckedContinuation<Void, any Error>]() }
            defer { state.waiting.removeAll() }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    var generation: UInt64 { state.withLock { $0.generation } }

    /// Waits until something has changed since `seen`. Throws `CancellationError`.
    func wait(since seen: UInt64) async throws {
        let waiter = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    // The handler below runs after this becomes true, and finds nobody then.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.generation != seen { return .success(()) }
                    state.waiting[waiter] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let continuation = state.withLock { $0.waiting.removeValue(forKey: waiter) }
            continuation?.resume(throwing: CancellationError())
        }
    }
}

/// The answer of an attempt, which is made again whenever something has changed. Throws `CancellationError` in place of
/// waiting in a task that was cancelled.
func until<Answer>(_ changes: Changes, _ attempt: () throws -> Answer?) async throws -> Answer {
    while true {
        let seen = changes.generation
        if let answer = try attempt() { return answer }
        try await changes.wait(since: seen)
    }
}
