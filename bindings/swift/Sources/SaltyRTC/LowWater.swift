/// The low-water mark of a client or a channel, of which there is one, for all those who wait, each for an amount of its
/// own.
final class LowWater: Sendable {
    /// What the library was told; -1 if it need not tell anything.
    private let mark = Locked(-1)
    let changes: Changes

    init(_ changes: Changes) { self.changes = changes }

    /// Waits until no more than this waits to be sent, or nobody knows how much that is (`nil`).
    func wait(
        for amount: Int, buffered: () -> Int?, set: (Int) throws -> Void
    ) async throws {
        guard amount >= 0 else {
            throw SaltyRTCError(.badArgument, "amount has to be at least 0, not \(amount): never does less than nothing wait")
        }
        try await until(changes) { try isReached(amount, buffered, set) ? () : nil }
    }

    /// There was the event. Those who wait look once more.
    func wasReached() {
        mark.withLock { $0 = -1 }
        changes.fire()
    }

    private func isReached(_ amount: Int, _ buffered: () -> Int?, _ set: (Int) throws -> Void) throws -> Bool {
        func isEnough() -> Bool { buffered().map { $0 <= amount } ?? true }
        if isEnough() { return true }
        let isEnoughNow = try mark.withLock { mark in
            // The first that is reached. The others set theirs when they are woken then.
            guard amount > mark else { return false }
            try set(amount)
            mark = amount
            guard isEnough() else { return false }
            // There is no event about what was sent before the mark was set, neither for the others.
            mark = -1
            return true
        }
        if isEnoughNow { changes.fire() }
        return isEnoughNow
    }
}
