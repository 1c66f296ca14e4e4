/// What has arrived and the program has not taken yet. Nothing is dropped: while too much waits, the client takes nothing
/// more from the network, and the peer has to wait.
final class Inbox<Element: Sendable>: Sendable {
    private struct State {
        var elements = Line<(element: Element, size: Int)>()
        var size = 0
        var isFull = false
        /// What follows the last element: nothing, or an error.
        var end: Result<Void, any Error>?

        @inline(__always)
        mutating func take(_ client: Client) -> Element? {
            guard let (element, size) = elements.popFirst() else { return nil }
            self.size -= size
            if isFull, self.size <= Limits.lowBytes, elements.count <= Limits.lowMessages {
                isFull = false
                client.inboxIsFull(-1)
            }
            return element
        }
    }
    private let state = Locked(State())
    private let readable = Changes()
    private let client: Client

    init(_ client: Client) { self.client = client }

    deinit {
        // What nobody will take must not keep the client waiting.
        discard()
    }

    /// Adds elements, each with its size in bytes.
    func put(_ elements: [(element: Element, size: Int)]) {
        let isFirst = state.withLock { state in
            if state.end != nil { return false }
            let isFirst = state.elements.isEmpty
            for (element, size) in elements {
                state.elements.append((element, size + Limits.messageCost))
                state.size += size + Limits.messageCost
            }
            if !state.isFull, state.size > Limits.highBytes || state.elements.count >= Limits.highMessages {
                state.isFull = true
                client.inboxIsFull(1)
            }
            return isFirst
        }
        // Those who wait look at all that is there.
        if isFirst { readable.fire() }
    }

    func put(_ element: Element, size: Int) { put([(element, size)]) }

    /// The next element, if there is one.
    func take() -> Element? {
        state.withLock { $0.take(client) }
    }

    /// The next element; `nil` if there will be no more.
    func next() async throws -> Element? {
        try Task.checkCancellation()
        // Most of the time, there is one already.
        if let element = take() { return element }
        return try await until(readable) {
            try state.withLock { state -> Element?? in
                if let element = state.take(client) { return .some(element) }
                guard let end = state.end else {
                    try client.requireStarted()
                    return nil
                }
                try end.get()
                return .some(nil)
            }
        }
    }

    /// There is nothing more to come. With an error, that is thrown after the last element.
    func finish(throwing error: (any Error)? = nil) {
        state.withLock { state in
            if state.end == nil { state.end = error.map { .failure($0) } ?? .success(()) }
        }
        readable.fire()
    }

    /// Throws away what waits.
    func discard() {
        let thrownAway = state.withLock { state in
            defer {
                state.elements = Line()
                state.size = 0
                if state.isFull {
                    state.isFull = false
                    client.inboxIsFull(-1)
                }
            }
            return state.elements
        }
        // Not with the lock held: an element may be the last that holds something.
        withExtendedLifetime(thrownAway) {}
    }

    /// How many bytes wait, with what each element costs besides.
    var size: Int { state.withLock { $0.size } }
}

/// How much may wait for the program.
enum Limits {
    /// If so many bytes, or messages, wait, the client takes nothing more from the network …
    static let highBytes = 1 << 20
    static let highMessages = 1024
    /// … until so few wait.
    static let lowBytes = 1 << 18
    static let lowMessages = 256
    /// What a message costs besides its content, in bytes.
    static let messageCost = 64
}

/// A line with a cheap front.
struct Line<Element> {
    private var slots: [Element?] = []
    private var first = 0

    var count: Int { slots.count - first }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element) { slots.append(element) }

    mutating func popFirst() -> Element? {
        guard first < slots.count else { return nil }
        let element = slots[first]
        slots[first] = nil
        first += 1
        if first == slots.count {
            slots.removeAll(keepingCapacity: slots.count <= 2 * Limits.highMessages)
            first = 0
        } else if first >= 2 * Limits.highMessages {
            slots.removeFirst(first)
            first = 0
        }
        return element
    }
}

extension Line: Sendable where Element: Sendable {}
